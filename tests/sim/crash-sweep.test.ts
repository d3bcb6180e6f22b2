/**
 * A death at any effect of a controller changes nothing in the end; `sweep.ts` says how. Here at
 * every fifth place, each before or after its effect; `npm run sim` has them all.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Part } from './gate-worker.ts';
import type { Kind } from './sweep.ts';
import { planCounts } from './sweep.ts';
import { inThreads } from './threads.ts';
import { workloads } from './workloads.ts';

async function sweep(workload: string, kind: Kind, keep: (index: number) => boolean) {
  const { [kind]: count } = await planCounts(workload);
  const places = Array.from({ length: count }, (_, index) => index).filter(keep);
  const parts = places.map((from): Part => ({ plans: { workload, kind, from, to: from + 1 } }));
  const failures: string[] = [];
  let plays = 0;
  await inThreads(1, parts, (_, result) => {
    if (!('plays' in result)) return;
    plays += result.plays;
    failures.push(...result.failures);
  });
  return { plays, failures };
}

// Before and after take turns, so that a fifth of the places has as many of each.
const fifth = 5;

// Two at a time: that is what a small machine has.
describe('kill -9 at every effect', { concurrency: 2 }, () => {
  for (const { name, atLeast } of workloads) {
    test(`${name}: a death before or after any effect changes nothing in the end`, async (context) => {
      const { plays, failures } = await sweep(name, 'one death', (index) => index % fifth === 0);
      context.diagnostic(`${plays} lives, each with a death`);
      assert.deepEqual(failures.slice(0, 3), []);
      assert.ok(plays >= (2 * atLeast) / fifth, `${plays} lives`);
    });
  }

  test('create: a second death in the midst of the recovery changes nothing either', async () => {
    const { plays, failures } = await sweep('create', 'crash', (index) => index % 40 === 39);
    assert.deepEqual(failures.slice(0, 3), []);
    assert.ok(plays >= 30, `${plays} lives`);
  });
});
