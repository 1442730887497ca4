/**
 * What the generated resources stand on: an Op and its arguments become a call through the stack.
 *
 * @module
 */
import { share } from '#runtime';
import { pause } from './clock.ts';
import type { Clock } from './clock.ts';
import { Call, Request } from './exchange.ts';
import type { Body, Response, Secret, Send } from './exchange.ts';
import type { Downloaded, DownloadOptions, UploadOptions, UploadSource } from './files.ts';
import { loaded } from './loading.ts';
import { answerOf, bodyOf, pathOf, queryOf, quoted, rawOf, sorted } from './operation.ts';
import type { Op, RawResponse, Sorted } from './operation.ts';
import { checkHeader, checkOptions, override } from './options.ts';
import type { Limits, RequestOptions } from './options.ts';
import { Pager } from './pagination.ts';
import { EventStream, ItemStream } from './streaming.ts';

/** Warns of an operation that goes away; the words are loaded, and if they cannot be, nothing is said. */
function deprecated(operation: string, sunset?: string | null): void {
  import('./deprecation.ts').then(({ warn }) => warn(operation, sunset), () => undefined);
}

/** What is asked for beside problem details. */
const ACCEPT = { ndjson: 'application/x-ndjson', sse: 'text/event-stream', binary: 'application/octet-stream', json: 'application/json' } as const;

/** An answer to be awaited: `await` gives its data, `withResponse()` what came beside it too. Sent at once, once. */
export class ApiPromise<T> implements Promise<T> {
  readonly #raw: Promise<RawResponse<T>>;
  readonly [Symbol.toStringTag] = 'ApiPromise';

  constructor(raw: Promise<RawResponse<T>>) {
    this.#raw = raw;
  }

  /** The data with status, headers, request id, audit event id, attempts and idempotency key. */
  withResponse(): Promise<RawResponse<T>> {
    return this.#raw;
  }

  then<A = T, B = never>(
    fulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    rejected?: ((reason: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#raw.then(({ data }) => data).then(fulfilled, rejected);
  }

  catch<B = never>(rejected?: ((reason: unknown) => B | PromiseLike<B>) | null): Promise<T | B> {
    return this.then(null, rejected);
  }

  finally(settled?: (() => void) | null): Promise<T> {
    return this.then().finally(settled);
  }
}

/** What a request is made of. */
export interface Parts {
  path?: Readonly<Record<string, string>>;
  query?: Readonly<Record<string, unknown>>;
  headers?: Readonly<Record<string, string>>;
  content?: Uint8Array<ArrayBuffer> | Body | undefined;
  options?: RequestOptions | undefined;
  limits?: Limits;
}

/** What a caller is made of. */
export interface CallerFacts {
  /** The stack. */
  readonly send: Send;
  /** Paths are appended to it, never resolved against it (AUTH-7). */
  readonly baseUrl: string;
  readonly limits: Limits;
  readonly clock: Clock;
  /** Makes idempotency keys; never from a seeded generator (STACK). */
  readonly newId: () => string;
  /** What the SDK calls itself; undefined in browsers, which do not let it. */
  readonly userAgent: string | undefined;
  /** Aborted when the client is closed. */
  readonly closing: AbortSignal;
}

/** What a list or a stream is read from. */
export interface Source<T> {
  readonly caller: Caller;
  readonly op: Op<T>;
  readonly path: Readonly<Record<string, string>>;
  readonly given: Sorted;
  readonly options: RequestOptions;
}

/** Turns operations into calls: what a client lends to its resources. */
export class Caller {
  readonly #facts: CallerFacts;
  declare readonly limits: Limits;
  declare readonly clock: Clock;

  constructor(facts: CallerFacts) {
    this.#facts = facts;
    this.limits = facts.limits;
    this.clock = facts.clock;
  }

  /** The same caller with other limits and another clock; the stack is shared. */
  withLimits(limits: Limits, clock: Clock): Caller {
    return new Caller({ ...this.#facts, limits, clock });
  }

  /**
   * The request of an operation, with the call it belongs to.
   *
   * @throws ConfigurationError if an argument cannot be sent.
   */
  prepare(op: Op<unknown>, { path = {}, query = {}, headers = {}, content, options = {}, limits }: Parts): Request {
    checkOptions(options);
    if (op.deprecated) deprecated(op.id, op.sunset);
    const { baseUrl, newId, userAgent } = this.#facts;
    const { idempotencyKey } = options;
    const key = op.idempotent ? (idempotencyKey === null ? undefined : (idempotencyKey ?? newId())) : undefined;
    const streamed = op.stream !== undefined || op.binary;
    if (options.signal !== undefined) share(options.signal);
    const call = new Call({
      operation: op.id,
      method: op.method,
      limits: limits ?? override(this.limits, options),
      clock: this.clock,
      idempotencyKey: key,
      scopes: op.scopes,
      streamed,
      sensitive: op.sensitive,
      retries: op.retries,
      signal: options.signal,
      template: op.path,
    });
    const sent: Record<string, string | Secret> = {
      accept: `${ACCEPT[op.stream?.format ?? (op.binary ? 'binary' : 'json')]}, application/problem+json`,
    };
    if (userAgent !== undefined) {
      sent['user-agent'] = userAgent;
      if (streamed) sent['accept-encoding'] = 'identity';
    }
    if (content !== undefined) sent['content-type'] = op.body ?? 'application/json';
    if (key !== undefined) sent['idempotency-key'] = quoted(key);
    for (const [name, value] of Object.entries(headers)) {
      checkHeader(name, value);
      sent[name] = value;
    }
    for (const [name, value] of Object.entries(options.headers ?? {})) sent[name.toLowerCase()] = value;
    const text = queryOf({ ...query, ...options.query }, op.deep);
    const url = baseUrl + pathOf(op.path, path);
    return new Request(call, op.method, text === '' ? url : `${url}${op.path.includes('?') ? '&' : '?'}${text}`, sent, content);
  }

  /** Waits before a stream or a download is taken up again. */
  pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
    return pause(this.clock, ms, this.#facts.closing, signal);
  }

  /** Sends through the stack; an answer that is an error is thrown there. */
  async send(request: Request): Promise<Response> {
    const response = (await this.#facts.send(request)) as Response;
    const { call, headers } = response;
    if (headers.has('deprecation')) deprecated(call.operation, headers.get('sunset'));
    return response;
  }

  /** One call, one answer. */
  call<T>(op: Op<T>, path: Readonly<Record<string, string>>, params: object, options?: RequestOptions): ApiPromise<T> {
    const sending = async (): Promise<RawResponse<T>> => {
      const { query, headers, body } = sorted(op, params);
      const content = op.body === undefined ? undefined : bodyOf(body);
      const response = await this.send(this.prepare(op, { path, query, headers, content, options }));
      return rawOf(response, answerOf(op, response));
    };
    return new ApiPromise(sending());
  }
}

/** Base of the generated resources. */
export class Resource {
  declare protected readonly _caller: Caller;

  constructor(caller: Caller) {
    this._caller = caller;
  }

  protected _call<T>(
    op: Op<T>,
    path: Readonly<Record<string, string>>,
    params: object = {},
    options?: RequestOptions,
  ): ApiPromise<T> {
    return this._caller.call(op, path, params, options);
  }

  protected _pages<T>(
    op: Op<T>,
    path: Readonly<Record<string, string>>,
    params?: object,
    options?: RequestOptions,
  ): Pager<T> {
    return new Pager(this.#source(op, path, params, options));
  }

  protected _items<T>(
    op: Op<T>,
    path: Readonly<Record<string, string>>,
    params?: object,
    options?: RequestOptions,
  ): ItemStream<T> {
    return new ItemStream(this.#source(op, path, params, options));
  }

  protected _events<T>(
    op: Op<T>,
    path: Readonly<Record<string, string>>,
    params?: object,
    options?: RequestOptions,
  ): EventStream<T> {
    return new EventStream(this.#source(op, path, params, options));
  }

  #source<T>(op: Op<T>, path: Readonly<Record<string, string>>, params: object = {}, options: RequestOptions = {}): Source<T> {
    return { caller: this._caller, op, path, given: sorted(op, params), options };
  }

  protected _upload<T>(op: Op<T>, source: UploadSource, params: UploadOptions, options?: RequestOptions): ApiPromise<T> {
    const files = loaded(import('./files.ts'));
    return new ApiPromise(files.then(({ upload }) => upload(this._caller, op, source, params, options)));
  }

  protected async _download(
    op: Op<unknown>,
    path: Readonly<Record<string, string>>,
    params: DownloadOptions,
    options?: RequestOptions,
  ): Promise<Downloaded> {
    const { download } = await loaded(import('./files.ts'));
    return download(this._caller, op, path, params, options);
  }
}
