/**
 * An operation as data, and what follows from it without I/O: its URL, its query, its body, its answer.
 *
 * The generated resources hold one `Op` per operation; all behaviour sits in the rooms that read it.
 *
 * @module
 */
import { jsonObject } from './bytes.ts';
import { ConfigurationError, DecodeError } from './errors.ts';
import { Response } from './exchange.ts';
import { excerpt } from './layers/status.ts';
import { checkHeader } from './options.ts';

/** How a list is paged: names of the query parameter and of the members of the answer. */
export interface Paging {
  readonly cursor: string;
  readonly next_cursor: string;
  readonly results: string;
}

/** How an answer is streamed. */
export interface Streaming {
  readonly format: 'ndjson' | 'sse';
  /** Member that marks the last line of an NDJSON export. */
  readonly terminator?: string;
  /** Query parameter that takes the id of the last item received. */
  readonly resume?: string;
}

/** An operation of the document; `T` is the type of its answer, or of one item of a list or stream. */
export interface Op<T> {
  readonly id: string;
  readonly method: string;
  readonly path: string;
  readonly scopes?: readonly string[];
  /** Media type of the request body. */
  readonly body?: string;
  /** Members of the parameters that are query parameters, by wire name; needed only where a body may have the others. */
  readonly query?: readonly string[];
  /** Members of the parameters that are headers: member → header. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Query parameters written as `name[key]=value`. */
  readonly deep?: readonly string[];
  readonly page?: Paging;
  readonly stream?: Streaming;
  readonly binary?: boolean;
  readonly idempotent?: boolean;
  /** A 304 is an answer: undefined. */
  readonly notModified?: boolean;
  /** The answer has no body. */
  readonly noContent?: boolean;
  readonly sensitive?: boolean;
  readonly retries?: boolean;
  readonly deprecated?: boolean;
  readonly sunset?: string;
  /** Carries the type, never a value. */
  readonly returns?: T;
}

/** Members of a parameter object, sorted to where they go. */
export interface Sorted {
  readonly query: Record<string, unknown>;
  readonly headers: Record<string, string>;
  readonly body: Record<string, unknown>;
}

/** Sorts the members of a parameter object into query, headers and body; what is undefined is left out. */
export function sorted(op: Op<unknown>, params: object): Sorted {
  const query: Record<string, unknown> = {};
  const headers: Record<string, string> = {};
  const body: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(params)) {
    if (value === undefined) continue;
    const header = op.headers?.[name];
    if (header !== undefined) {
      checkHeader(header, value);
      headers[header.toLowerCase()] = value;
    }
    else if (op.body === undefined || op.query?.includes(name)) query[name] = value;
    else body[name] = value;
  }
  return { query, headers, body };
}

/**
 * The path with its values in place, each one segment.
 *
 * @throws ConfigurationError if a value is empty, `.` or `..`, and would lead to another resource (CONF).
 */
export function pathOf(template: string, values: Readonly<Record<string, string>>): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value: unknown = values[name];
    if (typeof value !== 'string' || ['', '.', '..'].includes(value)) {
      throw new ConfigurationError(`${name} must be a string that is not empty, '.' or '..'.`, { code: 'invalid_path_value' });
    }
    return encoded(value);
  });
}

/** The query string of what is given: lists repeat their name, maps are `name[key]=value` where `deep` says so. */
export function queryOf(values: Readonly<Record<string, unknown>>, deep: readonly string[] = []): string {
  const pairs: string[] = [];
  const add = (name: string, value: unknown): void => {
    if (value !== undefined && value !== null) pairs.push(`${encoded(name)}=${encoded(text(value))}`);
  };
  for (const [name, value] of Object.entries(values)) {
    if (deep.includes(name)) for (const [key, entry] of Object.entries(value ?? {})) add(`${name}[${key}]`, entry);
    else for (const entry of [value].flat()) add(name, entry);
  }
  return pairs.join('&');
}

/** Percent-encoded but for the unreserved characters of RFC 3986, as in every SDK. */
function encoded(value: string): string {
  if (!value.isWellFormed()) throw new ConfigurationError('Half a surrogate pair cannot be sent.', { code: 'invalid_text' });
  return encodeURIComponent(value).replace(/[!'()*]/g, (found) => `%${found.charCodeAt(0).toString(16).toUpperCase()}`);
}

function text(value: unknown): string {
  return value instanceof Date ? timestamp(value) : String(value);
}

/** RFC 3339 in UTC with milliseconds, as the API writes it. */
function timestamp(moment: Date): string {
  if (Number.isNaN(moment.getTime())) throw new ConfigurationError('A Date must be valid.', { code: 'invalid_datetime' });
  return moment.toISOString();
}

/**
 * The JSON of a request body; members that are undefined are left out, null is null.
 *
 * @throws ConfigurationError if a value has no JSON form.
 */
export function bodyOf(value: unknown): Uint8Array<ArrayBuffer> {
  let json: string | undefined;
  try {
    json = JSON.stringify(value, plain);
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    throw new ConfigurationError(`The request has no JSON form: ${error instanceof Error ? error.message : ''}`, { code: 'invalid_body' });
  }
  if (json === undefined) throw new ConfigurationError('The request has no JSON form.', { code: 'invalid_body' });
  return new TextEncoder().encode(json);
}

/** What JSON.stringify may see: it would turn a bad Date and NaN into null, a Map into {}, and leave functions out, all unsaid. */
function plain(this: Readonly<Record<string, unknown>>, name: string, member: unknown): unknown {
  const given = this[name];
  if (given instanceof Date) return timestamp(given);
  const refuse = (what: string): never => {
    throw new TypeError(`${what}${name === '' ? '' : ` at ${JSON.stringify(name)}`}`);
  };
  if (!name.isWellFormed() || (typeof member === 'string' && !member.isWellFormed())) refuse('half a surrogate pair');
  if (typeof member === 'number' && !Number.isFinite(member)) refuse('a number that is not finite');
  if (typeof member === 'function' || typeof member === 'symbol') refuse(`a ${typeof member}`);
  if (member === undefined && Array.isArray(this)) refuse('undefined in a list');
  if (typeof member === 'object' && member !== null && !Array.isArray(member)) {
    const kind = Object.prototype.toString.call(member);
    if (kind !== '[object Object]') refuse(kind);
  }
  return member;
}

/** An idempotency key as an RFC 9651 string. */
export function quoted(key: string): string {
  return `"${key.replace(/["\\]/g, '\\$&')}"`;
}

/**
 * The answer as the document's type; undefined for one without a body, or not modified.
 *
 * @throws DecodeError if the body is not what the document says.
 */
export function answerOf<T>(op: Op<T>, response: Response): T {
  if (op.notModified && response.status === 304) return undefined as T;
  if (op.noContent && (response.isJson || response.body.length === 0)) return undefined as T;
  return decode(response) as T;
}

/**
 * The body as JSON.
 *
 * @throws DecodeError if the body is not what the document says.
 */
export function decode(response: Response): object {
  const value = response.isJson ? jsonObject(response.body) : undefined;
  if (value !== undefined) return value;
  throw decodeError(response, 'it is no JSON object by type and content');
}

/** The error of an answer that cannot be understood, with the beginning of it unless it may hold a secret. */
export function decodeError(response: Response, reason: string, body: Uint8Array = response.body): DecodeError {
  const { call } = response;
  const shown = call.sensitive ? '' : excerpt(body);
  return new DecodeError(
    `${call.operation}: The answer cannot be understood: ${reason}. (request id ${response.requestId}) ${shown}`.trimEnd(),
    {
      operation: call.operation,
      // A page of HTML, say, is of something in between, and says nothing of what the server did.
      outcome: call.committed || call.streamed || response.isJson ? 'committed' : 'unknown',
      attempts: call.attempts,
      status: response.status,
      requestId: response.requestId,
      idempotencyKey: call.idempotencyKey,
    },
  );
}

/** An answer with what came beside its data. */
export interface RawResponse<T> {
  readonly data: T;
  readonly status: number;
  readonly headers: Headers;
  /** The server's id of the request, for support. */
  readonly requestId: string | undefined;
  /** Id of the audit event that recorded the mutation. */
  readonly auditEventId: string | undefined;
  /** How many attempts the call took. */
  readonly attempts: number;
  readonly idempotencyKey: string | undefined;
}

/** What came beside an answer's data, with it. */
export function rawOf<T>(response: Response, data: T): RawResponse<T> {
  return {
    data,
    status: response.status,
    headers: response.headers,
    requestId: response.requestId,
    auditEventId: response.headers.get('audit-event-id') ?? undefined,
    attempts: response.call.attempts,
    idempotencyKey: response.call.idempotencyKey,
  };
}

/** One page of a list; iterating gives its items only. */
export class Page<T> implements Iterable<T> {
  /** May be empty though more pages follow. */
  declare readonly items: readonly T[];
  /** Cursor of the next page, null at the end. */
  declare readonly nextCursor: string | null;
  /** The server's id of the request, for support. */
  declare readonly requestId: string | undefined;

  constructor(items: readonly T[], nextCursor: string | null, requestId: string | undefined) {
    this.items = items;
    this.nextCursor = nextCursor;
    this.requestId = requestId;
  }

  [Symbol.iterator](): Iterator<T> {
    return this.items[Symbol.iterator]();
  }
}

/** The page that an answer holds. */
export function pageOf<T>(op: Op<T>, response: Response): Page<T> {
  const page = decode(response) as Readonly<Record<string, unknown>>;
  const items = page[op.page?.results ?? ''];
  const cursor = page[op.page?.next_cursor ?? ''] ?? null;
  if (!Array.isArray(items) || !(cursor === null || typeof cursor === 'string')) {
    throw decodeError(response, 'it is no page');
  }
  return new Page(items as T[], cursor, response.requestId);
}
