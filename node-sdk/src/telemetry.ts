/**
 * What a client tells of its calls to who measures them (LOG-2): a protocol that knows nothing of OpenTelemetry.
 *
 * `openTelemetry()` of `@admin-api/sdk/opentelemetry` is the implementation that comes with the SDK.
 *
 * @module
 */
import type { RetryRecord } from './backoff.ts';
import type { Outcome, Request, Response } from './exchange.ts';
import type { RefreshRecord } from './renewal.ts';

/** One call, from its first layer to the end of its answer; times are in milliseconds. */
export interface CallTelemetry {
  /** Does the work of the call: what happens within belongs to it. The answer may yet be streamed afterwards. */
  within<T>(work: () => T): T;
  /** Headers to add to an attempt; those that the request has already stay as they are. */
  headers(request: Request): Readonly<Record<string, string>>;
  /** An attempt has ended: in an outcome, or in what was thrown if it was cancelled. */
  attempted(request: Request, outcome: Outcome | { readonly thrown: unknown }, ms: number): void;
  /**
   * The call has ended. A streamed answer ends with its reading, and `ending` says how: `ended`, `left`, `interrupted`, or the
   * code of an error.
   */
  ended(outcome: Response | { readonly thrown: unknown }, ms: number, ending?: string): void;
}

/** Give an object of this kind as `telemetry`. What it throws fails no call: the first time is a warning. */
export interface Telemetry {
  /** A client makes its first call; `retryBudget` tells what its budget still holds (RETRY-7), undefined once it is gone. */
  opened(baseUrl: string, retryBudget: () => number | undefined): void;
  /** A call begins. */
  began(request: Request): CallTelemetry;
  /** A retry is about to be waited for; the call is undefined if nobody called, as when scopes are asked for. */
  retried(record: RetryRecord, call: CallTelemetry | undefined): void;
  /** A token request has ended, which the call, if any, was the first to need. */
  refreshed(record: RefreshRecord, call: CallTelemetry | undefined): void;
}

/** Who is told of a call, and of what is done for it. */
export interface Listener {
  /** The call itself, undefined if nobody called. */
  readonly call: CallTelemetry | undefined;
  retried(record: RetryRecord): void;
  refreshed(record: RefreshRecord): void;
}
