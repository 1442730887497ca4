/**
 * Paths and temporary files where there is a file system; bundlers for browsers never meet this room.
 *
 * @module
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Hash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdtemp, open, rename, rm, unlink } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { FILES_SPOOL_MEMORY } from './_generated/policy-files.ts';
import { joined } from './bytes.ts';
import { ConfigurationError } from './errors.ts';
import type { Store } from './spool.ts';

/**
 * The bytes of a file.
 *
 * @throws ConfigurationError if it cannot be read.
 */
export async function* openPath(path: string): AsyncGenerator<Uint8Array, void, undefined> {
  let file: FileHandle;
  try {
    file = await open(path, 'r');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new ConfigurationError(`'${path}' cannot be read: ${code}.`, { code: 'unreadable_source' });
  }
  yield* file.createReadStream() as AsyncIterable<Uint8Array>;
}

/** Writes a temporary file (0600) beside the path, and only then puts it in its place: all of it or nothing. */
export async function deliver(path: string, chunks: AsyncIterable<Uint8Array>): Promise<void> {
  const target = resolve(path);
  const temporary = join(dirname(target), `.admin-api-${randomBytes(8).toString('hex')}`);
  const file = await open(temporary, 'wx', 0o600);
  try {
    try {
      for await (const chunk of chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, target);
  } catch (error) {
    await unlink(temporary);
    throw error;
  }
}

/** Whether fetch sends a body that is a stream. */
export const sendsStreams = true;

/** Keeps bytes in memory up to 8 MiB, then in a temporary file (0600) in a folder of its own. */
export function openStore(): Store {
  return new FileStore();
}

class FileStore implements Store {
  #parts: Uint8Array[] = [];
  #size = 0;
  #hash: Hash = createHash('sha256');
  #folder: string | undefined;
  #file: FileHandle | undefined;

  async write(bytes: Uint8Array): Promise<void> {
    this.#size += bytes.length;
    this.#hash.update(bytes);
    if (this.#file === undefined && this.#size <= FILES_SPOOL_MEMORY) {
      this.#parts.push(bytes);
      return;
    }
    if (this.#file === undefined) {
      this.#folder = await mkdtemp(join(tmpdir(), 'admin-api-'));
      this.#file = await open(this.#path, 'wx', 0o600);
      for (const part of this.#parts) await this.#file.writeFile(part);
      this.#parts = [];
    }
    await this.#file.writeFile(bytes);
  }

  async clear(): Promise<void> {
    await this.close();
    this.#size = 0;
    this.#hash = createHash('sha256');
  }

  async *chunks(): AsyncGenerator<Uint8Array, void, undefined> {
    if (this.#file === undefined) yield* this.#parts;
    else yield* createReadStream(this.#path) as AsyncIterable<Uint8Array>;
  }

  bytes(): Uint8Array<ArrayBuffer> | undefined {
    return this.#file === undefined ? joined(this.#parts) : undefined;
  }

  sha256(): Promise<Uint8Array> {
    return Promise.resolve(new Uint8Array(this.#hash.copy().digest()));
  }

  async close(): Promise<void> {
    this.#parts = [];
    await this.#file?.close();
    this.#file = undefined;
    if (this.#folder !== undefined) await rm(this.#folder, { recursive: true });
    this.#folder = undefined;
  }

  get #path(): string {
    return join(this.#folder ?? '', 'spool');
  }
}
