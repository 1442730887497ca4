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
  /** Waits before a retry, or until a stream is reconnected; rejects with the signal's reason when it is aborted. */
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
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const aborted = (): void => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener('abort', aborted);
        resolve();
      }, ms);
      signal?.addEventListener('abort', aborted, { once: true });
    }),
};

/** Sleeps, but no longer than the client is open; when it is closed, or the signal aborted, no timer is left behind. */
export async function pause(clock: Clock, ms: number, closing: AbortSignal, signal: AbortSignal | undefined): Promise<void> {
  signal?.throwIfAborted();
  if (closing.aborted) return;
  const sleeping = new AbortController();
  let wake = (): void => undefined;
  const woken = new Promise<void>((resolve) => {
    wake = (): void => {
      resolve(); // first, so that the sleep's own rejection comes second and does not count
      sleeping.abort();
    };
  });
  closing.addEventListener('abort', wake, { once: true });
  signal?.addEventListener('abort', wake, { once: true });
  try {
    await Promise.race([clock.sleep(ms, sleeping.signal), woken]);
  } finally {
    closing.removeEventListener('abort', wake);
    signal?.removeEventListener('abort', wake);
  }
  signal?.throwIfAborted();
}
