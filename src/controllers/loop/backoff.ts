/**
 * How long to wait before trying again: 1 s, 2 s, 4 s … at most 10 min, each up to a quarter less
 * by chance, so that many failures do not come back together. Forgotten on success.
 */
const firstMs = 1_000;
const maxMs = 600_000;

/** `random` is in [0, 1). */
export function backoffMs(attempts: number, random: number): number {
  const full = Math.min(maxMs, firstMs * 2 ** Math.min(attempts - 1, 30));
  return Math.round(full * (1 - random / 4));
}
