/** The time of day for "3 min ago", in milliseconds since 1970; moves on every 15 seconds. */
class Clock {
  now = $state(Date.now());

  start(): void {
    setInterval(() => (this.now = Date.now()), 15_000);
  }
}

export const clock = new Clock();
