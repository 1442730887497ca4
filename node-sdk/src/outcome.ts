/**
 * What the caller of a failed call may believe of its effect, over all attempts (ERR). Pure.
 *
 * @module
 */
import type { CallOutcome } from './errors.ts';
import { Response, TokenFailure } from './exchange.ts';
import type { Call, Outcome } from './exchange.ts';

export type AttemptEffect = 'not_sent' | 'maybe_acted' | 'committed' | 'settled' | 'refused';

/** Answers that, to the same key, prove that no earlier attempt acted: it would have been replayed instead. */
const SETTLING: ReadonlySet<number> = /* @__PURE__ */ new Set([404, 409, 410, 412, 422]);

/** Code of a 409 that tells of an earlier attempt: it was committed, only the secret of its answer is gone (SERVER-4). */
export const KEPT_NO_LONGER = 'secret_no_longer_available';

/** Whether a 409 says that the same call is still being worked on (RETRY-1). */
export function inFlight(response: Response): boolean {
  return response.status === 409 && response.call.keyed && response.headers.has('retry-after');
}

/** What one attempt says of itself. */
export function effectOf(outcome: Outcome): AttemptEffect {
  if (outcome instanceof TokenFailure) return 'not_sent';
  const { status } = outcome;
  if (status !== undefined && status >= 200 && status < 300) return 'committed';
  if (!(outcome instanceof Response)) return outcome.effect === 'maybe_acted' ? 'maybe_acted' : 'not_sent';
  if (outcome.status === 408 || outcome.status >= 500 || inFlight(outcome)) return 'maybe_acted';
  return SETTLING.has(outcome.status) ? 'settled' : 'refused';
}

/** Enters an attempt into the call's record; a later one does not take back what it may have done. */
export function note(call: Call, outcome: Outcome): AttemptEffect {
  const effect = effectOf(outcome);
  call.reached ||= effect !== 'not_sent';
  call.maybeActed ||= effect === 'maybe_acted';
  call.committed ||= effect === 'committed';
  return effect;
}

/** The outcome of the call, given the effect of its last attempt; all attempts must have been noted. */
export function outcomeOf(call: Call, last: AttemptEffect): CallOutcome {
  if (call.committed) return 'committed';
  if (!call.reached) return 'not_sent';
  return call.maybeActed && !(last === 'settled' && call.keyed) ? 'unknown' : 'refused';
}
