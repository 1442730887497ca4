/** A clock that stands still and notes what it was asked to sleep. */
export class SteppingClock {
  elapsed = 0;
  /** By how much the clock on the wall was set, as somebody does, or NTP. */
  wallSet = 0;
  sleeps = [];
  chance = 1;
  /** Called after each sleep. */
  onSleep = () => undefined;

  now() {
    return 1_700_000_000_000 + this.wallSet + this.elapsed;
  }

  monotonic() {
    return 1_000_000 + this.elapsed;
  }

  random() {
    return this.chance;
  }

  advance(ms) {
    this.elapsed += ms;
  }

  async sleep(ms, signal) {
    signal?.throwIfAborted();
    this.sleeps.push(ms);
    this.elapsed += ms;
    this.onSleep();
  }
}
