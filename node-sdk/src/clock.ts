/**
 * Time and chance, the seam that tests replace. Random numbers are for jitter only; ids come from `newId` (STACK).
 *
 * @module
 */

/** Where a client takes its time from, in milliseconds. Give your own as `clock` to test without waiting. */
export interface Clock {
  /** Wall clock, milliseconds since the epoch. */
  now(): number;
  /** Milliseconds since some moment; never goes back. */
  monotonic(): number;
  /** Waits before a retry, or until a stream is reconnected; rejects when the signal, which is of this wait alone, is aborted. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** A number in [0, 1) for jitter. */
  random(): number;
}

/** The machine's clock. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  random: () => Math.random(), // jitter, not a secret
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      const timer = setTimeout(resolve, ms);
      // a signal is of one sleep, so its listener need not be taken back
      signal?.addEventListener('abort', () => {
        clearTimeout(timer);
        reject(signal.reason as Error);
      });
    }),
};

/** Sleeps, but no longer than the client is open; when it is closed, or the signal aborted, no timer is left behind. */
export async function pause(clock: Clock, ms: number, closing: AbortSignal, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (closing.aborted) return;
  const ended = AbortSignal.any(signal === undefined ? [closing] : [closing, signal]);
  // listens first, so that the sleep's own rejection comes second and does not count
  const woken = new Promise<void>((resolve) => ended.addEventListener('abort', () => resolve()));
  await Promise.race([woken, clock.sleep(ms, ended)]);
  signal?.throwIfAborted();
}
