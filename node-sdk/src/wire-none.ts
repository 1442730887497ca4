/**
 * What goes wrong on the wire where fetch does not say what: all of it may have acted (RETRY-10).
 *
 * @module
 */
import { WireError } from './exchange.ts';

/** Names nothing but the kind of the error. */
export function wireError(error: unknown, status?: number, requestId?: string): WireError {
  const kind = error instanceof Error ? error.name : 'unknown';
  return new WireError('connection_lost', 'maybe_acted', `The connection failed: ${kind}.`, status, requestId);
}
