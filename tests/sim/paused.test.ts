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
  const pool = { memory: '2Gi', drain: { timeout: '5m', onTimeout: 'Force' } } as const;
  const world = await readyWorld(clusterOf({ pool: { ...pool, memory: '1Gi' } }));
  const workers = ['alpha-compute-0', 'alpha-compute-1'];
  for (const worker of workers) await runJob(world, worker);
  const phases = () => {
    const nodes = world.status('alpha')?.nodes.filter(({ role }) => role === 'worker');
    return nodes?.map(({ phase }) => phase);
  };
  const powerCuts = () => workers.map((worker) => world.watched.made()[`destroy ${worker}`] ?? 0);
  world.source.put(clusterOf({ replicas: 1, pool, spec: { paused: true } }));
  await world.clock.advance(3_600_000);
  assert.deepEqual(phases(), ['Ready', 'Ready']);
  assert.equal(world.condition('alpha', 'UpToDate')?.reason, 'RollingOut');
  world.source.put(clusterOf({ replicas: 1, pool }));
  await world.clock.advance(280_000);
  assert.deepEqual(phases(), ['Draining', 'Draining']);
  assert.deepEqual(powerCuts(), [0, 0]);
  await world.clock.advance(40_000);
  assert.deepEqual(powerCuts(), [1, 1]);
  await world.until('the other is new', () => world.isReady('alpha', 3));
  assert.deepEqual(world.watched.violations, []);
});

test('a pause in the middle of a drain gives its jobs their whole time anew', async () => {
  const pool = { drain: { timeout: '5m', onTimeout: 'Force' } } as const;
  const world = await readyWorld(clusterOf({ pool }));
  const worker = 'alpha-compute-1';
  await runJob(world, worker);
  const powerCuts = () => world.watched.made()[`destroy ${worker}`] ?? 0;
  world.source.put(clusterOf({ replicas: 1, pool }));
  await world.clock.advance(60_000);
  world.source.put(clusterOf({ replicas: 1, pool, spec: { paused: true } }));
  await world.clock.advance(3_600_000);
  world.source.put(clusterOf({ replicas: 1, pool }));
  await world.clock.advance(280_000);
  assert.equal(powerCuts(), 0);
  await world.clock.advance(40_000);
  assert.equal(powerCuts(), 1);
  assert.deepEqual(world.watched.violations, []);
});

test('the nodes of a cluster that is paused and deleted are told as they are', async () => {
  const world = await readyWorld();
  world.source.put(clusterOf({ spec: { paused: true } }));
  await world.clock.advance(60_000);
  world.state.requestDeletion('default', 'alpha');
  world.source.remove(clusterOf());
  await world.clock.advance(60_000);
  const { controlPlane, workers, nodes } = world.status('alpha') ?? assert.fail();
  assert.equal(world.condition('alpha', 'Ready')?.reason, 'DeletionPaused');
  assert.deepEqual([controlPlane.ready, workers.map(({ ready }) => ready)], [1, [2]]);
  assert.deepEqual(new Set(nodes.map(({ phase }) => phase)), new Set(['Ready']));
  assert.match(nodes[0]?.message ?? '', /cluster deleted: waits, because the cluster is paused$/);
});
