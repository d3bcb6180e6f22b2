/** A thread of the gate: does one part after the other and posts what came of each. */
import { parentPort } from 'node:worker_threads';
import { playSeeds, type SeedRange } from './gate-batch.ts';
import { type PlanRange, sweepPlans } from './sweep.ts';

export type Part = { seeds: SeedRange } | { plans: PlanRange };

parentPort?.on('message', async (part: Part) => {
  const result = 'seeds' in part ? await playSeeds(part.seeds) : await sweepPlans(part.plans);
  parentPort?.postMessage(result);
});
