/**
 * Where access tokens come from (AUTH): a fixed one, the user's function, or a grant, which `grants` knows.
 *
 * @module
 */
import { sendable, AccessToken } from './access.ts';
import { AdminAPIError, ConfigurationError } from './errors.ts';
import { Secret, TokenFailure } from './exchange.ts';
import type { Call } from './exchange.ts';

/** Gives tokens to the auth layer. */
export interface TokenSource {
  /** A token for the call, waiting no longer than `tokenTimeout` or the call's deadline. */
  token(call: Call): Promise<AccessToken | TokenFailure>;
  /** Takes note that the server refused this very token; whether another may be had. */
  refuse(token: AccessToken): boolean;
  /** Ends the tokens that this source got from the server, within `tokenTimeout`; a failure is a warning. */
  revoke?(): Promise<void> | undefined;
}

/** One token, for good. */
export class FixedToken implements TokenSource {
  readonly #token: AccessToken;

  constructor(token: string) {
    checkToken(token);
    this.#token = new AccessToken(token);
  }

  token(): Promise<AccessToken> {
    return Promise.resolve(this.#token);
  }

  refuse(): boolean {
    return false;
  }
}

/** A function of the user's, asked for each attempt; it may keep what it knows, and is asked again after a 401. */
export class TokenFunction implements TokenSource {
  readonly #function: () => string | Promise<string>;
  #last: AccessToken | undefined;

  constructor(function_: () => string | Promise<string>) {
    this.#function = function_;
  }

  token(call: Call): Promise<AccessToken | TokenFailure> {
    return awaited(this.#ask(), call, call.limits.tokenTimeout);
  }

  async #ask(): Promise<AccessToken> {
    const token = await this.#function();
    checkToken(token);
    // one object per token, so that what is learnt of it is kept
    return this.#last?.access.equals(new Secret(token)) === true ? this.#last : (this.#last = new AccessToken(token));
  }

  refuse(): boolean {
    return true;
  }
}

/** A source that is loaded when it is first asked, and is that source from then on. */
export class LoadedSource implements TokenSource {
  readonly #load: () => Promise<TokenSource>;
  #loading: Promise<TokenSource> | undefined;
  #source: TokenSource | undefined;

  constructor(load: () => Promise<TokenSource>) {
    this.#load = load;
  }

  token(call: Call): Promise<AccessToken | TokenFailure> {
    return this.#source?.token(call) ?? awaited(this.#first(call), call, call.limits.tokenTimeout);
  }

  async #first(call: Call): Promise<AccessToken | TokenFailure> {
    try {
      this.#source = await (this.#loading ??= this.#load());
    } catch (error) {
      this.#loading = undefined;
      if (!(error instanceof AdminAPIError)) throw error;
      return new TokenFailure(error.code, error.message, !error.retryable);
    }
    return this.#source.token(call);
  }

  refuse(token: AccessToken): boolean {
    return this.#source?.refuse(token) ?? false;
  }

  revoke(): Promise<void> | undefined {
    return this.#source?.revoke?.();
  }
}

/** Throws ConfigurationError for a token that cannot stand in a header; does not show it. */
export function checkToken(token: unknown): asserts token is string {
  if (!sendable(token)) {
    throw new ConfigurationError('A token must be a string of visible ASCII characters.', { code: 'invalid_token_option' });
  }
}

/** Waits for a token, within `tokenTimeout`, the call's deadline and its signal (AUTH-2, RETRY-9). */
export async function awaited(landing: Promise<AccessToken | TokenFailure>, call: Call, tokenTimeout: number): Promise<AccessToken | TokenFailure> {
  const left = call.left();
  const byDeadline = left !== undefined && left < tokenTimeout;
  const { signal } = call;
  let timer;
  let cancelled;
  try {
    return await new Promise((resolve, reject) => {
      timer = setTimeout(() => resolve(timedOut(byDeadline)), byDeadline ? left : tokenTimeout);
      cancelled = () => reject(signal?.reason as Error);
      if (signal?.aborted) cancelled();
      signal?.addEventListener('abort', cancelled);
      landing.then(resolve, reject);
    });
  } finally {
    clearTimeout(timer);
    if (cancelled !== undefined) signal?.removeEventListener('abort', cancelled);
  }
}

/** A wait for a token that took too long. */
export function timedOut(byDeadline: boolean): TokenFailure {
  return byDeadline
    ? new TokenFailure('deadline_exceeded', 'No access token before the deadline.', true)
    : new TokenFailure('token_timeout', 'No access token in time.', false);
}
