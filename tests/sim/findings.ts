/** What seeds of the swarm have found: mended and kept, or still open. */
import { readFileSync } from 'node:fs';
import type { SeedRange } from './gate-batch.ts';

function read<Finding>(file: string): Finding[] {
  return JSON.parse(readFileSync(new URL(file, import.meta.url), 'utf8'));
}

/**
 * Mended, each with the test or the mutant that fails when the mistake is made again. Its seed is a
 * run of the mixture that found it once: with each new choice in the world it is another one, which
 * must be well, too, and proves nothing of what it found.
 */
export interface Regression {
  seed: number;
  was: string;
  guard?: { file: string; title: string };
}

export const regressions = read<Regression>('./regressions.json');

/** Found and not mended yet. */
export const openFindings = read<{ seed: number; is: string }>('./open-findings.json');

/** The same of plans of a sweep, by how their failure begins. */
export const openPlans = read<{ plan: string; is: string }>('./open-plans.json');

/** The seeds without the open ones, in as few ranges as can be. */
export function withoutOpen({ from, to }: SeedRange): SeedRange[] {
  const cuts = openFindings.map(({ seed }) => seed).filter((seed) => seed >= from && seed < to);
  const ends = [...cuts.sort((a, b) => a - b), to];
  return ends
    .map((end, index) => ({ from: index === 0 ? from : (ends[index - 1] ?? 0) + 1, to: end }))
    .filter((range) => range.from < range.to);
}
