/** A clock that does not wait, so that a test of retries takes no time; `sleeps` are the waits in milliseconds. */
export class NoWait {
  time = 0;
  sleeps = [];
  now = () => this.time;
  monotonic = () => this.time;
  random = () => 1;
  sleep = async (ms) => {
    this.sleeps.push(ms);
    this.time += ms;
  };
}
