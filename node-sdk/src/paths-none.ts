/**
 * Where there is no file system: paths are refused, bytes stay in memory.
 *
 * @module
 */
import { ConfigurationError } from './errors.ts';
import { MemoryStore } from './spool.ts';
import type { Store } from './spool.ts';

function refuse(): never {
  throw new ConfigurationError('There are no paths here; give bytes, a Blob or a stream.', { code: 'no_file_system' });
}

/** Refuses: there are no files to read. */
export function openPath(_path: string): AsyncIterable<Uint8Array> {
  return refuse();
}

/** Refuses: there are no files to write. */
export function deliver(_path: string, _chunks: AsyncIterable<Uint8Array>): Promise<void> {
  return refuse();
}

/** Browsers send no stream over HTTP/1.1, and most none at all. */
export const sendsStreams = false;

/** Keeps bytes in memory. */
export function openStore(): Store {
  return new MemoryStore();
}
