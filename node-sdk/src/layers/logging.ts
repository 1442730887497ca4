/**
 * One record per call, per attempt and per retry (LOG); what they say is in `records`.
 *
 * @module
 */
import type { RetryRecord } from '../backoff.ts';
import type { Layer, Send } from '../exchange.ts';

/**
 * Where records go: a text, and its fields for those who index them. `console` fits, and loggers that take
 * `(message, fields)`, as winston does; for one that wants its fields first, as pino does:
 * `{ info: (message, fields) => log.info(fields, message), … }`.
 */
export interface Logger {
  debug(message: string, fields?: Readonly<Record<string, unknown>>): void;
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string): void;
}

export type LogLevel = 'debug' | 'info' | 'off';

/** The outermost layer: how each call ended, at info. */
export function callLog(logger: Logger, level: LogLevel): Layer {
  return late(level !== 'off', async () => (await import('./records.ts')).calls(logger));
}

/** The innermost layer: each exchange on the wire, at debug. */
export function attemptLog(logger: Logger, level: LogLevel): Layer {
  return late(level === 'debug', async () => (await import('./records.ts')).attempts(logger));
}

/** Consumes retry's records, at info. */
export function retryLog(logger: Logger, level: LogLevel): (record: RetryRecord) => void {
  return (record) => {
    if (level !== 'off') import('./records.ts').then(({ retried }) => retried(logger, record), ignored);
  };
}

/** Records that cannot be loaded are not written; a log fails no call. */
const ignored = (): void => undefined;

/**
 * A layer that is loaded with the first request, if it is wanted at all; if it cannot be, the request goes on without it: who
 * only looks on fails no call.
 */
export function late(wanted: unknown, load: () => Promise<Layer>): Layer {
  return (send) => {
    if (!wanted) return send;
    let loading: Promise<Send> | undefined;
    return async (request) => {
      loading ??= load().then((layer) => layer(send), () => send);
      return (await loading)(request);
    };
  };
}
