/**
 * Exports and event streams as users hold them (STREAM). What reads them is loaded with the first one.
 *
 * @module
 */
import * as policy from './_generated/policy.ts';
import { loaded } from './loading.ts';
import type { Source } from './resource.ts';

/** What a stream's reader shares with who holds it. */
export interface Held {
  lastId: string | undefined;
  readonly idleTimeout: number | undefined;
  readonly liveness?: number;
}

/**
 * A stream that has not been opened yet. `for await` reads it; leaving the loop closes it.
 *
 * The attempt counter returns to zero with each item delivered. More than `maxRetries` fruitless attempts in a row throw
 * `StreamInterruptedError` with the id of the last item.
 */
abstract class ResumingStream<T> implements AsyncIterable<T>, AsyncDisposable {
  /** Id of the last item delivered; pass it to go on from there in another process. */
  declare lastId: string | undefined;
  /** Milliseconds without an item, while one is waited for, after which APITimeoutError is thrown; undefined waits for ever. */
  abstract idleTimeout: number | undefined;
  readonly #source: Source<T>;
  #items: AsyncGenerator<T, void, undefined> | undefined;

  constructor(source: Source<T>) {
    this.#source = source;
  }

  [Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    this.#items ??= this.#read();
    return this.#items;
  }

  /** Ends the stream and frees its connection. */
  async close(): Promise<void> {
    await this.#items?.return();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async *#read(): AsyncGenerator<T, void, undefined> {
    const { follow } = await loaded(import('./resuming.ts'));
    yield* follow(this, this.#source);
  }
}

/** An NDJSON export: items in order of creation, until the line that says how many there were. */
export class ItemStream<T> extends ResumingStream<T> {
  override idleTimeout: number | undefined = policy.STREAM_NDJSON_IDLE_TIMEOUT;
}

/** Server-sent events, reconnected with Last-Event-ID; `event: end` or a 204 is the end. */
export class EventStream<T> extends ResumingStream<T> {
  override idleTimeout: number | undefined = undefined;
  /** Milliseconds without a byte, heartbeats included, after which the connection counts as lost. */
  liveness: number = policy.STREAM_LIVENESS;
}
