/**
 * Counts how often interesting states were met, over many runs: a net that never meets them proves
 * nothing of them. States are judged from the world's and the status' view alone.
 */
import type { Done } from './checker.ts';
import type { Memory } from './memory.ts';
import type { Effect, Truth } from './truth.ts';

export type Counts = Record<string, number>;

export class Reached {
  readonly counts: Counts = {};

  /** Also for states that only a world knows of, such as a fault of its own. */
  met(state: string): void {
    this.counts[state] = (this.counts[state] ?? 0) + 1;
  }

  processStarted(): void {}

  processDied(_at?: { effect: string; when: 'before' | 'after' }): void {}

  saw(_truth: Truth, _memory: Memory): void {}

  asked(_effect: Effect, _truth: Truth, _memory: Memory): void {}

  done(_done: Done): void {}

  ended(_effect: Effect, _error: unknown): void {}
}

/** The sum over several runs. */
export function merged(...all: Counts[]): Counts {
  const sum: Counts = {};
  for (const counts of all) {
    for (const [state, count] of Object.entries(counts)) sum[state] = (sum[state] ?? 0) + count;
  }
  return sum;
}

/** States that so many runs should have met more often: at least so many times in 1,000 runs. */
export function tooRare(counts: Counts, runs: number, atLeast: Counts): string[] {
  return Object.entries(atLeast)
    .map(([state, per1000]) => ({ state, due: Math.floor((per1000 * runs) / 1000) }))
    .filter(({ state, due }) => (counts[state] ?? 0) < due)
    .map(({ state, due }) => `${state}: ${counts[state] ?? 0} times, expected ${due}`);
}

/** In 1,000 runs of the swarm. */
export const atLeast: Counts = {};
