/** Time as a parameter. Only this file, the drivers and `main` may touch the real one. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number;
  /** Calls back once after so many milliseconds; returns the cancellation. */
  after(milliseconds: number, callback: () => void): () => void;
}

/**
 * It is the time of day when the process begins, and goes on from there whatever is done to the
 * machine's clock: a jump must not end a drain or a back-off early, nor hold one up.
 */
export const systemClock: Clock = {
  now: () => Math.floor(performance.timeOrigin + performance.now()),
  after: (milliseconds, callback) => {
    const timer = setTimeout(callback, milliseconds);
    return () => clearTimeout(timer);
  },
};
