/**
 * Tokens that are asked for at the token endpoint (AUTH): the client credentials grant.
 *
 * A refresh runs detached from whoever asked for it: at most one is in flight, and no caller's cancellation ends it.
 *
 * @module
 */
import * as policy from './_generated/policy.ts';
import { jsonObject } from './bytes.ts';
import type { Clock } from './clock.ts';
import { Call, Request, Response, Secret, TokenFailure } from './index.ts';
import type { Outcome, Send } from './exchange.ts';
import type { Limits } from './options.ts';
import { awaited, Token } from './tokens.ts';
import type { TokenSource } from './tokens.ts';

/** OAuth errors that another try cannot mend (AUTH-5). */
const FINAL_CODES: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'invalid_client', 'invalid_grant', 'invalid_scope', 'unauthorized_client', 'unsupported_grant_type', 'invalid_request',
]);

/** What a grant is made of. */
export interface GrantFacts {
  /** What lies below the auth layer and may carry a token request (AUTH-5). */
  readonly send: Send;
  readonly tokenUrl: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** What to ask for; empty asks for all that the client may have. */
  readonly scopes: readonly string[];
  readonly limits: Limits;
  readonly clock: Clock;
  readonly userAgent: string | undefined;
  /** Told when a refresh ahead of time failed; the old token goes on working. */
  readonly warn: (message: string) => void;
}

/** The client credentials grant (RFC 6749, section 4.4), one refresh in flight (AUTH-2, AUTH-3). */
export class ClientCredentials implements TokenSource {
  readonly #send: Send;
  readonly #tokenUrl: string;
  readonly #credentials: Secret;
  readonly #scopes: readonly string[];
  readonly #limits: Limits;
  readonly #clock: Clock;
  readonly #userAgent: string | undefined;
  readonly #warn: (message: string) => void;
  #current: Token | undefined;
  #flight: { readonly landing: Promise<Token | TokenFailure>; readonly endsAt: number } | undefined;
  #pauseUntil = -Infinity;

  constructor(facts: GrantFacts) {
    this.#send = facts.send;
    this.#tokenUrl = facts.tokenUrl;
    this.#credentials = new Secret(`Basic ${btoa(`${formEncoded(facts.clientId)}:${formEncoded(facts.clientSecret)}`)}`);
    this.#scopes = facts.scopes;
    this.#limits = facts.limits;
    this.#clock = facts.clock;
    this.#userAgent = facts.userAgent;
    this.#warn = facts.warn;
  }

  refuse(token: Token): boolean {
    // a late 401 for a token already replaced throws nothing away (AUTH-4)
    if (this.#current === token) this.#current = undefined;
    return true;
  }

  async token(call: Call): Promise<Token | TokenFailure> {
    const now = this.#clock.monotonic();
    const current = this.#current;
    if (current !== undefined && (current.adviseAt === undefined || now < current.adviseAt)) return current;
    const usable = current !== undefined && (current.mustAt === undefined || now < current.mustAt) ? current : undefined;
    if (this.#flight !== undefined && now > this.#flight.endsAt) this.#flight = undefined; // it should have landed long ago
    if (usable !== undefined && (this.#flight !== undefined || now < this.#pauseUntil)) return usable;
    this.#flight ??= this.#fly(now);
    const landed = await awaited(this.#flight.landing, call, this.#limits.tokenTimeout);
    if (!(landed instanceof TokenFailure) || usable === undefined) return landed;
    this.#warn(`The access token was not refreshed ahead of time: ${landed.message}`);
    return usable;
  }

  #fly(now: number): { landing: Promise<Token | TokenFailure>; endsAt: number } {
    const landing = this.#request()
      .catch(
        (error: unknown) =>
          // a layer below that breaks its word: all who wait are told
          new TokenFailure('token_request_failed', `The token request threw ${error instanceof Error ? error.name : 'something'}.`, true),
      )
      .then((landed) => {
        if (landed instanceof TokenFailure) this.#pauseUntil = this.#clock.monotonic() + policy.AUTH_ADVISORY_PAUSE;
        else this.#current = landed;
        if (this.#flight === flight) this.#flight = undefined;
        return landed;
      });
    const flight = { landing, endsAt: now + this.#limits.tokenTimeout };
    return flight;
  }

  async #request(): Promise<Token | TokenFailure> {
    const limits: Limits = { ...this.#limits, timeout: this.#limits.tokenTimeout, deadline: undefined, maxRetries: 0 };
    const call = new Call({ operation: 'oauth.token', method: 'POST', limits, clock: this.#clock, sensitive: true });
    const form = new URLSearchParams({ grant_type: 'client_credentials' });
    if (this.#scopes.length > 0) form.set('scope', this.#scopes.join(' '));
    const headers: Record<string, string | Secret> = {
      authorization: this.#credentials,
      'content-type': 'application/x-www-form-urlencoded',
      accept: 'application/json',
    };
    if (this.#userAgent !== undefined) headers['user-agent'] = this.#userAgent;
    const askedAt = this.#clock.monotonic();
    const content = new TextEncoder().encode(form.toString());
    return landedToken(await this.#send(new Request(call, 'POST', this.#tokenUrl, headers, content)), askedAt, this.#scopes);
  }
}

function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1); // RFC 6749, section 2.3.1
}

/** What a token request came to. */
export function landedToken(outcome: Outcome, askedAt: number, asked: readonly string[]): Token | TokenFailure {
  if (outcome instanceof TokenFailure) return outcome;
  if (!(outcome instanceof Response)) {
    const message = `The token endpoint gave no answer: ${outcome.message}`;
    return new TokenFailure(outcome.code, message, outcome.effect === 'final', outcome);
  }
  const document = jsonObject(outcome.body) ?? {}; // an answer that is no JSON holds nothing
  if (outcome.status !== 200) {
    const given = document['error'];
    const code = typeof given === 'string' && /^[ -~]{1,64}$/.test(given) ? given : 'token_request_failed';
    const final = FINAL_CODES.has(code) || (outcome.status < 500 && !policy.RETRY_STATUSES.has(outcome.status));
    return new TokenFailure(code, `The token endpoint answered ${outcome.status} (${code}).`, final, outcome);
  }
  const { access_token: value, token_type: kind, expires_in: lifetime, scope } = document;
  if (typeof value !== 'string' || !/^[!-~]+$/.test(value) || typeof kind !== 'string' || kind.toLowerCase() !== 'bearer') {
    return new TokenFailure('invalid_token_response', "The token endpoint's answer holds no bearer token.", true, outcome);
  }
  const granted = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : asked.length > 0 ? asked : undefined;
  const scopes = granted && new Set(granted);
  if (typeof lifetime !== 'number' || lifetime <= 0) return new Token(value, { scopes }); // no refresh ahead (AUTH-2)
  const ms = lifetime * 1000;
  return new Token(value, {
    scopes,
    adviseAt: askedAt + ms - Math.min(policy.AUTH_ADVISORY_WINDOW, ms / 2),
    mustAt: askedAt + ms - Math.min(policy.AUTH_MANDATORY_WINDOW, ms / 4),
  });
}
