/**
 * Tries again what may succeed and cannot do harm (RETRY); what to do is decided in `backoff`, here it is done.
 *
 * @module
 */
import { BUDGET_REFUND } from '../_generated/policy.ts';
import { costOf, decide } from '../backoff.ts';
import type { Budget, RetryRecord } from '../backoff.ts';
import { pause } from '../clock.ts';
import { Response } from '../exchange.ts';
import type { Layer, Outcome } from '../exchange.ts';
import { note } from '../outcome.ts';

/** The layer. `closing` ends its waits: the attempt that follows finds the client closed. */
export function retry(budget: Budget, onRetry: (record: RetryRecord) => void, closing: AbortSignal): Layer {
  return (send) => async (request) => {
    const { call } = request;
    for (;;) {
      call.attempts += 1;
      const outcome = await send(request);
      if (outcome instanceof Response && outcome.status < 300) {
        budget.refund(call.spent || BUDGET_REFUND);
        return outcome;
      }
      const actedBefore = call.maybeActed;
      note(call, outcome);
      const decision = decide(request, outcome, { actedBefore, now: call.clock.now(), random: call.clock.random() });
      if (!decision.retry) {
        call.stop = decision.reason;
        return outcome;
      }
      call.spent = costOf(outcome);
      if (!budget.spend(call.spent)) {
        call.stop = 'retry_budget_exhausted';
        return outcome;
      }
      const retrying = record(call.operation, call.attempts, decision.delay, outcome);
      onRetry(retrying);
      call.telemetry?.retried(retrying);
      await pause(call.clock, decision.delay, closing, call.signal);
    }
  };
}

function record(operation: string, attempt: number, delay: number, outcome: Outcome): RetryRecord {
  const answer = outcome instanceof Response ? outcome : undefined;
  const code = outcome instanceof Response ? undefined : outcome.code;
  return Object.freeze({ operation, attempt, delay, status: answer?.status, code, requestId: answer?.requestId });
}
