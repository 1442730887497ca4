/**
 * Where access tokens come from (AUTH): a fixed one, the user's function, or a grant, which `grants` knows.
 *
 * @module
 */
import { AdminAPIError, ConfigurationError } from './errors.ts';
import { Secret, TokenFailure } from './exchange.ts';
import type { Call } from './exchange.ts';

/** An access token and what is known of it; times are of the monotonic clock. */
export class Token {
  /** The whole Authorization header. */
  readonly value: Secret;
  /** What it may do, undefined if not known. */
  readonly scopes: ReadonlySet<string> | undefined;
  /** From then on one caller refreshes it, the rest go on with it; undefined if it never expires. */
  readonly adviseAt: number | undefined;
  /** From then on all wait for its successor. */
  readonly mustAt: number | undefined;

  constructor(value: string, facts: { scopes?: ReadonlySet<string> | undefined; adviseAt?: number; mustAt?: number } = {}) {
    this.value = new Secret(`Bearer ${value}`);
    this.scopes = facts.scopes;
    this.adviseAt = facts.adviseAt;
    this.mustAt = facts.mustAt;
  }
}

/** Gives tokens to the auth layer. */
export interface TokenSource {
  /** A token for the call, waiting no longer than `tokenTimeout` or the call's deadline. */
  token(call: Call): Promise<Token | TokenFailure>;
  /** Takes note that the server refused this very token; whether another may be had. */
  refuse(token: Token): boolean;
}

/** One token, for good. */
export class FixedToken implements TokenSource {
  readonly #token: Token;

  constructor(token: string) {
    checkToken(token);
    this.#token = new Token(token);
  }

  token(): Promise<Token> {
    return Promise.resolve(this.#token);
  }

  refuse(): boolean {
    return false;
  }
}

/** A function of the user's, asked for each attempt; it may keep what it knows, and is asked again after a 401. */
export class TokenFunction implements TokenSource {
  readonly #function: () => string | Promise<string>;

  constructor(function_: () => string | Promise<string>) {
    this.#function = function_;
  }

  token(call: Call): Promise<Token | TokenFailure> {
    return awaited(this.#ask(), call, call.limits.tokenTimeout);
  }

  async #ask(): Promise<Token> {
    const token = await this.#function();
    checkToken(token);
    return new Token(token);
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

  token(call: Call): Promise<Token | TokenFailure> {
    return this.#source?.token(call) ?? awaited(this.#first(call), call, call.limits.tokenTimeout);
  }

  async #first(call: Call): Promise<Token | TokenFailure> {
    try {
      this.#source = await (this.#loading ??= this.#load());
    } catch (error) {
      this.#loading = undefined;
      if (!(error instanceof AdminAPIError)) throw error;
      return new TokenFailure(error.code, error.message, false);
    }
    return this.#source.token(call);
  }

  refuse(token: Token): boolean {
    return this.#source?.refuse(token) ?? false;
  }
}

/** Throws ConfigurationError for a token that cannot stand in a header; does not show it. */
export function checkToken(token: unknown): asserts token is string {
  if (typeof token !== 'string' || !/^[!-~]+$/.test(token)) {
    throw new ConfigurationError('A token must be a string of visible ASCII characters.', { code: 'invalid_token_option' });
  }
}

/** Waits for a token, within `tokenTimeout`, the call's deadline and its signal (AUTH-2, RETRY-9). */
export function awaited(landing: Promise<Token | TokenFailure>, call: Call, tokenTimeout: number): Promise<Token | TokenFailure> {
  const left = call.left();
  const byDeadline = left !== undefined && left < tokenTimeout;
  return new Promise((resolve, reject) => {
    const settle = (how: () => void) => (): void => {
      clearTimeout(timer);
      call.signal?.removeEventListener('abort', cancelled);
      how();
    };
    const cancelled = settle(() => reject(call.signal?.reason as Error));
    const timer = setTimeout(settle(() => resolve(timedOut(byDeadline))), byDeadline ? Math.max(0, left) : tokenTimeout);
    if (call.signal?.aborted) cancelled();
    else call.signal?.addEventListener('abort', cancelled, { once: true });
    landing.then(
      (landed) => settle(() => resolve(landed))(),
      (error: unknown) => settle(() => reject(error as Error))(),
    );
  });
}

function timedOut(byDeadline: boolean): TokenFailure {
  return byDeadline
    ? new TokenFailure('deadline_exceeded', 'The deadline passed while waiting for an access token.', true)
    : new TokenFailure('token_timeout', 'No access token was had in time.', false);
}
