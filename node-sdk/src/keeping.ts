/**
 * A token store as one grant uses it: re-read → refresh → write as one transaction, over processes (AUTH-10).
 *
 * Loaded by the first grant that has a store.
 *
 * @module
 */
import * as policy from './_generated/policy-auth.ts';
import type { AccessToken } from './access.ts';
import { AdminAPIError, AuthenticationError, TokenFailure } from './index.ts';
import type { Clock, Secret } from './index.ts';
import { keyOf, originOf, read, written } from './kept.ts';
import type { GrantName, Kept } from './kept.ts';
import { fresh, shared, usable } from './renewal.ts';
import type { Renewal } from './renewal.ts';
import type { TokenStore } from './store.ts';
import { timedOut } from './tokens.ts';

type Ask = (ms: number) => Promise<AccessToken | TokenFailure>;

/** What a place in a store is made of. */
export interface KeepingFacts {
  readonly store: TokenStore;
  readonly name: GrantName;
  readonly refreshToken: Secret | undefined;
  readonly tokenTimeout: number;
  /** Milliseconds that a token request must have left to be begun. */
  readonly least: number;
  readonly clock: Clock;
  /** Told of what went wrong and stopped nobody. */
  readonly warn: (message: string) => void;
}

/** One grant's place in a token store. Waits for the lock in real time: it is another process's. */
export class Keeping {
  readonly #facts: KeepingFacts;
  readonly #key: string;
  /** Which log-in the grant goes back to; what another left in its place is never used. */
  readonly #origin: string | null;
  readonly renewal: Renewal;

  private constructor(facts: KeepingFacts, key: string, origin: string | null) {
    this.#facts = facts;
    this.#key = key;
    this.#origin = origin;
    this.renewal = shared(facts.store, key, origin, facts.refreshToken);
  }

  static async of(facts: KeepingFacts): Promise<Keeping> {
    return new Keeping(facts, await keyOf(facts.name), await originOf(facts.refreshToken));
  }

  /**
   * The token that another process has fetched meanwhile; else one that is asked for within the time, and kept.
   *
   * @throws AdminAPIError if the store cannot be used.
   */
  async renewed(ask: Ask): Promise<AccessToken | TokenFailure> {
    const until = performance.now() + this.#facts.tokenTimeout;
    return (await this.#locked(until, () => this.#renewed(ask, until))) ?? timedOut(false);
  }

  /** Takes a token out of the store if it is one of these. */
  async forget(accesses: readonly Secret[]): Promise<void> {
    const { store, tokenTimeout, warn } = this.#facts;
    try {
      const done = await this.#locked(performance.now() + tokenTimeout, async () => {
        const kept = await this.#load();
        if (kept !== undefined && accesses.some((access) => access.equals(kept.token.access))) await used(() => store.save(this.#key, undefined));
        return true;
      });
      if (done === undefined) warn('A token that was revoked is still in the token store, which another process holds.');
    } catch (error) {
      if (!(error instanceof AdminAPIError)) throw error;
      warn(`A token that was revoked is still in the token store: ${error.message}`);
    }
  }

  /** What a transaction under the lock gives; undefined if the lock was not had in time. */
  async #locked<T>(until: number, transaction: () => Promise<T>): Promise<T | undefined> {
    const { store, tokenTimeout, warn } = this.#facts;
    const nonce = crypto.randomUUID().replaceAll('-', '');
    const staleAfter = policy.AUTH_STORE_STALE * tokenTimeout;
    while (!(await used(() => store.lock(this.#key, nonce, staleAfter)))) {
      const left = until - performance.now();
      if (left <= 0) return undefined;
      await new Promise((resolve) => setTimeout(resolve, Math.min(policy.AUTH_STORE_POLL, left)));
    }
    try {
      return await transaction();
    } finally {
      try {
        await used(() => store.unlock(this.#key, nonce));
      } catch (error) {
        warn(`The token store's lock was not given back: ${(error as Error).message}`);
      }
    }
  }

  async #renewed(ask: Ask, until: number): Promise<AccessToken | TokenFailure> {
    const { renewal } = this;
    const { clock, warn, least } = this.#facts;
    const kept = await this.#load();
    let ours = kept?.origin === this.#origin ? kept.token : undefined;
    if (ours !== undefined && renewal.outdated?.equals(ours.access) === true) ours = undefined; // what is known is newer, though it could not be written
    if (ours !== undefined) {
      renewal.stored = true;
      renewal.refreshToken = ours.refreshToken ?? renewal.refreshToken;
      if (renewal.refused?.equals(ours.access) === true) ours = undefined;
    }
    const now = clock.monotonic();
    if (ours !== undefined && fresh(ours, now)) return ours;
    const left = until - performance.now();
    const landed = left > least ? await ask(left) : timedOut(false);
    if (landed instanceof TokenFailure) {
      if (ours === undefined || !usable(ours, now)) return landed;
      warn(`The access token was not refreshed ahead of time: ${landed.message}`);
      return ours;
    }
    if (kept === undefined || kept.origin === this.#origin || !renewal.stored) await this.#save(landed, kept);
    else warn("Another log-in has taken this one's place in the token store; it goes on in memory.");
    return landed;
  }

  async #load(): Promise<Kept | undefined> {
    const { store, name, clock } = this.#facts;
    const text = await used(() => store.load(this.#key));
    return text && read(text, name, { now: clock.now(), monotonic: clock.monotonic() });
  }

  async #save(token: AccessToken, kept: Kept | undefined): Promise<void> {
    const { renewal } = this;
    const { store, name, clock, warn } = this.#facts;
    const refreshToken = this.#origin === null ? undefined : (token.refreshToken ?? renewal.refreshToken);
    const endsAt = token.endsAt === undefined ? undefined : clock.now() + token.endsAt - clock.monotonic();
    try {
      await used(() => store.save(this.#key, written(token, name, { origin: this.#origin, refreshToken, endsAt })));
      renewal.outdated = undefined;
      renewal.stored = true;
    } catch (error) {
      if (!(error instanceof AdminAPIError)) throw error;
      renewal.outdated = kept?.token.access;
      warn(`The token could not be written to the token store, it goes on in memory: ${error.message}`);
    }
  }
}

/**
 * Something of the store's.
 *
 * @throws AdminAPIError: the store's own, or `token_store_failed` for whatever else it threw, of which only the kind is told.
 */
async function used<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof AdminAPIError) throw error;
    const { code, name } = error as Partial<NodeJS.ErrnoException>;
    throw new AuthenticationError(`The token store failed: ${code ?? name ?? 'unknown'}.`, { code: 'token_store_failed', retryable: true });
  }
}
