/**
 * Gives each attempt its token, and answers a refused one with one resend (AUTH-4).
 *
 * @module
 */
import { Response, TokenFailure } from '../exchange.ts';
import type { Layer, Outcome } from '../exchange.ts';
import { note } from '../outcome.ts';
import type { TokenSource } from '../tokens.ts';

/** Whether the server says that the token itself is no good (RFC 6750, section 3.1). */
function refused(outcome: Outcome): boolean {
  return (
    outcome instanceof Response &&
    outcome.status === 401 &&
    /\berror\s*=\s*"?invalid_token\b/.test(outcome.headers.get('www-authenticate') ?? '')
  );
}

/**
 * The layer: attach the token; after a 401 `invalid_token` get another and send once more, at no cost.
 *
 * @param preflight - Send nothing if the token is known to lack a scope that the operation needs (AUTH-6).
 */
export function auth(source: TokenSource, preflight?: boolean): Layer {
  return (send) => async (request) => {
    const { call } = request;
    const token = await source.token(call);
    if (token instanceof TokenFailure) return token;
    call.token = token;
    const { scopes } = token;
    if (preflight && scopes && !call.scopes.every((scope) => scopes.has(scope))) {
      return new TokenFailure('insufficient_scope', 'The token lacks a scope.', true);
    }
    const outcome = await send(request.withHeader('authorization', token.value));
    if (!refused(outcome) || !source.refuse(token) || call.resent) return outcome;
    call.resent = true;
    note(call, outcome);
    const fresh = await source.token(call);
    if (fresh instanceof TokenFailure) return fresh;
    if (fresh.value.equals(token.value)) return outcome;
    call.token = fresh;
    return send(request.withHeader('authorization', fresh.value));
  };
}
