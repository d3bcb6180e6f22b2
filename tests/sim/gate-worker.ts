/** A thread of the gate: does one part after the other and posts what came of each. */
import { parentPort } from 'node:worker_threads';
import { playSeeds } from './gate-batch.ts';
import type { Part, PartResult } from './gate-parts.ts';
import { walkPairs } from './pairs/pairs.ts';
import { sweepPlans } from './sweep.ts';

function resultOf(part: Part): Promise<PartResult> {
  if ('seeds' in part) return playSeeds(part.seeds);
  return 'plans' in part ? sweepPlans(part.plans) : walkPairs(part.pairs);
}

parentPort?.on('message', async (part: Part) => {
  parentPort?.postMessage(await resultOf(part));
});
