/**
 * What is said to the token endpoint, and what its answers mean (RFC 6749, RFC 7009). No I/O.
 *
 * @module
 */
import { REVOCATION_PATH, TOKEN_PATH } from './_generated/endpoints.ts';
import * as policy from './_generated/policy.ts';
import { sendable } from './access.ts';
import type { AccessToken } from './access.ts';
import { jsonObject } from './bytes.ts';
import { Request, Response, Secret, TokenFailure } from './index.ts';
import type { Body, Call, Outcome } from './index.ts';
import { lasting } from './renewal.ts';

/** How a client proves itself: in the Authorization header, or in the form (RFC 6749, section 2.3.1). */
export type ClientAuth = 'basic' | 'post';

/** OAuth errors that another try cannot mend (AUTH-5). */
const FINAL_CODES: ReadonlySet<string> = /* @__PURE__ */ new Set([
  'invalid_client', 'invalid_grant', 'invalid_scope', 'unauthorized_client', 'unsupported_grant_type', 'invalid_request',
]);

type Members = Readonly<Record<string, string | Secret>>;

/** A form with secrets in it: text only on its way to the wire (AUTH-9). */
export class Form implements Body {
  readonly #members: Members;
  readonly length: number;

  constructor(members: Members) {
    this.#members = members;
    this.length = this.#bytes().length;
  }

  open(): Promise<Uint8Array<ArrayBuffer>> {
    return Promise.resolve(this.#bytes());
  }

  #bytes(): Uint8Array<ArrayBuffer> {
    const texts = Object.entries(this.#members).map(([name, value]) => [name, value instanceof Secret ? value.reveal() : value]);
    return new TextEncoder().encode(new URLSearchParams(texts).toString());
  }
}

/** What a token endpoint is, and the client that asks there. */
export interface EndpointFacts {
  readonly url: string;
  readonly clientId: string;
  /** Undefined for a public client, which says who it is and proves nothing. */
  readonly clientSecret: Secret | undefined;
  readonly auth: ClientAuth;
  /** Undefined in browsers, which do not let it. */
  readonly userAgent: string | undefined;
}

/** Where tokens are ended: at the same origin, so that the client's secret stays there (AUTH-7). */
export function revocationUrl(url: string): string {
  return url.endsWith(TOKEN_PATH) ? url.slice(0, -TOKEN_PATH.length) + REVOCATION_PATH : new URL(url).origin + REVOCATION_PATH;
}

/** A request with this form and the client's proof. */
export function requestOf(facts: EndpointFacts, call: Call, url: string, form: Members): Request {
  const { clientId, clientSecret, auth, userAgent } = facts;
  const headers: Record<string, string | Secret> = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/json' };
  if (userAgent !== undefined) headers['user-agent'] = userAgent;
  if (clientSecret === undefined) form = { ...form, client_id: clientId };
  else if (auth === 'post') form = { ...form, client_id: clientId, client_secret: clientSecret };
  else headers['authorization'] = new Secret(`Basic ${btoa(`${formEncoded(clientId)}:${formEncoded(clientSecret.reveal())}`)}`);
  return new Request(call, 'POST', url, headers, new Form(form));
}

/** As forms are written (RFC 6749, appendix B; `application/x-www-form-urlencoded` of the URL standard). */
function formEncoded(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1);
}

/** What a token request came to; its life began when it was asked for (AUTH-2). */
export function landedToken(outcome: Outcome, askedAt: number, asked: readonly string[]): AccessToken | TokenFailure {
  if (outcome instanceof TokenFailure) return outcome;
  if (!(outcome instanceof Response)) {
    const final = outcome.effect === 'final' || outcome.code === 'client_closed';
    return new TokenFailure(outcome.code, `The token endpoint gave no answer: ${outcome.message}`, final, outcome);
  }
  const document = jsonObject(outcome.body) ?? {}; // an answer that is no JSON holds nothing
  if (outcome.status !== 200) {
    const given = document['error'];
    const code = typeof given === 'string' && /^[ -~]{1,64}$/.test(given) ? given : 'token_request_failed';
    const final = FINAL_CODES.has(code) || (outcome.status < 500 && !policy.RETRY_STATUSES.has(outcome.status));
    return new TokenFailure(code, `The token endpoint answered ${outcome.status} (${code})${redirection(outcome)}.`, final, outcome);
  }
  const { access_token: value, token_type: kind, expires_in: lifetime, scope, refresh_token: refresh } = document;
  if (!sendable(value) || typeof kind !== 'string' || kind.toLowerCase() !== 'bearer') {
    return new TokenFailure('invalid_token_response', "The token endpoint's answer holds no bearer token.", true, outcome);
  }
  const granted = typeof scope === 'string' ? scope.split(' ').filter(Boolean) : asked.length > 0 ? asked : undefined;
  return lasting(value, askedAt, {
    scopes: granted && new Set(granted),
    expiresIn: typeof lifetime === 'number' && lifetime > 0 ? lifetime * 1000 : undefined, // no lifetime, no refresh ahead (AUTH-2)
    refreshToken: sendable(refresh) ? new Secret(refresh) : undefined,
  });
}

/** Where an answer would redirect to, for people: the origin alone, and nobody goes there (AUTH-8). */
export function redirection({ status, headers }: Response): string {
  if (status < 300 || status >= 400) return '';
  const location = headers.get('location') ?? '';
  return URL.canParse(location) ? `, a redirect to ${new URL(location).origin} that is not followed` : ', a redirect';
}
