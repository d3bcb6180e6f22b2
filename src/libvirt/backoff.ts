// How long to wait before the next attempt to connect: doubling, capped, with jitter.
//   attempt   0    1    2    3    4 …   7 and later
//   at most  100  200  400  800 1600    10000 ms, at least half of it

export interface BackoffOptions {
  readonly firstMs: number;
  readonly maxMs: number;
}

export const defaultBackoff: BackoffOptions = { firstMs: 100, maxMs: 10_000 };

/** `random` gives a number from 0 up to 1. */
export function backoffMs(
  attempt: number,
  { firstMs, maxMs }: BackoffOptions,
  random: () => number,
): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempt, 30));
  return full / 2 + (full / 2) * random();
}
