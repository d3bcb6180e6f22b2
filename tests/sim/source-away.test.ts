/** The source is gone for a day, and objects are deleted meanwhile; and a newer controller begins. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf, hostOf, imageOf } from '../fakes/builders.ts';
import { readyWorld } from './scenes.ts';

const day = 24 * 3_600_000;

test('while the source is gone nothing is written, and what was deleted meanwhile goes after it (A30)', async () => {
  const world = await readyWorld(clusterOf(), clusterOf({ name: 'beta', replicas: 1 }));
  await world.clock.advance(120_000);
  world.source.distrust('the directory is not there');
  await world.clock.advance(60_000);
  const mark = world.oracle.rest();
  const before = world.picture();
  world.stretch = 100;
  await world.clock.advance(day);
  world.stretch = 1;
  world.oracle.judgeRest(mark);
  assert.deepEqual(world.picture(), before);
  for (const object of [hostOf(), imageOf(), clusterOf()]) world.source.put(object);
  world.source.mend();
  await world.untilGone('beta');
  await world.clock.advance(60_000);
  assert.ok(world.isReady('alpha'));
  assert.deepEqual([...world.hypervisor.domains.values()].map(({ name }) => name).sort(), [
    'alpha-compute-0',
    'alpha-compute-1',
    'alpha-head-0',
  ]);
  assert.deepEqual(world.watched.violations, []);
});

test('a controller of another version that begins over a cluster at rest writes nothing (A10)', async () => {
  const world = await readyWorld();
  await world.clock.advance(120_000);
  await world.stop();
  const mark = world.oracle.rest();
  await world.start();
  await world.clock.advance(600_000);
  world.oracle.judgeRest(mark);
  assert.deepEqual(world.watched.violations, []);
});

test('other defaults than those that a cluster was made with touch no machine (A10)', async () => {
  const world = await readyWorld();
  await world.clock.advance(120_000);
  await world.stop();
  const made = world.watched.made();
  const ids = () => [...world.hypervisor.domains.values()].map(({ id, owner }) => [id, owner]);
  const before = ids();
  // As a version would read the same manifest whose drains and rollouts are others by default.
  const drain = { timeout: '7m', onTimeout: 'Wait' } as const;
  world.source.put(clusterOf({ pool: { drain, rollout: { maxUnavailable: 2 } } }));
  await world.start();
  await world.untilReady('alpha', 2);
  await world.clock.advance(600_000);
  assert.deepEqual(ids(), before);
  assert.deepEqual(world.watched.made(), made);
  assert.deepEqual(world.watched.violations, []);
});
