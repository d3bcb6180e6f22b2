/** A thread of the gate: does one part after the other and posts what came of each. */
import { parentPort } from 'node:worker_threads';
import { playSeeds, type SeedRange, type SeedsResult } from './gate-batch.ts';
import { type Pair, type PairsResult, walkPairs } from './pairs/pairs.ts';
import { type PlanRange, type SweepResult, sweepPlans } from './sweep.ts';

export type Part = { seeds: SeedRange } | { plans: PlanRange } | { pairs: readonly Pair[] };
export type PartResult = SeedsResult | SweepResult | PairsResult;

function resultOf(part: Part): Promise<PartResult> {
  if ('seeds' in part) return playSeeds(part.seeds);
  return 'plans' in part ? sweepPlans(part.plans) : walkPairs(part.pairs);
}

parentPort?.on('message', async (part: Part) => {
  parentPort?.postMessage(await resultOf(part));
});
