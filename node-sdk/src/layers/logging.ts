/**
 * One record per call, per attempt and per retry (LOG); what they say is in `records`.
 *
 * @module
 */
import type { Layer, Send } from '../exchange.ts';
import type { RetryRecord } from './retry.ts';

/** Where records go: `console` fits. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

export type LogLevel = 'debug' | 'info' | 'off';

/** The outermost layer: how each call ended, at info. */
export function callLog(logger: Logger, level: LogLevel): Layer {
  return level === 'off' ? none : late(async () => (await import('./records.ts')).calls(logger));
}

/** The innermost layer: each exchange on the wire, at debug. */
export function attemptLog(logger: Logger, level: LogLevel): Layer {
  return level === 'debug' ? late(async () => (await import('./records.ts')).attempts(logger)) : none;
}

/** Consumes retry's records, at info. */
export function retryLog(logger: Logger, level: LogLevel): (record: RetryRecord) => void {
  return (record) => {
    if (level !== 'off') import('./records.ts').then(({ retried }) => retried(logger, record), ignored);
  };
}

const none: Layer = (send) => send;

/** Records that cannot be loaded are not written; a log fails no call. */
const ignored = (): void => undefined;

/** A layer that is loaded with the first request; if it cannot be, the request goes on without it: a log fails no call. */
function late(load: () => Promise<Layer>): Layer {
  return (send) => {
    let loading: Promise<Send> | undefined;
    return async (request) => {
      loading ??= load().then((layer) => layer(send), () => send);
      return (await loading)(request);
    };
  };
}
