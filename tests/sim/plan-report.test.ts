/** `benchctl plan` says what the controller does, also of what must have lasted long enough. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { stringify } from 'yaml';
import type { ClusterPlan } from '../../src/cli/plan-report.ts';
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { planIn } from '../../src/wiring/plan.ts';
import { clusterOf, hostOf, identity, imageOf } from '../fakes/builders.ts';
import { readyWorld } from './scenes.ts';
import type { World } from './world.ts';

const worker = 'alpha-compute-0';
const minute = 60_000;

async function plansOf(dir: string, world: World, startedAt: number): Promise<ClusterPlan[]> {
  const { state, guests: runner, clock } = world;
  const keys = { ...identity, privateKey: Buffer.alloc(0) };
  const hypervisor = () => world.hypervisor;
  const ground = { state, runner, clock, keys, hypervisor, startedAt };
  const memory = { read: async () => [], write: async () => {} };
  const asked = { dir, namespace: 'default', memory };
  const report = planIn(ground, asked, new AbortController().signal);
  // The directory is read in real time, and the guests answer in that of the world.
  let isOver = false;
  const over = report.finally(() => {
    isOver = true;
  });
  while (!isOver) {
    await clock.advance(1000);
    await setTimeout(10);
  }
  return (await over).clusters;
}

async function steps(dir: string, world: World, startedAt: number): Promise<string[]> {
  const plans = await plansOf(dir, world, startedAt);
  return plans.flatMap(({ steps }) => steps.map(({ action }) => action));
}

async function directoryOf(t: TestContext, cluster: BenchCluster): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'plan-'));
  t.after(() => rm(dir, { recursive: true }));
  for (const manifest of [cluster, hostOf(), imageOf()]) {
    await writeFile(join(dir, `${manifest.kind}.yaml`), stringify(manifest));
  }
  return dir;
}

test('a boot counts from the start of the controller, in a plan as in its rounds', async (t) => {
  const cluster = clusterOf({ replicas: 1 });
  const dir = await directoryOf(t, cluster);
  const world = await readyWorld(cluster);
  const machine = () => world.domain(worker) ?? assert.fail();
  world.hypervisor.powerOff(machine(), 'crashed');
  await world.until('it is started again', () => machine().state === 'running');
  world.hypervisor.hang(machine());
  const told = () => world.status('alpha')?.nodes.find(({ name }) => name === worker);
  await world.until('it boots', () => told()?.phase === 'Booting');
  const bootsAt = world.clock.now();
  await world.stop();
  await world.clock.advance(30 * minute);
  assert.deepEqual(await steps(dir, world, world.clock.now()), [], 'a process that has just begun');
  const drain = 'run a command on alpha-head-0';
  assert.deepEqual(await steps(dir, world, bootsAt), [drain], 'one that has seen it boot');
});

test('of a paused cluster it says so, what pauses it, and what is done only when it goes on', async (t) => {
  const world = await readyWorld();
  const cluster = clusterOf({ replicas: 3 });
  cluster.metadata.annotations = { 'benchcluster.io/paused': 'true' };
  world.source.put(cluster);
  await world.clock.advance(minute);
  const dir = await directoryOf(t, cluster);
  const [planned] = await plansOf(dir, world, world.clock.now());
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
