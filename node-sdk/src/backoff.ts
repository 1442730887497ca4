/**
 * Whether and when to try again (RETRY): pure functions of what came back, the policy, the time and a random number.
 * Durations are in milliseconds.
 *
 * @module
 */
import * as policy from './_generated/policy.ts';
import { Response, TokenFailure, WireError } from './exchange.ts';
import type { Outcome, Request } from './exchange.ts';
import { inFlight } from './outcome.ts';

const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
const DAY = '(?<day>[0-3]\\d)';
const MONTH = '(?<mon>\\w{3})';
const TIME = '(?<h>[01]\\d|2[0-3]):(?<m>[0-5]\\d):(?<s>[0-5]\\d|60)';

/** The forms of an HTTP-date (RFC 9110, section 5.6.7): IMF-fixdate, RFC 850, asctime. */
const DATES = [
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun), ${DAY} ${MONTH} (?<year>\\d{4}) ${TIME} GMT`,
  `(?:Mon|Tues|Wednes|Thurs|Fri|Satur|Sun)day, ${DAY}-${MONTH}-(?<year>\\d\\d) ${TIME} GMT`,
  `(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun) ${MONTH} (?<day>[ 0-3]\\d) ${TIME} (?<year>\\d{4})`,
];

/** Try again after `delay` milliseconds. */
export interface Retry {
  readonly retry: true;
  readonly delay: number;
}

/** Do not try again. */
export interface Stop {
  readonly retry: false;
  /** `final`, `not_allowed`, `attempts`, `retry_after_too_long`, `deadline`, `retry_budget_exhausted`. */
  readonly reason: string;
}

export type Decision = Retry | Stop;

const stop = (reason: string): Stop => ({ retry: false, reason });

/** A retry that is about to be waited for; logging and telemetry consume it. */
export interface RetryRecord {
  readonly operation: string;
  /** Number of the attempt that failed, from 1. */
  readonly attempt: number;
  /** Milliseconds until the next. */
  readonly delay: number;
  /** Status of the answer, undefined if there was none. */
  readonly status: number | undefined;
  /** Code of the wire error or token failure, undefined if there was an answer. */
  readonly code: string | undefined;
  /** The server's request id. */
  readonly requestId: string | undefined;
}

/** Retries that a client may spend in a row, shared by its copies (RETRY-7). */
export class Budget {
  /** What may still be spent. */
  left: number = policy.BUDGET_SIZE;

  /** Takes the cost of a retry; false, and nothing taken, if too little is left. */
  spend(cost: number): boolean {
    if (this.left < cost) return false;
    this.left -= cost;
    return true;
  }

  /** Gives back after a success. */
  refund(amount: number): void {
    this.left = Math.min(policy.BUDGET_SIZE, this.left + amount);
  }
}

/**
 * Milliseconds since the epoch of an HTTP-date in any of its three forms, undefined if it is none.
 *
 * The day's name is not compared. A year of two digits is the latest that makes a date of at most 50 years ahead.
 */
export function httpDate(text: string, now: number): number | undefined {
  for (const form of DATES) {
    const found = new RegExp(`^${form}$`).exec(text)?.groups;
    if (found === undefined) continue;
    const number = (name: string): number => Number(found[name]); // asctime's space before a day is let pass
    const month = MONTHS.indexOf(found['mon'] ?? '');
    const day = new Date(0);
    day.setUTCHours(number('h'), number('m'));
    // Date.UTC would take years below 100 for others
    const moment = (year: number): number => day.setUTCFullYear(year, month, number('day')) + number('s') * 1000;
    let year = number('year');
    if (found['year']?.length === 2) {
      year += Math.floor((new Date(now).getUTCFullYear() + 50 - year) / 100) * 100;
      if (moment(year - 50) > now) year -= 100;
    }
    const at = moment(year);
    return month >= 0 && year > 0 && day.getUTCDate() === number('day') ? at : undefined; // a day too many is another day
  }
  return undefined;
}

/**
 * Milliseconds that the answer asks to wait, undefined if it asks for nothing that can be understood (RETRY-5).
 *
 * A date is measured from the answer's own Date, if that is valid, so that the two clocks need not agree.
 */
export function retryAfter(response: Response, now: number): number | undefined {
  // What a fetch reads from the wire keeps the blanks behind a value, which RFC 9110, section 5.5, takes off.
  const told = (name: string): string => (response.headers.get(name) ?? '').replace(/[ \t]+$/, '');
  const text = told('retry-after');
  if (/^[0-9]+$/.test(text)) return text.length <= 9 ? Number(text) * 1000 : Infinity;
  const asked = httpDate(text, now);
  if (asked === undefined) return undefined;
  return Math.max(0, asked - (httpDate(told('date'), now) ?? now));
}

/** Milliseconds before a retry, `retry` counted from 0, with full jitter from `random` in [0, 1] (RETRY-4). */
export function backoff(retry: number, random: number): number {
  return random * Math.min(policy.RETRY_CAP, policy.RETRY_BASE * 2 ** Math.min(retry, 62));
}

/** Whether the failure may pass (RETRY-1). */
export function transient(outcome: Outcome, method: string): boolean {
  if (outcome instanceof TokenFailure) return !outcome.final;
  if (!(outcome instanceof Response)) return outcome.effect !== 'final' && outcome.code !== 'client_closed'; // it stays closed
  return (
    policy.RETRY_STATUSES.has(outcome.status) ||
    (policy.RETRY_SAFE_STATUSES.has(outcome.status) && policy.RETRY_SAFE_METHODS.has(method)) ||
    inFlight(outcome)
  );
}

/** Whether a repeat can neither lose nor double a write (RETRY-2, RETRY-8). */
export function allowed(request: Request, outcome: Outcome, actedBefore: boolean): boolean {
  if (policy.RETRY_SAFE_METHODS.has(request.method) || request.call.keyed) return true;
  let maybeActed = actedBefore;
  if (outcome instanceof Response) maybeActed ||= outcome.status !== 429;
  else if (!(outcome instanceof TokenFailure)) maybeActed ||= outcome.effect === 'maybe_acted';
  return !maybeActed || (policy.RETRY_IDEMPOTENT_METHODS.has(request.method) && !request.conditional);
}

/** What a retry costs of the budget (RETRY-7). */
export function costOf(outcome: Outcome): number {
  const throttled = outcome instanceof Response && policy.RETRY_THROTTLING_STATUSES.has(outcome.status);
  return throttled ? policy.BUDGET_THROTTLING_COST : policy.BUDGET_COST;
}

/**
 * Whether to try again, and after how long.
 *
 * @param request - What was sent; its call knows attempts, limits and deadline.
 * @param outcome - What came of the last attempt.
 * @param actedBefore - Whether an earlier attempt of the call may have acted.
 * @param now - Wall clock, milliseconds since the epoch.
 * @param random - A number in [0, 1], for jitter.
 */
export function decide(
  request: Request,
  outcome: Outcome,
  { actedBefore, now, random }: { actedBefore: boolean; now: number; random: number },
): Decision {
  const { call } = request;
  if (!transient(outcome, request.method)) return stop('final');
  if (call.retries === false || !allowed(request, outcome, actedBefore)) return stop('not_allowed');
  if (call.attempts > call.limits.maxRetries) return stop('attempts');
  const answer = outcome instanceof TokenFailure ? outcome.answer : outcome;
  const asked = answer instanceof Response ? retryAfter(answer, now) : undefined;
  if (asked !== undefined && asked > call.limits.maxRetryAfter) return stop('retry_after_too_long');
  const delay = Math.max(backoff(call.attempts - 1, random), asked ?? 0);
  const left = call.left();
  // it ran out, whatever the clock makes of what is left by a hair
  const late = answer instanceof WireError && answer.code === 'deadline_exceeded';
  return left !== undefined && (late || delay >= left) ? stop('deadline') : { retry: true, delay };
}
