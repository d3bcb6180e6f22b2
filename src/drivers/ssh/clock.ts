// The time that this driver lives by: a monotonic reading in milliseconds and one-shot timers.
// Everything here that waits takes it as a value, so a test moves time by itself.

export interface SshClock {
  now(): number;
  after(ms: number, run: () => void): () => void; // returns what cancels it
}

export const systemClock: SshClock = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};
