/**
 * What is written of calls and attempts, by allow-list: all else is REDACTED, bodies never appear (LOG).
 *
 * Loaded with the first record.
 *
 * @module
 */
import { LOGGING_HEADERS, LOGGING_QUERY } from '../_generated/policy-logging.ts';
import { AdminAPIError, Response, Secret } from '../index.ts';
import type { Layer, Request } from '../index.ts';
import type { Logger } from './logging.ts';
import type { RetryRecord } from './retry.ts';

const REDACTED = 'REDACTED';

/** How each call ended, at info. */
export function calls(logger: Logger): Layer {
  return (send) => async (request) => {
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
}

/** Each exchange on the wire, at debug. */
export function attempts(logger: Logger): Layer {
  return (send) => async (request) => {
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
}

/** A retry that is about to be waited for, at info. */
export function retried(logger: Logger, { operation, attempt, status, code, delay }: RetryRecord): void {
  logger.info(`${operation} attempt ${attempt} failed (${code ?? status}), next in ${Math.round(delay)} ms`);
}

/** Headers as they may be logged. */
export function shown(headers: Iterable<readonly [string, string | Secret]>): Record<string, string> {
  const allowed = (name: string, value: string | Secret): string =>
    !(value instanceof Secret) && LOGGING_HEADERS.has(name) ? value : REDACTED;
  return Object.fromEntries([...headers].map(([name, value]) => [name, allowed(name, value)]));
}

/**
 * A URL as it may be logged: values of the query only where they are known to be harmless.
 *
 * All of it stays encoded as it is sent, so that nothing in it can forge a line of the log.
 */
export function shownUrl(url: string): string {
  const { origin, pathname, search } = new URL(url);
  const shownPair = (pair: string): string => {
    const [name = ''] = pair.split('=', 1);
    return `${name}=${LOGGING_QUERY.has(name) ? pair.slice(name.length + 1) : REDACTED}`;
  };
  const query = search.slice(1).split('&').filter(Boolean).map(shownPair);
  return `${origin}${pathname}${query.length > 0 ? '?' : ''}${query.join('&')}`;
}

function elapsed(request: Request): number {
  return Math.round(request.call.clock.monotonic() - request.call.startedAt);
}
