/** A paused cluster: watched, told of, and not touched. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld, runJob } from './scenes.ts';

test('a paused cluster is watched and not touched', async () => {
  const world = await readyWorld();
  world.source.put(clusterOf({ replicas: 3, spec: { paused: true } }));
  await world.until('it is seen', () => world.status('alpha')?.observedGeneration === 2);
  const effects = world.effects.names.length;
  world.hypervisor.disturb(world.domain('alpha-compute-0')?.uuid ?? '', 'destroy');
  await world.clock.advance(60_000);
  const acts = world.effects.names.slice(effects).filter((name) => name !== 'putStatus');
  assert.deepEqual(acts, []);
  assert.equal(world.condition('alpha', 'Reconciling')?.reason, 'Paused');
});

test('the time of a pause is not taken off the time that jobs are given to end', async () => {
  const pool = { drain: { timeout: '5m', onTimeout: 'Force' } } as const;
  const larger = { pool: { ...pool, memory: '2Gi' } };
  const world = await readyWorld(clusterOf({ pool }));
  const job = await runJob(world, 'alpha-compute-0');
  const phase = () => world.status('alpha')?.nodes.find(({ name }) => name === node)?.phase;
  const node = 'alpha-compute-0';
  world.source.put(clusterOf({ ...larger, spec: { paused: true } }));
  await world.clock.advance(3_600_000);
  assert.equal(phase(), 'Pending');
  assert.equal(world.condition('alpha', 'UpToDate')?.reason, 'RollingOut');
  world.source.put(clusterOf(larger));
  await world.clock.advance(280_000);
  assert.equal(phase(), 'Draining');
  assert.deepEqual(world.slurm.running(node), [job]);
  await world.clock.advance(40_000);
  assert.deepEqual(world.slurm.running(node), []);
  await world.until('both are new', () => world.isReady('alpha', 3));
  assert.deepEqual(world.watched.violations, []);
});
