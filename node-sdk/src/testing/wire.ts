/**
 * One request of the control plane: a connection of its own, a bound on the whole of it, and an answer that is checked.
 *
 * @module
 */
import { readFileSync } from 'node:fs';
import { request as plain } from 'node:http';
import { request as secure } from 'node:https';
import type { Call, Problem } from '../_generated/control.ts';

/** Longer than any answer takes, journal waits aside. */
export const TIMEOUT_MS = 30_000;
/** A journal of a thousand bodies fits; an endless answer does not. */
const MAX_ANSWER_BYTES = 1024 * 1024 * 1024;
const EXCERPT_BYTES = 200;
const MEDIA_TYPES = { json: 'application/json', text: 'application/yaml', bytes: 'application/octet-stream', nothing: '' };

/**
 * The control plane refused, or was not there.
 *
 * `problem.code` tells why: that of the server (`not_found`, `validation_failed`, `wait_timed_out` …), or the client's own:
 * `unreachable`, `timed_out`, `unknown_answer` (something else answered), `no_credentials`.
 */
export class ControlError extends Error {
  override readonly name: string = 'ControlError';
  /** The operation of the control plane's document that failed. */
  readonly operation: string;
  /** Undefined if there was no answer. */
  readonly status: number | undefined;
  readonly problem: Partial<Problem>;

  constructor(operation: string, status: number | undefined, problem: Partial<Problem>, options?: ErrorOptions) {
    const why = [status, problem.code].filter((part) => part !== undefined).join(' ');
    const errors = problem.errors === undefined ? '' : `: ${JSON.stringify(problem.errors)}`;
    super(`${operation}: ${why}: ${problem.detail ?? problem.title ?? 'refused'}${errors}`, options);
    this.operation = operation;
    this.status = status;
    this.problem = problem;
  }

  /** The kind of problem, to branch on. */
  get code(): string | undefined {
    return this.problem.code;
  }
}

interface Received {
  readonly status: number;
  readonly mediaType: string;
  readonly content: Uint8Array;
}

/** Sends calls to the server at a root URL. */
export class Wire {
  /** The root URL, without a slash at its end. */
  readonly url: string;
  readonly #ca: string | undefined;

  constructor(url: string, ca: string | null = null) {
    const parts = URL.canParse(url) ? new URL(url) : undefined;
    if (parts === undefined || !/^https?:$/.test(parts.protocol) || parts.pathname !== '/') {
      throw new TypeError(`${JSON.stringify(url)} is not the root URL of a server, such as http://localhost:8443`);
    }
    this.url = parts.origin;
    this.#ca = ca === null ? undefined : readFileSync(ca, 'utf8');
  }

  /** The answer, read as the call says; rejects with a `ControlError`, at the latest after `timeout` milliseconds. */
  async send(call: Call, timeout: number = TIMEOUT_MS): Promise<unknown> {
    const signal = AbortSignal.timeout(timeout);
    let received: Received;
    try {
      received = await this.#exchange(call, signal);
    } catch (cause) {
      const { code, message } = cause as { code?: string; message: string };
      if (signal.aborted) throw failed(call, 'timed_out', `${this.url} did not answer within ${timeout} ms.`, cause);
      if (code?.startsWith('HPE_') || cause instanceof RangeError) {
        throw failed(call, 'unknown_answer', `What ${this.url} answers is no HTTP (${message}).`, cause);
      }
      const detail = `${this.url} cannot be reached (${message || code}). Is admin-api-mock running there?`;
      throw failed(call, 'unreachable', detail, cause);
    }
    return read(call, received);
  }

  /** By `node:http`: the global fetch cannot be given the CA of a server that speaks TLS. */
  async #exchange(call: Call, signal: AbortSignal): Promise<Received> {
    const url = new URL(this.url + call.path);
    for (const [name, value] of Object.entries(call.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value));
    }
    const body = call.body === undefined ? undefined : JSON.stringify(call.body);
    const headers = { Connection: 'close', ...(body === undefined ? {} : { 'Content-Type': 'application/json' }) };
    const { promise, resolve, reject } = promised<Received>();
    const outgoing = (url.protocol === 'https:' ? secure : plain)(url, {
      method: call.method,
      headers,
      agent: false,
      signal,
      ...(this.#ca === undefined ? {} : { ca: this.#ca }),
    });
    outgoing.on('error', reject);
    outgoing.once('response', (answer) => {
      const chunks: Uint8Array[] = [];
      let size = 0;
      answer.on('data', (chunk: Uint8Array) => {
        chunks.push(chunk);
        size += chunk.length;
        if (size > MAX_ANSWER_BYTES) answer.destroy(new RangeError('an answer without an end'));
      });
      answer.on('error', reject);
      answer.once('end', () => {
        const mediaType = answer.headers['content-type']?.split(';')[0] ?? '';
        resolve({ status: answer.statusCode ?? 0, mediaType, content: Buffer.concat(chunks) });
      });
    });
    outgoing.end(body);
    return promise;
  }
}

function read(call: Call, { status, mediaType, content }: Received): unknown {
  if (status >= 300 && mediaType === 'application/problem+json') {
    const problem = parsed(content) as Problem | undefined;
    if (typeof problem?.code === 'string') throw new ControlError(call.operation, status, problem);
  }
  if (status < 200 || status >= 300 || mediaType !== MEDIA_TYPES[call.answer]) {
    const excerpt = JSON.stringify(text(content.subarray(0, EXCERPT_BYTES)));
    const detail = `The answer is ${mediaType || 'nothing'}, not the control plane's: ${excerpt}`;
    throw failed(call, 'unknown_answer', detail, undefined, status);
  }
  if (call.answer === 'bytes') return content;
  if (call.answer === 'text') return text(content);
  return call.answer === 'nothing' ? undefined : checked(call, status, parsed(content));
}

function checked(call: Call, status: number, answer: unknown): object {
  if (kindOf(answer) !== 'object') {
    throw failed(call, 'unknown_answer', 'The answer is no JSON object.', undefined, status);
  }
  for (const [name, kind] of Object.entries(call.members ?? {})) {
    if (kindOf((answer as Record<string, unknown>)[name]) !== (kind === 'integer' ? 'number' : kind)) {
      const detail = `The answer's member ${JSON.stringify(name)} is missing or no ${kind}.`;
      throw failed(call, 'unknown_answer', detail, undefined, status);
    }
  }
  return answer as object;
}

const kindOf = (value: unknown): string => (Array.isArray(value) ? 'array' : value === null ? 'null' : typeof value);

const text = (content: Uint8Array): string => new TextDecoder().decode(content);

function parsed(content: Uint8Array): unknown {
  try {
    return JSON.parse(text(content));
  } catch {
    return undefined; // what is no JSON is judged by who asked
  }
}

function failed(call: Call, code: string, detail: string, cause: unknown, status?: number): ControlError {
  return new ControlError(call.operation, status, { code, detail }, cause === undefined ? {} : { cause });
}

function promised<T>(): { promise: Promise<T>; resolve: (value: T) => void; reject: (reason: unknown) => void } {
  let resolve!: (value: T) => void;
  let reject!: (reason: unknown) => void;
  const promise = new Promise<T>((done, fail) => {
    resolve = done;
    reject = fail;
  });
  return { promise, resolve, reject };
}
