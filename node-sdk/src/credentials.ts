/**
 * Who calls: what the constructor and the environment say, checked before anything is done with it (AUTH-1).
 *
 * @module
 */
import { environment, OR_SET_CREDENTIALS } from '#runtime';
import type { ClientAuth } from './endpoint.ts';
import { ConfigurationError } from './errors.ts';
import type { GrantOptions } from './grants.ts';
import { loaded } from './loading.ts';
import type { TokenStore } from './store.ts';
import { FixedToken, LoadedSource, TokenFunction } from './tokens.ts';
import type { TokenSource } from './tokens.ts';

/** What of a client's options says who calls. */
export interface CredentialOptions {
  /** An access token or personal token, or a function that gives one; `ADMIN_API_TOKEN`. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** OAuth client, instead of a token; `ADMIN_API_CLIENT_ID`. */
  clientId?: string | undefined;
  /** Its secret; `ADMIN_API_CLIENT_SECRET`. */
  clientSecret?: string | undefined;
  /** Where the secret goes: `basic`, the Authorization header, or `post`, the form. @defaultValue `basic` */
  clientAuth?: ClientAuth | undefined;
  /** What a log-in gave, with its `clientId`; the secret only if the client has one. */
  refreshToken?: string | undefined;
  /** Where tokens are kept, such as `FileTokenStore` of `@admin-api/sdk/node`. @defaultValue memory */
  tokenStore?: TokenStore | undefined;
  /** Scopes to ask for; none asks for all that the client may have. */
  scopes?: readonly string[] | undefined;
}

/**
 * Where tokens come from: a token, the user's function, or a client, whose id and secret come from the same place.
 *
 * There is no variable for a refresh token: the first use would spend what the environment still holds.
 *
 * @param wire - What a grant needs to ask for tokens: attempt log and transport only (AUTH-5).
 * @throws ConfigurationError if there is none, half of one, or two.
 */
export function sourceOf(options: CredentialOptions, wire: Omit<GrantOptions, keyof CredentialOptions>): TokenSource {
  let { token, clientId, clientSecret } = options;
  const { refreshToken, clientAuth = 'basic', scopes = [], tokenStore } = options;
  if ((clientId ?? clientSecret ?? refreshToken) === undefined) {
    token ??= environment('ADMIN_API_TOKEN');
    if (token === undefined) [clientId, clientSecret] = [environment('ADMIN_API_CLIENT_ID'), environment('ADMIN_API_CLIENT_SECRET')];
  } else if (token !== undefined) {
    throw new ConfigurationError('Give a token or a client.', { code: 'conflicting_credentials' });
  }
  if (!['basic', 'post'].includes(clientAuth)) {
    throw new ConfigurationError("clientAuth must be 'basic' or 'post'.", { code: 'invalid_option' });
  }
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string' && /^[!-~]+$/.test(scope))) {
    throw new ConfigurationError('scopes must be a list of scopes.', { code: 'invalid_scopes' });
  }
  if (token !== undefined) return typeof token === 'function' ? new TokenFunction(token) : new FixedToken(token);
  if (!clientId || (clientSecret ?? refreshToken) === undefined) {
    throw new ConfigurationError(`Give token, or clientId and clientSecret or refreshToken${OR_SET_CREDENTIALS}.`, { code: 'missing_credentials' });
  }
  const facts = { ...wire, clientId, clientSecret, refreshToken, clientAuth, scopes: scopes as readonly string[], tokenStore };
  return new LoadedSource(async () => (await loaded(import('./grants.ts'))).grantOf(facts));
}
