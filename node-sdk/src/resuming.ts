/**
 * Reads an export or an event stream and resumes it where it broke: nothing lost, nothing twice, nothing half (STREAM).
 *
 * Loaded with the first stream, so that a page that reads none does not carry it.
 *
 * @module
 */
import { FRAMING_MAX_LINE_BYTES } from './_generated/policy-framing.ts';
import * as policy from './_generated/policy.ts';
import { backoff } from './backoff.ts';
import { AdminAPIError, APITimeoutError, StreamInterruptedError } from './index.ts';
import type { DecodeError } from './index.ts';
import type { Response } from './exchange.ts';
import { Lines, LineTooLong, ServerSentEvents } from './framing.ts';
import { decodeError } from './operation.ts';
import type { Op } from './operation.ts';
import { override } from './options.ts';
import type { Source } from './resource.ts';
import type { Held } from './streaming.ts';

/** The connection is gone, or fell silent; nothing of what was delivered is lost. */
class Broken extends Error {}

const SILENT = 'silent';

/** The items of a stream, from connection to connection. */
export function follow<T>(stream: Held, source: Source<T>): AsyncGenerator<T, void, undefined> {
  const reader = source.op.stream?.format === 'sse' ? new EventReader(stream, source) : new ItemReader(stream, source);
  return reader.items();
}

abstract class Reader<T> {
  protected readonly stream: Held;
  protected readonly op: Op<T>;
  protected readonly source: Source<T>;
  #waitingSince = 0;

  constructor(stream: Held, source: Source<T>) {
    this.stream = stream;
    this.op = source.op;
    this.source = source;
  }

  async *items(): AsyncGenerator<T, void, undefined> {
    const { caller, options } = this.source;
    const maxRetries = options.maxRetries ?? caller.limits.maxRetries;
    let fruitless = 0;
    for (;;) {
      let reason: string;
      let how = 'left';
      const response = await this.#open(fruitless, maxRetries);
      try {
        for await (const item of this.decode(response)) {
          fruitless = 0;
          yield item;
          this.#waitingSince = caller.clock.monotonic(); // the consumer's own time does not count
        }
        how = 'ended';
        return;
      } catch (error) {
        if (error instanceof AdminAPIError) how = error.code;
        if (!(error instanceof Broken)) throw error;
        reason = error.message;
        how = 'interrupted';
      } finally {
        response.onEnd?.(how);
      }
      fruitless += 1;
      if (fruitless > maxRetries) throw this.#interrupted(reason, maxRetries);
      await caller.pause(this.delay(backoff(fruitless - 1, caller.clock.random())), options.signal);
    }
  }

  /** Opens at the last item; attempts that failed since then count. */
  async #open(fruitless: number, maxRetries: number): Promise<Response> {
    const { caller, path, options } = this.source;
    const limits = override(caller.limits, { ...options, maxRetries: maxRetries - fruitless });
    const request = caller.prepare(this.op, { path, ...this.position(), options, limits });
    try {
      return await caller.send(request);
    } catch (error) {
      if (fruitless === 0 || !(error instanceof AdminAPIError) || !error.retryable) throw error;
      throw this.#interrupted(error.message, maxRetries);
    }
  }

  #interrupted(reason: string, maxRetries: number): StreamInterruptedError {
    const error = new StreamInterruptedError(
      `${this.op.id}: The stream broke and could not be resumed: ${reason} Go on behind lastId.`,
      { operation: this.op.id, outcome: 'unknown', retryable: true, attempts: maxRetries + 1 },
    );
    error.lastId = this.stream.lastId;
    return error;
  }

  /** Query and headers that open the stream behind the last item. */
  protected abstract position(): { query: Record<string, unknown>; headers: Record<string, string> };

  /** The items of one connection; throws Broken when it ends before the stream does. */
  protected abstract decode(response: Response): AsyncGenerator<T, void, undefined>;

  /** Milliseconds before the next attempt. */
  protected delay(backoff: number): number {
    return backoff;
  }

  /** The lines of one connection; silence for so long breaks it. */
  protected async *lines(response: Response, silence: number | undefined): AsyncGenerator<Uint8Array, void, undefined> {
    const lines = new Lines();
    const { stream } = response;
    const { clock } = this.source.caller;
    this.#waitingSince = clock.monotonic();
    try {
      for (;;) {
        const { idleTimeout } = this.stream;
        const idle = idleTimeout === undefined ? undefined : idleTimeout - (clock.monotonic() - this.#waitingSince);
        if (idle !== undefined && idle <= 0) throw this.#idle(response); // bytes came, heartbeats for one, and no item
        const chunk = await within(Math.min(silence ?? Infinity, idle ?? Infinity), stream?.read() ?? Promise.resolve(undefined));
        if (typeof chunk === 'string') {
          if (chunk === SILENT && idle !== undefined && idle <= (silence ?? Infinity)) throw this.#idle(response);
          throw new Broken(chunk === SILENT ? 'The connection fell silent.' : `The connection was lost (${chunk}).`);
        }
        if (chunk === undefined) return;
        yield* this.#cut(lines, chunk, response);
      }
    } finally {
      await stream?.close();
    }
  }

  #cut(lines: Lines, chunk: Uint8Array, response: Response): Uint8Array[] {
    try {
      return lines.feed(chunk);
    } catch (error) {
      if (!(error instanceof LineTooLong)) throw error;
      throw this.unreadable(response, `a line is longer than ${FRAMING_MAX_LINE_BYTES} bytes`, new Uint8Array());
    }
  }

  #idle(response: Response): APITimeoutError {
    return new APITimeoutError(`${this.op.id}: No item for ${this.stream.idleTimeout} ms. Raise idleTimeout if that is usual.`, {
      code: 'idle_timeout',
      operation: this.op.id,
      outcome: 'unknown',
      retryable: true,
      attempts: response.call.attempts,
      requestId: response.requestId,
    });
  }

  protected item(data: string, response: Response): T {
    try {
      const item: unknown = JSON.parse(data);
      if (typeof item === 'object' && item !== null && !Array.isArray(item)) return item as T;
    } catch {
      // said below
    }
    throw this.unreadable(response, 'an item is not as the document says', new TextEncoder().encode(data));
  }

  protected unreadable(response: Response, reason: string, data: Uint8Array): DecodeError {
    return decodeError(response, reason, data);
  }
}

/** What is read, undefined at the end, or what broke it: `silent` after so many milliseconds, else how it was lost. */
export async function within(
  ms: number,
  reading: Promise<Uint8Array | undefined>,
): Promise<Uint8Array | undefined | string> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  try {
    if (ms === Infinity) return await reading;
    const silence = new Promise<typeof SILENT>((resolve) => {
      timer = setTimeout(() => resolve(SILENT), Math.max(1, ms));
    });
    return await Promise.race([reading, silence]);
  } catch (error) {
    const lost = lostBy(error);
    if (lost === undefined) throw error;
    return lost;
  } finally {
    clearTimeout(timer);
    reading.catch(() => undefined); // what it comes to after a silence does not matter
  }
}

/** How a connection was lost, undefined if the error is of another kind. */
function lostBy(error: unknown): string | undefined {
  const { code, cause } = error as { code?: unknown; cause?: { code?: unknown } };
  const named = [code, cause?.code].find((each) => typeof each === 'string');
  return typeof named === 'string' ? named : error instanceof TypeError ? 'connection lost' : undefined;
}

const UTF8 = /* @__PURE__ */ new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** NDJSON, until the line that says how many items there were. */
class ItemReader<T> extends Reader<T> {
  protected override position(): { query: Record<string, unknown>; headers: Record<string, string> } {
    const { query, headers } = this.source.given;
    const { lastId } = this.stream;
    return { query: lastId === undefined ? query : { ...query, [this.op.stream?.resume ?? '']: lastId }, headers };
  }

  protected override async *decode(response: Response): AsyncGenerator<T, void, undefined> {
    const end = JSON.stringify(this.op.stream?.terminator);
    for await (const bytes of this.lines(response, undefined)) {
      const line = this.#text(bytes, response);
      if (line.trim() === '') continue;
      const item = this.item(line, response);
      if (line.slice(0, 64).includes(end) && Object.keys(item as object).join() === this.op.stream?.terminator) return;
      const { id } = item as { id?: unknown };
      if (typeof id === 'string') this.stream.lastId = id;
      yield item;
    }
    throw new Broken('The export ended before its last line.');
  }

  /** What is no UTF-8 is no JSON (RFC 8259, section 8.1). */
  #text(line: Uint8Array, response: Response): string {
    try {
      return UTF8.decode(line);
    } catch {
      throw this.unreadable(response, 'a line is not UTF-8', line);
    }
  }
}

/** Server-sent events; `event: end` or a 204 is the end. */
class EventReader<T> extends Reader<T> {
  #retry: number | undefined;

  protected override position(): { query: Record<string, unknown>; headers: Record<string, string> } {
    const { query, headers } = this.source.given;
    const { lastId } = this.stream;
    return { query, headers: lastId === undefined ? headers : { ...headers, 'last-event-id': lastId } };
  }

  protected override delay(backoff: number): number {
    return Math.max(backoff, Math.min(this.#retry ?? 0, policy.RETRY_CAP));
  }

  protected override async *decode(response: Response): AsyncGenerator<T, void, undefined> {
    if (response.status === 204) {
      await response.stream?.close();
      return;
    }
    const events = new ServerSentEvents();
    for await (const line of this.lines(response, this.stream.liveness)) {
      const event = events.feed(line);
      this.#retry = events.retry ?? this.#retry;
      if (event === undefined) continue;
      if (event.event === 'end') return;
      const item = this.item(event.data, response);
      if (event.id !== '') this.stream.lastId = event.id;
      yield item;
    }
    throw new Broken('The stream ended without an end event.');
  }
}
