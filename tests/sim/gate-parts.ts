/** What a thread of the gate is given to do at once, and how to have a run of it again. */
import { again } from './again.ts';
import type { SeedRange, SeedsResult } from './gate-batch.ts';
import { nameOf, type Pair, type PairsResult } from './pairs/pairs.ts';
import type { PlanRange, SweepResult } from './sweep.ts';

export type Part = { seeds: SeedRange } | { plans: PlanRange } | { pairs: readonly Pair[] };
export type PartResult = SeedsResult | SweepResult | PairsResult;

/** The same runs, each of them a part of its own; one of many plans with gaps stays as it is. */
export function singles(part: Part): Part[] {
  if ('pairs' in part) return part.pairs.map((pair) => ({ pairs: [pair] }));
  if ('seeds' in part) return numbers(part.seeds).map((seeds) => ({ seeds }));
  const { step = 1 } = part.plans;
  if (step > 1) return [part];
  return numbers(part.plans).map((range) => ({ plans: { ...part.plans, ...range } }));
}

function numbers({ from, to }: SeedRange): SeedRange[] {
  return Array.from({ length: to - from }, (_, at) => ({ from: from + at, to: from + at + 1 }));
}

/** The first run of it by its name, with the line that has it again. */
export function nameOfFirst(part: Part): string {
  if ('seeds' in part) return `seed ${part.seeds.from} (${again.seed(part.seeds.from)})`;
  if ('plans' in part) {
    const { kind, from, workload } = part.plans;
    return `${workload} (${again.plan(kind, from, workload)})`;
  }
  const name = part.pairs[0] ? nameOf(part.pairs[0]) : 'no pair';
  return `${name} (${again.pair(name)})`;
}
