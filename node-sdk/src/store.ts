/**
 * Where tokens are kept between processes (AUTH-10): what a store is, and one in memory; the one of files is in `node`.
 *
 * A store knows nothing of OAuth: it keeps a secret text under a key and lets one at a time replace it; `kept` knows what it says.
 *
 * @module
 */
import type { Secret } from './exchange.ts';

/** Keeps a secret per key, for several clients or processes; clients of one object also share its token in memory. */
export interface TokenStore {
  /** What is kept, undefined if nothing is. */
  load(key: string): Promise<Secret | undefined>;
  /** Keeps it in place of what was, whole or not at all; undefined forgets. */
  save(key: string, secret: Secret | undefined): Promise<void>;
  /** Takes the key's lock, or says at once that another has it; one older than so many milliseconds is taken over. */
  lock(key: string, nonce: string, staleAfter: number): Promise<boolean>;
  /** Gives the lock back if it is still this one. */
  unlock(key: string, nonce: string): Promise<void>;
}

/** Keeps tokens for as long as the process lives; give one to several clients to share them. */
export class MemoryTokenStore implements TokenStore {
  readonly #kept = new Map<string, Secret>();
  readonly #locks = new Map<string, { readonly nonce: string; readonly since: number }>();

  load(key: string): Promise<Secret | undefined> {
    return Promise.resolve(this.#kept.get(key));
  }

  save(key: string, secret: Secret | undefined): Promise<void> {
    if (secret === undefined) this.#kept.delete(key);
    else this.#kept.set(key, secret);
    return Promise.resolve();
  }

  lock(key: string, nonce: string, staleAfter: number): Promise<boolean> {
    const now = performance.now();
    const held = this.#locks.get(key);
    const free = held === undefined || held.nonce === nonce || now - held.since > staleAfter;
    if (free) this.#locks.set(key, { nonce, since: now });
    return Promise.resolve(free);
  }

  unlock(key: string, nonce: string): Promise<void> {
    if (this.#locks.get(key)?.nonce === nonce) this.#locks.delete(key);
    return Promise.resolve();
  }
}
