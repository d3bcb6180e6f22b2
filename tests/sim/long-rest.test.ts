/** A cluster that is let alone for more than a year. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld, runJob } from './scenes.ts';

const day = 24 * 3_600_000;

test('four hundred days at rest: nothing is written, and then it is at work as ever (A68)', async () => {
  const world = await readyWorld();
  await world.clock.advance(20 * 60_000);
  const mark = world.oracle.rest();
  const before = world.picture();
  // A round in a week.
  world.stretch = 7 * 1440;
  await world.clock.advance(400 * day);
  world.stretch = 1;
  world.oracle.judgeRest(mark);
  assert.deepEqual(world.picture(), before);
  assert.ok(world.isReady('alpha'));
  const job = await runJob(world, 'alpha-compute-1');
  world.source.put(clusterOf({ replicas: 1 }));
  await world.clock.advance(5 * 60_000);
  assert.ok(world.slurm.running('alpha-compute-1').includes(job));
  world.slurm.endJob('alpha', job);
  await world.untilReady('alpha', 2);
  assert.deepEqual(world.watched.violations, []);
});
