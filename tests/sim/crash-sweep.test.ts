/** A death at any effect of a controller changes nothing in the end; `sweep.ts` says how. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import { Worker } from 'node:worker_threads';
import type { SweepResult } from './sweep.ts';
import { workloads } from './workloads.ts';

async function inThread(workload: string, twice: boolean): Promise<SweepResult> {
  const worker = new Worker(new URL('./sweep-worker.ts', import.meta.url), {
    workerData: { workload, twice },
  });
  try {
    const [result] = await once(worker, 'message');
    return result;
  } finally {
    await worker.terminate();
  }
}

// Two at a time: that is what a small machine has.
describe('kill -9 at every effect', { concurrency: 2 }, () => {
  for (const { name, atLeast } of workloads) {
    test(`${name}: a death before or after any effect changes nothing in the end`, async (context) => {
      const result = await inThread(name, false);
      context.diagnostic(
        `${result.plays} lives, each with a death, over ${result.effects} effects`,
      );
      assert.deepEqual(result.failures, []);
      assert.ok(result.effects >= atLeast, `${result.effects} effects`);
      assert.equal(result.plays, 2 * result.effects);
    });
  }

  test('create: a second death in the midst of the recovery changes nothing either', async () => {
    const result = await inThread('create', true);
    assert.deepEqual(result.failures, []);
    assert.ok(result.plays >= 30, `${result.plays} lives`);
  });
});
