/**
 * How long to wait before trying again: 1 s, 2 s, 4 s … at most 10 min, each up to a quarter less
 * by chance, so that many failures do not come back together. Forgotten on success.
 */
const firstMs = 1_000;
const maxMs = 600_000;

/** The end of such a wait. */
export interface Retry {
  /** In ms since the epoch. */
  retryAt: number;
  /** As it is on record, where that is of a clock that was set back since. */
  recorded?: string;
}

/** As an earlier process recorded it, but no further ahead than any wait is long. */
export function recordedRetry(recorded: string, now: number): Retry {
  const retryAt = Date.parse(recorded);
  const latest = now + maxMs;
  return retryAt > latest ? { retryAt: latest, recorded } : { retryAt };
}

/** What is on record stays as it is until the next try. */
export function retryText({ retryAt, recorded }: Retry): string {
  return recorded ?? new Date(retryAt).toISOString();
}

/** `random` is in [0, 1). */
export function backoffMs(attempts: number, random: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempts - 1, 30));
  return Math.round(full * (1 - random / 4));
}
