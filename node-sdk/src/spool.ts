/**
 * Ciphertext on its way: made once, hashed, kept to be read again (FILE). In Node it goes to a private temporary file once it is
 * large; elsewhere it stays in memory.
 *
 * @module
 */
import { openPath, openStore, sendsStreams } from '#paths';
import { joined } from './bytes.ts';
import { ConfigurationError } from './errors.ts';
import type { Body } from './exchange.ts';

/** A path (Node), bytes, a Blob, or a stream of bytes, which is read once. */
export type UploadSource = string | Uint8Array | ArrayBuffer | Blob | ReadableStream<Uint8Array> | AsyncIterable<Uint8Array>;

/** Called with the bytes moved so far and the bytes in all, undefined if not known; a repeated attempt begins anew. */
export type Progress = (moved: number, total: number | undefined) => void;

/** Where bytes are kept. */
export interface Store {
  write(bytes: Uint8Array): Promise<void>;
  /** Forgets all that was written. */
  clear(): Promise<void>;
  /** The bytes from the first. */
  chunks(): AsyncIterable<Uint8Array>;
  /** All of them, if they are in memory. */
  bytes(): Uint8Array<ArrayBuffer> | undefined;
  /** SHA-256 of all of them. */
  sha256(): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** Keeps bytes in memory. */
export class MemoryStore implements Store {
  #parts: Uint8Array[] = [];

  write(bytes: Uint8Array): Promise<void> {
    this.#parts.push(bytes);
    return Promise.resolve();
  }

  clear(): Promise<void> {
    this.#parts = [];
    return Promise.resolve();
  }

  // eslint-disable-next-line @typescript-eslint/require-await -- the interface is for stores that do wait
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    yield* this.#parts;
  }

  bytes(): Uint8Array<ArrayBuffer> {
    return joined(this.#parts);
  }

  async sha256(): Promise<Uint8Array> {
    return new Uint8Array(await crypto.subtle.digest('SHA-256', this.bytes()));
  }

  close(): Promise<void> {
    return this.clear();
  }
}

const AGE_HEADER = 'age-encryption.org/v1\n';

/** Bytes that were written once and can be read again and again; a request body. */
export class Spool implements Body {
  readonly #store: Store = openStore();
  readonly #max: number | undefined;
  length = 0;
  onProgress: Progress | undefined;

  constructor(maxBytes?: number) {
    this.#max = maxBytes;
  }

  /**
   * Adds bytes.
   *
   * @throws ConfigurationError if there are more than may be sent in one piece.
   */
  async write(bytes: Uint8Array): Promise<void> {
    this.length += bytes.length;
    if (this.#max !== undefined && this.length > this.#max) {
      throw new ConfigurationError(`An upload may hold at most ${this.#max} bytes of ciphertext.`, { code: 'upload_too_large' });
    }
    await this.#store.write(bytes);
  }

  /** Forgets all that was written. */
  async restart(): Promise<void> {
    this.length = 0;
    await this.#store.clear();
  }

  /** The SHA-256 as a digest field (RFC 9530). */
  async digest(): Promise<string> {
    return `sha-256=:${btoa(String.fromCharCode(...(await this.#store.sha256())))}:`;
  }

  /** The SHA-256 in lower-case hex. */
  async sha256(): Promise<string> {
    return [...(await this.#store.sha256())].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  }

  async open(): Promise<Uint8Array<ArrayBuffer> | ReadableStream<Uint8Array>> {
    const held = this.onProgress === undefined ? this.#store.bytes() : undefined;
    if (held !== undefined) return held;
    const stream = streamFrom(this.chunks());
    return sendsStreams ? stream : new Uint8Array(await new Response(stream).arrayBuffer());
  }

  /** The bytes from the first, each time anew. */
  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    let moved = 0;
    for await (const chunk of this.#store.chunks()) {
      yield chunk;
      moved += chunk.length;
      this.onProgress?.(moved, this.length);
    }
  }

  /** Throws ConfigurationError unless the bytes begin as an age v1 file does. */
  async checkAge(): Promise<void> {
    let head = '';
    for await (const chunk of this.#store.chunks()) {
      head += new TextDecoder().decode(chunk.subarray(0, AGE_HEADER.length));
      if (head.length >= AGE_HEADER.length) break;
    }
    if (!head.startsWith(AGE_HEADER)) {
      throw new ConfigurationError('The source is no age v1 file; give encryptTo instead of alreadyEncrypted.', { code: 'not_encrypted' });
    }
  }

  /** Throws the bytes away. */
  close(): Promise<void> {
    return this.#store.close();
  }
}

/** The bytes of a source. */
export async function* bytesOf(source: UploadSource): AsyncGenerator<Uint8Array, void, undefined> {
  if (typeof source === 'string') yield* openPath(source);
  else if (source instanceof Uint8Array) yield source;
  else if (source instanceof ArrayBuffer) yield new Uint8Array(source);
  else if (source instanceof Blob) yield* read(source.stream());
  else if (source instanceof ReadableStream) yield* binary(read(source));
  else if (typeof (source as typeof source | null | undefined)?.[Symbol.asyncIterator] === 'function') yield* binary(source);
  else throw new ConfigurationError('The source of an upload is a path, bytes, a Blob or a stream.', { code: 'invalid_source' });
}

/** Chunks of somebody else's, which may be text all the same. */
async function* binary(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  for await (const chunk of chunks) {
    if (!(chunk instanceof Uint8Array)) throw new ConfigurationError('The source of an upload must give bytes.', { code: 'invalid_source' });
    yield chunk;
  }
}

/** What a stream gives; cancelled if it is left early. Browsers have no `for await` over streams. */
export async function* read(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array, void, undefined> {
  const reader = stream.getReader();
  let done = false;
  try {
    for (;;) {
      const next = await reader.read();
      done = next.done;
      if (next.done) return;
      yield next.value;
    }
  } finally {
    if (!done) await reader.cancel();
  }
}

/** Bytes as a stream. */
export function streamFrom(chunks: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = chunks[Symbol.asyncIterator]();
  return new ReadableStream({
    async pull(controller) {
      const next = await iterator.next();
      if (next.done === true) controller.close();
      else controller.enqueue(next.value);
    },
    async cancel() {
      await iterator.return?.();
    },
  });
}
