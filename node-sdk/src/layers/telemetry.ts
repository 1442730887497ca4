/**
 * Tells a telemetry of calls, attempts, retries and refreshes (LOG-2). Loaded only with the option `telemetry`.
 *
 * It makes no record: retry and grants do.
 *
 * @module
 */
import type { Budget } from '../backoff.ts';
import { Request, Response } from '../index.ts';
import type { Layer, Outcome } from '../index.ts';
import { checkOptions } from '../options.ts';
import type { CallTelemetry, Listener, Telemetry } from '../telemetry.ts';

/** What a hook gives, undefined if it throws. */
type Tell = <T>(hook: () => T) => T | undefined;

/** A layer of one client; the budget stands for the client, and is held weakly. */
type Slot = (telemetry: Telemetry, baseUrl: string, budget: Budget, warn: (message: string) => void) => Layer;

const told = new WeakMap<Budget, Tell>();

/** How this client tells; the first to ask says that the client is there. */
const opened = (telemetry: Telemetry, baseUrl: string, budget: Budget, warn: (message: string) => void): Tell => {
  const known = told.get(budget);
  if (known !== undefined) return known;
  const tell = guard(warn);
  const held = new WeakRef(budget);
  told.set(budget, tell);
  tell(() => telemetry.opened(baseUrl, () => held.deref()?.left));
  return tell;
};

const listener = (tell: Tell, telemetry: Telemetry, call: CallTelemetry | undefined): Listener => ({
  call,
  retried: (record) => tell(() => telemetry.retried(record, call)),
  refreshed: (record) => tell(() => telemetry.refreshed(record, call)),
});

/** The first of the slots per call: all of the call lies within. */
export const perCall: Slot = (telemetry, ...client) => {
  const tell = opened(telemetry, ...client);
  return (send) => async (request) => {
    const { call } = request;
    const telling = tell(() => telemetry.began(request));
    call.telemetry = listener(tell, telemetry, telling);
    if (telling === undefined) return send(request);
    const ended = (outcome: Response | { thrown: unknown }, ending?: string): void => {
      const ms = call.clock.monotonic() - call.startedAt;
      tell(() => telling.ended(outcome, ms, ending));
    };
    const calling = async (): Promise<Outcome> => send(request); // what a layer throws at once is no failure of the telemetry
    let work: Promise<Outcome> | undefined;
    tell(() => telling.within(() => (work = calling())));
    try {
      const outcome = await (work ?? calling());
      if (!(outcome instanceof Response)) return outcome;
      if (outcome.stream === undefined) ended(outcome);
      else outcome.onEnd = (how) => ended(outcome, how);
      return outcome;
    } catch (thrown) {
      ended({ thrown });
      throw thrown;
    }
  };
};

/** The last of the slots per attempt: next to the wire, with all headers in place. */
export const perAttempt: Slot = (...client) => {
  const tell = opened(...client);
  return (send) => async (request) => {
    const { call } = request;
    const telling = call.telemetry?.call;
    if (telling === undefined) return send(request);
    const sent = tell(() => carrying(request, telling)) ?? request;
    const began = call.clock.monotonic();
    const attempted = (outcome: Outcome | { thrown: unknown }): void => {
      const ms = call.clock.monotonic() - began;
      tell(() => telling.attempted(sent, outcome, ms));
    };
    try {
      const outcome = await send(sent);
      attempted(outcome);
      return outcome;
    } catch (thrown) {
      attempted({ thrown });
      throw thrown;
    }
  };
};

/** Where a token is asked for, and nobody calls: retries and refreshes count all the same. */
export const asking: Slot = (telemetry, ...client) => {
  const tell = opened(telemetry, ...client);
  return (send) => (request) => {
    request.call.telemetry = listener(tell, telemetry, undefined);
    return send(request);
  };
};

/** Keeps what a telemetry throws away from calls: it is told once, by its kind, and then passed over. */
function guard(warn: (message: string) => void): Tell {
  let warned = false;
  return (hook) => {
    try {
      return hook();
    } catch (error) {
      if (!warned) {
        warned = true;
        warn(`The telemetry threw ${error instanceof Error ? error.name : typeof error}; calls go on without it. This is told once.`);
      }
      return undefined;
    }
  };
}

/** The request with the headers of the telemetry that it does not have yet. */
function carrying(request: Request, telling: CallTelemetry): Request {
  const headers = { ...telling.headers(request) };
  checkOptions({ headers });
  const added = Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]);
  return new Request(request.call, request.method, request.url, { ...Object.fromEntries(added), ...request.headers }, request.content);
}
