/**
 * Grants that are asked for at the token endpoint (AUTH): client credentials, and refresh tokens that rotate.
 *
 * A refresh runs detached from whoever asked for it: at most one is in flight, and no caller's cancellation ends it; over
 * processes too, if they have a token store in common.
 *
 * @module
 */
import { AccessToken } from './access.ts';
import type { Clock } from './clock.ts';
import { landedToken, redirection, requestOf, revocationUrl } from './endpoint.ts';
import type { ClientAuth, EndpointFacts } from './endpoint.ts';
import { AdminAPIError, Call, ConfigurationError, Response, Secret, TokenFailure, WireError } from './index.ts';
import type { Send } from './index.ts';
import type { Keeping } from './keeping.ts';
import { warning } from './layers/records.ts';
import { loaded } from './loading.ts';
import type { Limits } from './options.ts';
import { Renewal } from './renewal.ts';
import type { Flight } from './renewal.ts';
import type { TokenStore } from './store.ts';
import { awaited, timedOut } from './tokens.ts';
import type { TokenSource } from './tokens.ts';

const CLOSED = 'client_closed';

/** What a grant is made of. */
export interface GrantFacts {
  /** What lies below the auth layer and may carry a token request (AUTH-5). */
  readonly send: Send;
  readonly endpoint: EndpointFacts;
  /** What to ask for; empty asks for all that may be had. */
  readonly scopes: readonly string[];
  readonly limits: Limits;
  readonly clock: Clock;
  /** Told of what went wrong and stopped nobody. */
  readonly warn: (message: string) => void;
  /** The first one, of a grant that has them. */
  readonly refreshToken: Secret | undefined;
}

/** What a client says of its grant. */
export interface GrantOptions {
  readonly send: Send;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly clientAuth: ClientAuth;
  readonly refreshToken: string | undefined;
  readonly tokenStore: TokenStore | undefined;
  readonly scopes: readonly string[];
  readonly limits: Limits;
  readonly clock: Clock;
  readonly userAgent: string | undefined;
  readonly warn: (message: string) => void;
}

/** The grant of a client: by its refresh token if it has one, else by its own credentials. */
export async function grantOf(options: GrantOptions): Promise<Grant> {
  const { clientId, tokenStore: store, scopes, limits, clock } = options;
  const warn = warning(options.warn);
  const refreshToken = secret(options.refreshToken);
  const endpoint = { url: options.tokenUrl, clientId, clientSecret: secret(options.clientSecret), auth: options.clientAuth, userAgent: options.userAgent };
  const facts = { send: options.send, endpoint, scopes, limits, clock, warn, refreshToken };
  const kind = refreshToken === undefined ? ClientCredentials : RefreshToken;
  if (store === undefined) return new kind(facts);
  if (['load', 'save', 'lock', 'unlock'].some((name) => typeof (store as unknown as Record<string, unknown>)[name] !== 'function')) {
    throw new ConfigurationError('tokenStore must have load, save, lock and unlock.', { code: 'invalid_option' });
  }
  const { Keeping } = await loaded(import('./keeping.ts'));
  const name = { tokenUrl: endpoint.url, clientId, scopes: [...new Set(scopes)].sort() };
  const { tokenTimeout } = limits;
  const least = refreshToken === undefined ? 0 : tokenTimeout / 2; // what is cut short is lost
  return new kind(facts, await Keeping.of({ store, name, refreshToken, tokenTimeout, least, clock, warn }));
}

const secret = (value: string | undefined): Secret | undefined => (value === undefined ? undefined : new Secret(value));

/** A grant that is asked for again and again, one refresh in flight (AUTH-2, AUTH-3). */
export abstract class Grant implements TokenSource {
  readonly #facts: GrantFacts;
  readonly #keeping: Keeping | undefined;
  protected readonly renewal: Renewal;
  #ended = false;

  constructor(facts: GrantFacts, keeping?: Keeping) {
    this.#facts = facts;
    this.#keeping = keeping;
    this.renewal = keeping?.renewal ?? new Renewal(facts.refreshToken);
  }

  /** Its `grant_type`. */
  protected abstract readonly kind: string;

  /** Whether the request may be made again though an earlier one may have acted (AUTH-5). */
  protected abstract readonly repeatable: boolean;

  /** What proves the grant. */
  protected abstract form(): Record<string, string | Secret>;

  refuse(token: AccessToken): boolean {
    this.renewal.refuse(token);
    return true;
  }

  async token(call: Call): Promise<AccessToken | TokenFailure> {
    const { clock, limits, warn } = this.#facts;
    if (this.#ended) return new TokenFailure(CLOSED, '', true, new WireError(CLOSED, 'final', 'The client is closed.'));
    const endsAt = clock.monotonic() + limits.tokenTimeout;
    for (;;) {
      const now = clock.monotonic();
      const { flight, usable, leads } = this.renewal.elect(this, now, now + limits.tokenTimeout);
      if (flight === undefined) return usable as AccessToken; // one of the two there always is
      if (leads) void this.#fly(flight, call);
      const left = endsAt - clock.monotonic();
      let landed = await awaited(flight.landing, call, Math.max(0, left));
      if (landed instanceof AccessToken) return landed;
      if (landed.code === 'token_timeout') landed = this.#late(flight);
      if (landed.code === CLOSED && flight.owner !== this) {
        if (left > 0 && this.#mayFollow(landed)) continue; // another client that led was closed: one of the waiters takes over
        landed = this.#late(flight);
      }
      if (usable === undefined) return landed;
      warn(`The access token was not refreshed ahead of time: ${landed.message}`);
      return usable;
    }
  }

  async #fly(flight: Flight, call: Call): Promise<void> {
    const { clock, limits } = this.#facts;
    const ask = (ms: number): Promise<AccessToken | TokenFailure> => this.#ask(flight, call, ms);
    let landed: AccessToken | TokenFailure;
    try {
      landed = await (this.#keeping?.renewed(ask) ?? ask(limits.tokenTimeout));
    } catch (error) {
      // of the token store; or a layer below that breaks its word: all who wait are told
      landed =
        error instanceof AdminAPIError
          ? new TokenFailure(error.code, error.message, !error.retryable)
          : new TokenFailure('token_request_failed', `The token request threw ${error instanceof Error ? error.name : 'something'}.`, true);
    }
    this.renewal.land(flight, landed, clock.monotonic());
  }

  async #ask(flight: Flight, call: Call, ms: number): Promise<AccessToken | TokenFailure> {
    const { send, endpoint, scopes, clock } = this.#facts;
    const form = { ...this.form(), ...(scopes.length > 0 && { scope: scopes.join(' ') }) };
    const request = requestOf(endpoint, this.#call('oauth.token', ms), endpoint.url, form);
    const askedAt = clock.monotonic();
    flight.asked = true;
    let landed = landedToken(await send(request), askedAt, scopes);
    if (landed instanceof AccessToken) this.renewal.remember(this, landed);
    else if (landed.code !== CLOSED && !this.#mayFollow(landed)) landed = unknown(landed);
    const code = landed instanceof TokenFailure ? landed.code : undefined;
    call.telemetry?.refreshed(Object.freeze({ grant: this.kind, duration: clock.monotonic() - askedAt, code }));
    return landed;
  }

  /** Whether another request may follow, or the failure is the last word anyway. */
  #mayFollow({ final, code, answer }: TokenFailure): boolean {
    if (this.repeatable || (final && code !== CLOSED)) return true;
    if (answer instanceof Response) return answer.status === 429; // the one answer that says that nothing was done (RETRY-2)
    return answer?.effect !== 'maybe_acted';
  }

  /** A flight that did not land in time. */
  #late(flight: Flight): TokenFailure {
    return this.repeatable || !flight.asked ? timedOut(false) : unknown();
  }

  async revoke(): Promise<void> {
    const { limits, warn } = this.#facts;
    if (this.#ended) return;
    this.#ended = true;
    const until = performance.now() + limits.tokenTimeout;
    const { flight } = this.renewal;
    if (flight?.owner === this) {
      const landed = await awaited(flight.landing, this.#call('oauth.revoke', limits.tokenTimeout), limits.tokenTimeout);
      if (landed instanceof TokenFailure && landed.code === 'token_timeout') {
        warn('A token request on its way did not end in time; what it brings is not revoked.');
      }
    }
    const tokens = this.renewal.givenUp(this);
    const renewing = tokens.flatMap(({ refreshToken }) => refreshToken ?? []).slice(0, 1);
    const ending = [...renewing.map((secret) => ['refresh_token', secret] as const), ...tokens.map(({ access }) => ['access_token', access] as const)];
    for (const [hint, secret] of ending) {
      const reason = await this.#revoked(hint, secret, until - performance.now());
      if (reason !== undefined) warn(`A token was not revoked (${hint}): ${reason}`);
    }
    if (tokens.length > 0) await this.#keeping?.forget(tokens.map(({ access }) => access));
  }

  /** Why it was not revoked, undefined if it was. */
  async #revoked(hint: string, secret: Secret, ms: number): Promise<string | undefined> {
    const { send, endpoint } = this.#facts;
    if (ms <= 0) return 'the time was up.';
    const form = { token: secret, token_type_hint: hint };
    const outcome = await send(requestOf(endpoint, this.#call('oauth.revoke', ms), revocationUrl(endpoint.url), form));
    if (!(outcome instanceof Response)) return outcome.message;
    return outcome.status < 300 ? undefined : `the endpoint answered ${outcome.status}${redirection(outcome)}.`;
  }

  #call(operation: string, timeout: number): Call {
    const { limits, clock } = this.#facts;
    return new Call({ operation, method: 'POST', limits: { ...limits, timeout, deadline: undefined, maxRetries: 0 }, clock, sensitive: true });
  }
}

/** The client credentials grant (RFC 6749, section 4.4). */
export class ClientCredentials extends Grant {
  protected readonly kind = 'client_credentials';
  protected readonly repeatable = true;

  protected form(): Record<string, string | Secret> {
    return { grant_type: this.kind };
  }
}

/** The refresh token grant (RFC 6749, section 6); each answer may bring the next refresh token. */
export class RefreshToken extends Grant {
  protected readonly kind = 'refresh_token';
  protected readonly repeatable = false;

  protected form(): Record<string, string | Secret> {
    return { grant_type: this.kind, refresh_token: this.renewal.refreshToken as Secret }; // it began with one
  }
}

/** A refresh that may have used up its token, and whose answer, with the next one, is lost (AUTH-5). */
function unknown(failure?: TokenFailure): TokenFailure {
  const told = failure?.message ?? 'it did not end in time.';
  const message = `The refresh token may have been used up, and its successor lost: ${told}`;
  return new TokenFailure('refresh_outcome_unknown', message, true, failure?.answer);
}
