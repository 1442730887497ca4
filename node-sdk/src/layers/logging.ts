/**
 * One record per call and one per attempt, by allow-list: all else is REDACTED, bodies never appear (LOG).
 *
 * @module
 */
import { LOGGING_HEADERS, LOGGING_QUERY } from '../_generated/policy.ts';
import { AdminAPIError } from '../errors.ts';
import { Response, Secret } from '../exchange.ts';
import type { Layer, Request } from '../exchange.ts';
import type { RetryRecord } from './retry.ts';

/** Where records go: `console` fits. */
export interface Logger {
  debug(message: string): void;
  info(message: string): void;
  warn(message: string): void;
}

export type LogLevel = 'debug' | 'info' | 'off';

const REDACTED = 'REDACTED';

/** The outermost layer: how each call ended, at info. */
export function callLog(logger: Logger, level: LogLevel): Layer {
  return (send) => {
    if (level === 'off') return send;
    return async (request) => {
      const { call } = request;
      const tell = (how: string): void => {
        logger.info(`${call.operation} ${how} after ${call.attempts} attempts in ${elapsed(request)} ms`);
      };
      try {
        const outcome = await send(request);
        if (outcome instanceof Response) tell(`${outcome.status} (request id ${outcome.requestId})`);
        return outcome;
      } catch (error) {
        if (error instanceof AdminAPIError) {
          tell(`${error.name} ${error.code}, outcome ${error.outcome} (request id ${error.requestId})`);
        }
        throw error;
      }
    };
  };
}

/** The innermost layer: each exchange on the wire, at debug. */
export function attemptLog(logger: Logger, level: LogLevel): Layer {
  return (send) => {
    if (level !== 'debug') return send;
    return async (request) => {
      const name = `${request.call.operation} attempt ${request.call.attempts}`;
      const sent = JSON.stringify(shown(Object.entries(request.headers)));
      logger.debug(`${name}: ${request.method} ${shownUrl(request.url)} headers ${sent}`);
      const outcome = await send(request);
      logger.debug(
        outcome instanceof Response
          ? `${name}: ${outcome.status} headers ${JSON.stringify(shown(outcome.headers))}`
          : `${name}: ${outcome.code}`,
      );
      return outcome;
    };
  };
}

/** Consumes retry's records, at info. */
export function retryLog(logger: Logger, level: LogLevel): (record: RetryRecord) => void {
  return ({ operation, attempt, status, code, delay }) => {
    if (level !== 'off') logger.info(`${operation} attempt ${attempt} failed (${code ?? status}), next in ${Math.round(delay)} ms`);
  };
}

/** Headers as they may be logged. */
function shown(headers: Iterable<readonly [string, string | Secret]>): Record<string, string> {
  const allowed = (name: string, value: string | Secret): string =>
    typeof value === 'string' && LOGGING_HEADERS.has(name) ? value : REDACTED;
  return Object.fromEntries([...headers].map(([name, value]) => [name, allowed(name, value)]));
}

/** A URL as it may be logged: values of the query only where they are known to be harmless. */
function shownUrl(url: string): string {
  const parts = new URL(url);
  const query = [...parts.searchParams].map(([name, value]) => `${name}=${LOGGING_QUERY.has(name) ? value : REDACTED}`);
  return `${parts.origin}${parts.pathname}${query.length > 0 ? '?' : ''}${query.join('&')}`;
}

function elapsed(request: Request): number {
  return Math.round(request.call.clock.monotonic() - request.call.startedAt);
}
