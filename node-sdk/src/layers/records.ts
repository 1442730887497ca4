/**
 * What is written of calls, attempts and retries, by allow-list: all else is REDACTED, bodies never appear (LOG).
 *
 * A record is a text and its fields, both as in Python. Loaded with the first record.
 *
 * @module
 */
import { LOGGING_HEADERS, LOGGING_MAX_WORD, LOGGING_QUERY } from '../_generated/policy-logging.ts';
import type { RetryRecord } from '../backoff.ts';
import { AdminAPIError, Response, Secret, WireError } from '../index.ts';
import type { Call, Layer, Request } from '../index.ts';
import type { Logger } from './logging.ts';

const REDACTED = 'REDACTED';

/** How each call ended, at info; of a stream, when it is at its end or left. */
export function calls(logger: Logger): Layer {
  return (send) => async (request) => {
    const { call } = request;
    const tell = (ended: unknown, ending?: string): void => {
      told(() => logger.info(...ofCall(call, ended, since(call.startedAt, request), ending)));
    };
    try {
      const outcome = await send(request);
      if (!(outcome instanceof Response)) return outcome;
      const { stream, onEnd } = outcome;
      if (stream === undefined) tell(outcome);
      else outcome.onEnd = (how) => (tell(outcome, how), onEnd?.(how));
      return outcome;
    } catch (error) {
      tell(error);
      throw error;
    }
  };
}

/** Each exchange on the wire, at debug. */
export function attempts(logger: Logger): Layer {
  return (send) => async (request) => {
    const began = request.call.clock.monotonic();
    const tell = (ended: unknown): void => told(() => logger.debug(...ofAttempt(request, ended, since(began, request))));
    try {
      const outcome = await send(request);
      tell(outcome);
      return outcome;
    } catch (error) {
      tell(error);
      throw error;
    }
  };
}

/** A retry that is about to be waited for, at info. */
export function retried(logger: Logger, { operation, attempt, delay, status, code, requestId }: RetryRecord): void {
  const ms = Math.round(delay);
  const fields = { operation, attempt, status, code, delay_ms: ms, request_id: ofServer(requestId) };
  told(() => logger.info(...record(`${operation} attempt ${attempt} failed (${code ?? status}), next in ${ms} ms`, fields)));
}

/** How to tell of what went wrong and stopped nobody. */
export function warning(warn: (message: string) => void): (message: string) => void {
  return (message) => told(() => warn(formatless(plain(message))));
}

/** Headers as they may be logged. */
export function shown(headers: Iterable<readonly [string, string | Secret]>): Record<string, string> {
  const allowed = (name: string, value: string | Secret): string =>
    !(value instanceof Secret) && LOGGING_HEADERS.has(name) ? plain(value) : REDACTED;
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

/** A text as one line of visible ASCII: whatever a server says, it forges no record and moves no cursor. */
export function plain(text: string): string {
  return text.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
}

type Line = [text: string, fields: Readonly<Record<string, unknown>>];

function ofCall(call: Call, ended: unknown, ms: number, ending?: string): Line {
  const { operation, method, attempts } = call;
  const failed = ended instanceof AdminAPIError ? ended : undefined;
  const known = ended instanceof Response ? ended : failed;
  const error = ended instanceof Response ? undefined : nameOf(ended, call);
  const fields = {
    operation, method, status: known?.status, ending, error, code: ofServer(failed?.code), attempts, duration_ms: ms,
    outcome: failed?.outcome, request_id: ofServer(known?.requestId),
  };
  const how = [operation, error ?? fields.status, error === undefined ? ending : fields.code].filter((word) => word !== undefined);
  const outcome = failed === undefined ? '' : `, outcome ${failed.outcome}`;
  const requestId = fields.request_id === undefined ? '' : `, request id ${fields.request_id}`;
  return record(`${how.join(' ')} after ${attempts} attempts in ${ms} ms${outcome}${requestId}`, fields);
}

function ofAttempt(request: Request, ended: unknown, ms: number): Line {
  const { call, method } = request;
  const url = shownUrl(request.url);
  const answer = ended instanceof Response ? ended : undefined;
  const code = answer !== undefined ? undefined : ended instanceof WireError ? ended.code : nameOf(ended, call);
  const fields = {
    operation: call.operation, attempt: call.attempts, method, url, status: answer?.status, code, duration_ms: ms,
    request_id: ofServer(answer?.requestId), request_headers: shown(Object.entries(request.headers)),
    response_headers: answer && shown(answer.headers),
  };
  return record(`${call.operation} attempt ${call.attempts}: ${method} ${url} ${answer?.status ?? code} in ${ms} ms`, fields);
}

function record(text: string, fields: Readonly<Record<string, unknown>>): Line {
  return [formatless(text), Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined))];
}

/** `console` and its like take the first argument for a format: upper-case percent-encoding (RFC 3986, 6.2.2.1) is none. */
function formatless(text: string): string {
  return text.replace(/%([0-9a-f]{2})?/gi, (_, hex: string | undefined) => `%${hex?.toUpperCase() ?? '25'}`);
}

function ofServer(word: string | undefined): string | undefined {
  return word === undefined ? undefined : plain(word.slice(0, LOGGING_MAX_WORD));
}

function nameOf(error: unknown, call: Call): string {
  if (call.signal?.aborted === true && error === call.signal.reason) return 'cancelled';
  return error instanceof Error ? error.name : typeof error;
}

function since(moment: number, { call }: Request): number {
  return Math.round(call.clock.monotonic() - moment);
}

/** A log fails no call: a logger that throws, or gives a promise that is rejected, is told of on the console. */
function told(log: () => unknown): void {
  const failed = (error: unknown): void => console.error('A record was not written:', error);
  try {
    const written = log();
    if (written instanceof Promise) written.catch(failed);
  } catch (error) {
    failed(error);
  }
}
