/**
 * The client: options → stack → resources.
 *
 * @module
 */
import { checkGlobalFetch, environment, OR_SET_BASE_URL, userAgent } from '#runtime';
import { TOKEN_PATH } from './_generated/endpoints.ts';
import { Resources } from './_generated/resources/index.ts';
import { Budget } from './backoff.ts';
import { systemClock } from './clock.ts';
import type { Clock } from './clock.ts';
import { sourceOf } from './credentials.ts';
import type { CredentialOptions } from './credentials.ts';
import { ConfigurationError } from './errors.ts';
import type { Layer, Send } from './exchange.ts';
import { auth } from './layers/auth.ts';
import { attemptLog, callLog, late, retryLog } from './layers/logging.ts';
import type { Logger, LogLevel } from './layers/logging.ts';
import { retry } from './layers/retry.ts';
import { status } from './layers/status.ts';
import { loaded } from './loading.ts';
import { DEFAULT_LIMITS, override } from './options.ts';
import type { LimitOptions, RequestOptions } from './options.ts';
import { Caller } from './resource.ts';
import { layers, stack } from './stack.ts';
import type { Telemetry } from './telemetry.ts';
import type { TokenSource } from './tokens.ts';
import { Transport } from './transport.ts';
import type { Fetch } from './transport.ts';

/** Options of a client. Whatever is left out comes from the environment, then from the default. */
export interface ClientOptions extends LimitOptions, CredentialOptions {
  /** Where the API is; `ADMIN_API_BASE_URL`. https, or http on loopback. */
  baseUrl?: string | undefined;
  /** Token endpoint. @defaultValue the one of `baseUrl` */
  tokenUrl?: string | undefined;
  /** How long a call waits for a token, in milliseconds. @defaultValue 30 000 */
  tokenTimeout?: number | undefined;
  /** Throw InsufficientScopeError before a call is sent that the token cannot make. @defaultValue false */
  preflight?: boolean | undefined;
  /** Where records go. @defaultValue `console`, when `ADMIN_API_LOG` is `info` or `debug` */
  logger?: Logger | undefined;
  /** How much is recorded; `ADMIN_API_LOG`. @defaultValue `info` with a `logger`, else `off` */
  logLevel?: LogLevel | undefined;
  /** Who measures calls, such as `openTelemetry()` of `@admin-api/sdk/opentelemetry`. @defaultValue nobody */
  telemetry?: Telemetry | undefined;
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
  readonly source: TokenSource;
  /** How a token is had, and nothing sent with it. */
  readonly asking: (nothing: Send) => Send;
}

/** A client of the Admin API. Make one and keep it. */
export class AdminClient extends Resources implements AsyncDisposable {
  readonly #engine: Engine;

  /** @throws ConfigurationError for options that cannot work, or no credentials. */
  constructor(options?: ClientOptions);
  constructor(options: ClientOptions = {}, engine: Engine = assembled(options)) { // the second is of `withOptions` alone
    super(engine.caller);
    this.#engine = engine;
  }

  /** A copy with other limits; it shares connections, tokens and the retry budget with this one. */
  withOptions(options: LimitOptions & { clock?: Clock | undefined }): this {
    const { caller } = this.#engine;
    const engine = { ...this.#engine, caller: caller.withLimits(override(caller.limits, options), options.clock ?? caller.clock) };
    const copy = Reflect.construct(AdminClient, [{}, engine], this.constructor) as this; // a subclass's own is not run
    return Object.assign(copy, { ...this, ...copy });
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

  /** What the token may do, in order: as the token endpoint said, else as `me.get` says, asked once per token. */
  async scopes(): Promise<readonly string[]> {
    return (await loaded(import('./scopes.ts'))).granted(this.#engine, this.me);
  }

  /**
   * Whether the token has the scopes that an operation needs, such as `users.create`.
   *
   * @throws ConfigurationError if the document has no such operation.
   */
  async can(operation: string): Promise<boolean> {
    return (await loaded(import('./scopes.ts'))).can(this.#engine, this.me, operation);
  }

  /**
   * Ends what is on its way with `client_closed`; copies are closed with it.
   *
   * @param revoke - Before that, end the tokens that this client got from the token endpoint, within `tokenTimeout`. What cannot
   * be ended is a warning.
   */
  async close({ revoke = false }: { revoke?: boolean } = {}): Promise<void> {
    if (revoke) await this.#engine.source.revoke?.();
    this.#engine.closing.abort();
    this.#engine.transport.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

function assembled(options: ClientOptions): Engine {
  const baseUrl = checkedUrl('baseUrl', options.baseUrl ?? environment('ADMIN_API_BASE_URL'));
  const tokenUrl = options.tokenUrl === undefined ? baseUrl + TOKEN_PATH : checkedUrl('tokenUrl', options.tokenUrl);
  const limits = override(DEFAULT_LIMITS, options);
  const clock = options.clock ?? systemClock;
  const { logger, level } = logging(options);
  const transport = new Transport(fetchOf(options, [baseUrl, tokenUrl]), options.fetchOptions ?? {});
  const closing = new AbortController();
  const onWire = attemptLog(logger, level);
  const send = onWire(transport.send);
  const warn = (message: string): void => logger.warn(message);
  const budget = new Budget();
  const { telemetry, perCall = [], perAttempt = [] } = options;
  const slot = (name: 'perCall' | 'perAttempt' | 'asking'): Layer =>
    late(telemetry, async () => (await import('./layers/telemetry.ts'))[name](telemetry as Telemetry, baseUrl, budget, warn));
  const source = sourceOf(options, { send, tokenUrl, limits, clock, userAgent, warn });
  const inner = { status: status(), retry: retry(budget, retryLog(logger, level), closing.signal), auth: auth(source, options.preflight) };
  const outer = { callLog: callLog(logger, level), perCall: [slot('perCall'), ...perCall], perAttempt: [...perAttempt, slot('perAttempt')], attemptLog: onWire };
  const ordered = layers({ ...outer, ...inner });
  const newId = options.newId ?? (() => crypto.randomUUID());
  const caller = new Caller({ send: stack(ordered, transport.send), baseUrl, limits, clock, newId, userAgent, closing: closing.signal });
  return { caller, transport, closing, source, asking: (nothing) => stack([slot('asking'), ...Object.values(inner)], nothing) };
}

/**
 * A base that paths are appended to.
 *
 * @throws ConfigurationError if it is missing, no https URL (http is for loopback), or holds credentials or a query.
 */
function checkedUrl(name: string, url: string | undefined): string {
  if (!url) {
    throw new ConfigurationError(`${name} is missing: give it${OR_SET_BASE_URL}.`, { code: 'missing_base_url' });
  }
  const href = /^[!-~]+$/.test(url) && URL.canParse(url) ? new URL(url).href : '';
  if (!/^https?:\/\/[^/@]+\/[^?#]*$/.test(href)) {
    throw new ConfigurationError(`${name} must be an https URL without credentials, query or fragment.`, { code: 'invalid_url' });
  }
  if (!/^(https:|http:\/\/(localhost|127\.0\.0\.1|\[::1\])[:/])/.test(href)) {
    throw new ConfigurationError(`${name} must be https, or http on loopback.`, { code: 'insecure_url' });
  }
  return url.replace(/\/+$/, '');
}

/** The logger and how much it is told. */
function logging({ logger, logLevel }: ClientOptions): { logger: Logger; level: LogLevel } {
  const level = logLevel ?? environment('ADMIN_API_LOG')?.toLowerCase() ?? (logger ? 'info' : 'off');
  if (!/^(debug|info|off)$/.test(level)) {
    throw new ConfigurationError('ADMIN_API_LOG must be debug, info or off.', { code: 'invalid_option' });
  }
  return { logger: logger ?? console, level: level as LogLevel };
}

/**
 * The given fetch, or the global one.
 *
 * @throws ConfigurationError for a CA bundle or proxy that is configured and that the global fetch would ignore (CONF-3).
 */
function fetchOf({ fetch, fetchOptions = {} }: ClientOptions, origins: readonly string[]): Fetch {
  if (fetch !== undefined) {
    if (typeof fetch !== 'function') throw new ConfigurationError('fetch must be a function.', { code: 'invalid_option' });
    return fetch;
  }
  checkGlobalFetch(origins, fetchOptions);
  return (url, init) => globalThis.fetch(url, init);
}
