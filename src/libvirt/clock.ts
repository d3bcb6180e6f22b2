// Time as this client sees it: a monotonic reading and one-shot timers.
// Everything that waits takes a Clock, so tests move time by hand.

export interface Clock {
  /** Milliseconds from an arbitrary start, never going back. */
  now(): number;
  /** Runs once after the delay unless cancelled; the result cancels. */
  schedule(delayMs: number, run: () => void): () => void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule: (delayMs, run) => {
    const timer = setTimeout(run, delayMs);
    return () => clearTimeout(timer);
  },
};
