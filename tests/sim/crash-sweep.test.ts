/**
 * A death at any effect of a controller changes nothing in the end; `sweep.ts` says how. Here at
 * every seventh place, each before or after its effect; `npm run sim` has them all.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { PlanRange, SweepResult } from './sweep.ts';
import { inThreads } from './threads.ts';
import { workloads } from './workloads.ts';

// Before and after take turns, so that a seventh of the places has as many of each.
const seventh = 7;
const all = { from: 0, to: Number.POSITIVE_INFINITY };

async function sweep(ranges: PlanRange[]): Promise<Map<string, SweepResult>> {
  const results = new Map<string, SweepResult>();
  const parts = ranges.map((plans) => ({ plans }));
  // Two at a time: that is what a small machine has.
  await inThreads(2, parts, (part, result) => {
    if ('plans' in part && 'plays' in result) results.set(part.plans.workload, result);
  });
  assert.deepEqual(
    [...results.values()].flatMap(({ failures }) => failures.slice(0, 3)),
    [],
  );
  return results;
}

test('a death before or after any effect changes nothing in the end', async (context) => {
  const results = await sweep(
    workloads.map(({ name }) => ({ workload: name, kind: 'one death', ...all, step: seventh })),
  );
  for (const { name, atLeast } of workloads) {
    const plays = results.get(name)?.plays ?? 0;
    context.diagnostic(`${name}: ${plays} lives, each with a death`);
    assert.ok(plays >= (2 * atLeast) / seventh, `${name}: ${plays} lives`);
  }
});

test('a second death in the midst of the recovery changes nothing either', async () => {
  const range = { workload: 'create', kind: 'crash', ...all, from: 39, step: 40 } as const;
  const plays = (await sweep([range])).get('create')?.plays ?? 0;
  assert.ok(plays >= 30, `${plays} lives`);
});
