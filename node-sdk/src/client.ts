/**
 * The client: options → stack → resources.
 *
 * @module
 */
import { checkGlobalFetch, environment, OR_SET_BASE_URL, OR_SET_CREDENTIALS, userAgent } from '#runtime';
import { TOKEN_PATH } from './_generated/endpoints.ts';
import { Resources } from './_generated/resources/index.ts';
import { Budget } from './backoff.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { ConfigurationError } from './errors.ts';
import type { Layer } from './exchange.ts';
import type { GrantFacts } from './grants.ts';
import { auth } from './layers/auth.ts';
import { attemptLog, callLog, retryLog } from './layers/logging.ts';
import type { Logger, LogLevel } from './layers/logging.ts';
import { retry } from './layers/retry.ts';
import { status } from './layers/status.ts';
import { loaded } from './loading.ts';
import { DEFAULT_LIMITS, override } from './options.ts';
import type { LimitOptions, RequestOptions } from './options.ts';
import { Caller } from './resource.ts';
import { layers, stack } from './stack.ts';
import { FixedToken, LoadedSource, TokenFunction } from './tokens.ts';
import type { TokenSource } from './tokens.ts';
import { Transport } from './transport.ts';
import type { Fetch } from './transport.ts';

/** Options of a client. Whatever is left out comes from the environment, then from the default. */
export interface ClientOptions extends LimitOptions {
  /** Where the API is; `ADMIN_API_BASE_URL`. https, or http on loopback. */
  baseUrl?: string | undefined;
  /** An access token or personal token, or a function that gives one; `ADMIN_API_TOKEN`. */
  token?: string | (() => string | Promise<string>) | undefined;
  /** OAuth client, instead of a token; `ADMIN_API_CLIENT_ID`. */
  clientId?: string | undefined;
  /** Its secret; `ADMIN_API_CLIENT_SECRET`. */
  clientSecret?: string | undefined;
  /** Token endpoint. @defaultValue the one of `baseUrl` */
  tokenUrl?: string | undefined;
  /** How long a call waits for a token, in milliseconds. @defaultValue 30 000 */
  tokenTimeout?: number | undefined;
  /** Scopes to ask for; none asks for all that the client may have. */
  scopes?: readonly string[] | undefined;
  /** Where records go. @defaultValue `console`, when `ADMIN_API_LOG` is `info` or `debug` */
  logger?: Logger | undefined;
  /** How much is recorded; `ADMIN_API_LOG`. @defaultValue `info` with a `logger`, else `off` */
  logLevel?: LogLevel | undefined;
  /** Time and chance, for tests. */
  clock?: Clock | undefined;
  /** Makes idempotency keys. @defaultValue `crypto.randomUUID` */
  newId?: (() => string) | undefined;
  /** Stands in for the global fetch, such as `nodeFetch()` of `@admin-api/sdk/node`. */
  fetch?: Fetch | undefined;
  /** Passed to each fetch. */
  fetchOptions?: RequestInit | undefined;
  /** Layers round each call, outside of retries. */
  perCall?: readonly Layer[] | undefined;
  /** Layers round each attempt, inside of auth. */
  perAttempt?: readonly Layer[] | undefined;
}

/** What a client calls with; copies share all but the caller's limits and clock. */
interface Engine {
  readonly caller: Caller;
  readonly transport: Transport;
  readonly closing: AbortController;
}

/** A client of the Admin API. Make one and keep it. */
export class AdminClient extends Resources implements AsyncDisposable {
  readonly #engine: Engine;

  /** @throws ConfigurationError for options that cannot work, or no credentials. */
  constructor(options: ClientOptions = {}) {
    const engine = handedOver.get(options) ?? assembled(options);
    super(engine.caller);
    this.#engine = engine;
  }

  /** A copy with other limits; it shares connections, tokens and the retry budget with this one. */
  withOptions(options: LimitOptions & { clock?: Clock | undefined }): AdminClient {
    const { caller } = this.#engine;
    const key: ClientOptions = {};
    handedOver.set(key, { ...this.#engine, caller: caller.withLimits(override(caller.limits, options), options.clock ?? caller.clock) });
    return new AdminClient(key);
  }

  /**
   * Calls what the document does not know, through the same stack; a mutation carries an idempotency key.
   *
   * @param method - The HTTP method.
   * @param path - Appended to `baseUrl`; begins with `/`.
   * @returns The JSON of the answer, undefined if it has none.
   */
  async request(
    method: string,
    path: string,
    { query = {}, body }: { query?: Readonly<Record<string, unknown>>; body?: unknown } = {},
    options?: RequestOptions,
  ): Promise<unknown> {
    const { send } = await loaded(import('./untyped.ts'));
    return send(this._caller, method, path, query, body, options);
  }

  /** Ends what is on its way with `client_closed`; copies are closed with it. */
  close(): Promise<void> {
    this.#engine.closing.abort();
    this.#engine.transport.close();
    return Promise.resolve();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** What `withOptions` hands to the copy it makes, never seen by users. */
const handedOver = new WeakMap<ClientOptions, Engine>();

function assembled(options: ClientOptions): Engine {
  const baseUrl = checkedUrl('baseUrl', options.baseUrl ?? environment('ADMIN_API_BASE_URL'));
  const tokenUrl = options.tokenUrl === undefined ? baseUrl + TOKEN_PATH : checkedUrl('tokenUrl', options.tokenUrl);
  const limits = override(DEFAULT_LIMITS, options);
  const clock = options.clock ?? systemClock;
  const { logger, level } = logging(options);
  const transport = new Transport(fetchOf(options, [baseUrl, tokenUrl]), options.fetchOptions ?? {});
  const closing = new AbortController();
  const onWire = attemptLog(logger, level);
  const ordered = layers({
    callLog: callLog(logger, level),
    perCall: options.perCall ?? [],
    status: status(),
    retry: retry(new Budget(), retryLog(logger, level), closing.signal),
    auth: auth(tokenSource(options, { send: onWire(transport.send), tokenUrl, limits, clock, userAgent, warn: (message) => logger.warn(message) })),
    perAttempt: options.perAttempt ?? [],
    attemptLog: onWire,
  });
  const newId = options.newId ?? (() => crypto.randomUUID());
  const caller = new Caller({ send: stack(ordered, transport.send), baseUrl, limits, clock, newId, userAgent, closing: closing.signal });
  return { caller, transport, closing };
}

/** Where tokens come from; `wire` is what a grant needs to ask for them: attempt log and transport only (AUTH-5). */
function tokenSource(options: ClientOptions, wire: Omit<GrantFacts, 'clientId' | 'clientSecret' | 'scopes'>): TokenSource {
  const given = credentials(options);
  if (typeof given.token === 'function') return new TokenFunction(given.token);
  if (given.token !== undefined) return new FixedToken(given.token);
  const facts = { ...wire, ...given, scopes: checkedScopes(options.scopes ?? []) };
  return new LoadedSource(async () => new (await loaded(import('./grants.ts'))).ClientCredentials(facts));
}

/**
 * A base that paths are appended to.
 *
 * @throws ConfigurationError if it is missing, no https URL (http is for loopback), or holds credentials or a query.
 */
function checkedUrl(name: string, url: string | undefined): string {
  if (url === undefined || url === '') {
    throw new ConfigurationError(`${name} is missing: give it${OR_SET_BASE_URL}.`, { code: 'missing_base_url' });
  }
  const parts = /^[!-~]+$/.test(url) && URL.canParse(url) ? new URL(url) : undefined;
  const plain = parts !== undefined && parts.username === '' && parts.password === '' && !/[?#]/.test(url);
  if (!plain || !['https:', 'http:'].includes(parts.protocol)) {
    throw new ConfigurationError(`${name} must be an https URL without credentials, query or fragment.`, { code: 'invalid_url' });
  }
  if (parts.protocol === 'http:' && !['localhost', '127.0.0.1', '[::1]'].includes(parts.hostname)) {
    throw new ConfigurationError(
      `${name} must be https: http would show tokens to the network. Only loopback may use it.`,
      { code: 'insecure_url' },
    );
  }
  return url.replace(/\/+$/, '');
}

function checkedScopes(scopes: readonly string[]): readonly string[] {
  if (!Array.isArray(scopes) || !scopes.every((scope) => typeof scope === 'string' && /^[!-~]+$/.test(scope))) {
    throw new ConfigurationError("scopes must be a list of scopes, such as ['users:read'].", { code: 'invalid_scopes' });
  }
  return scopes as readonly string[];
}

type Credentials =
  | { token: string | (() => string | Promise<string>) }
  | { token: undefined; clientId: string; clientSecret: string };

/**
 * A token or a client with its secret, both from the same place (AUTH-1).
 *
 * @throws ConfigurationError if there is none, half of one, or two.
 */
function credentials({ token, clientId, clientSecret }: ClientOptions): Credentials {
  if (token !== undefined && (clientId !== undefined || clientSecret !== undefined)) {
    throw new ConfigurationError('Give a token or client credentials, not both.', { code: 'conflicting_credentials' });
  }
  if (token !== undefined) return { token };
  let [id, secret] = [clientId, clientSecret];
  if (id === undefined && secret === undefined) {
    const found = environment('ADMIN_API_TOKEN');
    if (found !== undefined) return { token: found };
    [id, secret] = [environment('ADMIN_API_CLIENT_ID'), environment('ADMIN_API_CLIENT_SECRET')];
  }
  if (id === undefined && secret === undefined) {
    throw new ConfigurationError(`No credentials: give token, or clientId and clientSecret${OR_SET_CREDENTIALS}.`, { code: 'missing_credentials' });
  }
  if (id === undefined || secret === undefined) {
    const missing = id === undefined ? 'clientId' : 'clientSecret';
    throw new ConfigurationError(`${missing} is missing: both come from the same place.`, { code: 'missing_credentials' });
  }
  return { token: undefined, clientId: id, clientSecret: secret };
}

/** The logger and how much it is told. */
function logging({ logger, logLevel }: ClientOptions): { logger: Logger; level: LogLevel } {
  const wanted = logLevel ?? environment('ADMIN_API_LOG')?.toLowerCase();
  if (wanted !== undefined && !['debug', 'info', 'off'].includes(wanted)) {
    throw new ConfigurationError('ADMIN_API_LOG must be debug or info.', { code: 'invalid_option' });
  }
  return { logger: logger ?? console, level: (wanted as LogLevel | undefined) ?? (logger === undefined ? 'off' : 'info') };
}

/**
 * The given fetch, or the global one.
 *
 * @throws ConfigurationError for a CA bundle or proxy that is configured and that the global fetch would ignore (CONF-3).
 */
function fetchOf({ fetch }: ClientOptions, origins: readonly string[]): Fetch {
  if (fetch !== undefined) {
    if (typeof fetch !== 'function') throw new ConfigurationError('fetch must be a function.', { code: 'invalid_option' });
    return fetch;
  }
  checkGlobalFetch(origins);
  return (url, init) => globalThis.fetch(url, init);
}
