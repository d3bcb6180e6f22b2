/** `benchctl plan` says what the controller does, also of what must have lasted long enough. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterPlan } from '../../src/cli/plan-report.ts';
import { planOf } from '../../src/wiring/plan.ts';
import { clusterOf, identity } from '../fakes/builders.ts';
import { readyWorld } from './scenes.ts';
import type { World } from './world.ts';

const worker = 'alpha-compute-0';
const minute = 60_000;

async function plansOf(world: World, startedAt: number): Promise<ClusterPlan[]> {
  const { state, guests: runner, clock } = world;
  const keys = { ...identity, privateKey: Buffer.alloc(0) };
  const hypervisor = () => world.hypervisor;
  const ground = { state, runner, clock, keys, hypervisor, startedAt };
  const { signal } = new AbortController();
  const over = planOf(world.source.snapshot(), ground, { namespace: 'default' }, signal);
  // The guests answer in the time of the world.
  await clock.advance(minute);
  return (await over).clusters;
}

async function steps(world: World, startedAt: number): Promise<string[]> {
  const plans = await plansOf(world, startedAt);
  return plans.flatMap(({ steps }) => steps.map(({ action }) => action));
}

test('a boot counts from the start of the controller, in a plan as in its rounds', async () => {
  const world = await readyWorld(clusterOf({ replicas: 1 }));
  const machine = () => world.domain(worker) ?? assert.fail();
  world.hypervisor.powerOff(machine(), 'crashed');
  await world.until('it is started again', () => machine().state === 'running');
  world.hypervisor.hang(machine());
  const told = () => world.status('alpha')?.nodes.find(({ name }) => name === worker);
  await world.until('it boots', () => told()?.phase === 'Booting');
  const bootsAt = world.clock.now();
  await world.stop();
  await world.clock.advance(30 * minute);
  assert.deepEqual(await steps(world, world.clock.now()), [], 'a process that has just begun');
  const drain = 'run a command on alpha-head-0';
  assert.deepEqual(await steps(world, bootsAt), [drain], 'one that has seen it boot');
});

test('of a paused cluster it says so, what pauses it, and what is done only when it goes on', async () => {
  const world = await readyWorld();
  const cluster = clusterOf({ replicas: 3 });
  cluster.metadata.annotations = { 'benchcluster.io/paused': 'true' };
  world.source.put(cluster);
  await world.clock.advance(minute);
  const [planned] = await plansOf(world, world.clock.now());
  assert.deepEqual(planned?.steps, []);
  const { steps: later = [], ...paused } = planned?.paused ?? {};
  assert.deepEqual(paused, {
    by: ['the annotation benchcluster.io/paused'],
    toGoOn: 'benchctl annotate cluster/alpha benchcluster.io/paused-',
  });
  assert.deepEqual(
    later.map(({ node, effect }) => [node, effect]),
    [['alpha-compute-2', 'create']],
  );
  assert.deepEqual(
    planned?.blockers.map(({ node, reason, message }) => [node, reason, message]),
    [['alpha-compute-2', 'Paused', 'the node has no disk: waits, because the cluster is paused']],
  );
});
