/** One listing of the host may be of before, and the next is true again: nothing is lost by it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { HostInventory } from '../../src/controllers/ports.ts';
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { clusterOf, imageOf } from '../fakes/builders.ts';
import { readyWorld, runJob, writtenWorld } from './scenes.ts';
import type { World } from './world.ts';

const minute = 60_000;
const head = 'alpha-head-0';
const workers = ['alpha-compute-0', 'alpha-compute-1'];

/** Keeps the truth of each change of a machine. */
function recorded(world: World): HostInventory[] {
  const past: HostInventory[] = [];
  world.hypervisor.onChange(() => past.push(world.hypervisor.view()));
  return past;
}

function stateIn({ domains }: HostInventory, name: string): string | undefined {
  return domains.find((domain) => domain.name === name)?.state;
}

function pick(past: HostInventory[], is: (listing: HostInventory) => boolean): HostInventory {
  const found = past.find(is);
  assert.ok(found, 'there was such a listing');
  return found;
}

const workersOff = (listing: HostInventory) =>
  stateIn(listing, head) === 'running' &&
  workers.every((name) => stateIn(listing, name) === 'shutoff');

/** The listing of that number from now on is one of before. */
function travel(world: World, which: number, past: HostInventory): void {
  const { faults } = world.hypervisor;
  let count = 0;
  faults.mishap = (call) => {
    if (call !== 'inventory') return undefined;
    count += 1;
    if (count < which) return undefined;
    faults.mishap = undefined;
    return { answer: () => past };
  };
}

/** Jobs on both workers of a world, with the listings of its past. */
async function busyWorld(cluster: BenchCluster = clusterOf()) {
  const world = writtenWorld(cluster);
  const past = recorded(world);
  await world.start();
  await world.untilReady('alpha');
  for (const name of workers) await runJob(world, name);
  await world.clock.advance(minute);
  return { world, past, off: pick(past, workersOff) };
}

function began(world: World): [string, number][] {
  return world.slurm.jobs('alpha').map(({ id, startedAt }) => [id, startedAt]);
}

async function assertUnharmed(world: World, jobs: [string, number][]): Promise<void> {
  assert.deepEqual(began(world), jobs, 'no job ended or began anew');
  for (const [index, name] of workers.entries()) {
    assert.deepEqual(world.slurm.running(name), [String(index + 1)]);
  }
  assert.deepEqual(world.watched.violations, []);
}

// Of a round: the listing that it begins with, and the one that counts.
for (const which of [1, 2, 3, 4]) {
  test(`listing ${which} of before workers were started takes no job of wanted ones`, async () => {
    const { world, off } = await busyWorld();
    const jobs = began(world);
    travel(world, which, off);
    await world.clock.advance(3 * minute);
    await assertUnharmed(world, jobs);
  });

  test(`listing ${which} of before a leaving worker was started does not have it forgotten`, async () => {
    const { world, off } = await busyWorld();
    const jobs = began(world);
    world.source.put(clusterOf({ replicas: 1 }));
    await world.clock.advance(minute);
    // All else is as it is.
    const truth = world.hypervisor.view();
    const leaves = ({ name }: { name: string }) => name === 'alpha-compute-1';
    const domains = [
      ...truth.domains.filter((each) => !leaves(each)),
      ...off.domains.filter(leaves),
    ];
    travel(world, which, { ...truth, domains });
    await world.clock.advance(3 * minute);
    await assertUnharmed(world, jobs);
  });

  test(`listing ${which} of before workers were started takes nothing of a cluster that goes`, async () => {
    const { world, off } = await busyWorld();
    const jobs = began(world);
    travel(world, which, off);
    world.source.remove(clusterOf());
    await world.clock.advance(3 * minute);
    await assertUnharmed(world, jobs);
  });

  test(`listing ${which} of before its workers were made does not end the head of a cluster that goes`, async () => {
    const world = await readyWorld(clusterOf({ replicas: 0 }));
    const past = world.hypervisor.view();
    world.source.put(clusterOf());
    await world.untilReady('alpha', 2);
    for (const name of workers) await runJob(world, name);
    const jobs = began(world);
    travel(world, which, past);
    world.source.remove(clusterOf());
    await world.clock.advance(3 * minute);
    await assertUnharmed(world, jobs);
  });
}

for (const which of [2, 4, 5, 8]) {
  test(`listing ${which} of before a worker was started does not have it replaced at once`, async () => {
    const { world, off } = await busyWorld();
    const jobs = began(world);
    travel(world, which, off);
    world.source.put(imageOf('debian', 'b'));
    await world.clock.advance(3 * minute);
    await assertUnharmed(world, jobs);
  });
}

test('a listing of before a rollout does not have new workers forgotten', async () => {
  const world = writtenWorld(clusterOf());
  const past = recorded(world);
  await world.start();
  await world.untilReady('alpha');
  world.source.put(imageOf('debian', 'b'));
  await world.clock.advance(6 * minute);
  for (const name of workers) await runJob(world, name);
  await world.clock.advance(minute);
  const jobs = began(world);
  travel(world, 2, pick(past, workersOff));
  await world.clock.advance(3 * minute);
  await assertUnharmed(world, jobs);
});

for (const which of [1, 4]) {
  test(`listing ${which} of before workers were started begins no replacement by force while the head is silent`, async () => {
    const { world, off } = await busyWorld(
      clusterOf({ pool: { drain: { timeout: '1m', onTimeout: 'Force' } } }),
    );
    const jobs = began(world);
    world.guests.silent.add(head);
    await world.clock.advance(minute);
    world.source.put(imageOf('debian', 'b'));
    await world.clock.advance(minute);
    travel(world, which, off);
    await world.clock.advance(10 * minute);
    await assertUnharmed(world, jobs);
  });
}

test('a worker that Slurm does not hear for a moment keeps its job, whatever one listing misses', async () => {
  const { world } = await busyWorld();
  const jobs = began(world);
  const worker = world.domain('alpha-compute-0');
  assert.ok(worker);
  worker.hung = true;
  await world.until(
    'it is not heard',
    () => world.slurm.records('alpha').get('alpha-compute-0')?.up === false,
    10 * minute,
  );
  const truth = world.hypervisor.view();
  travel(world, 2, { ...truth, domains: truth.domains.filter(({ name }) => name !== worker.name) });
  await world.clock.advance(35_000);
  worker.hung = false;
  await world.clock.advance(3 * minute);
  await assertUnharmed(world, jobs);
});

test('a head is not told to be without its disk because of a listing of an earlier life', async () => {
  const world = writtenWorld(clusterOf());
  await world.start();
  await world.untilReady('alpha');
  let past: HostInventory | undefined;
  const { faults } = world.hypervisor;
  faults.mishap = () => {
    const now = world.hypervisor.view();
    const hasDisk = now.pool.volumes.some(({ name }) => name.startsWith(head));
    if (stateIn(now, head) === 'shutoff' && !hasDisk) past ??= now;
    return undefined;
  };
  world.source.remove(clusterOf());
  await world.untilGone('alpha');
  world.source.put(clusterOf());
  await world.untilReady('alpha');
  await world.clock.advance(minute);
  assert.ok(past);
  const told: string[] = [];
  const { appendEvent } = world.state;
  world.state.appendEvent = (event) => {
    told.push(event.reason);
    return appendEvent.call(world.state, event);
  };
  travel(world, 2, past);
  await world.clock.advance(minute);
  assert.ok(!told.includes('DiskMissing'), told.join());
});

for (const [what, call] of [
  ['network', 'removeNetwork'],
  ['images', 'deleteVolume'],
] as const) {
  test(`a listing of before a cluster was made does not end its record while its ${what} cannot be removed`, async () => {
    const world = writtenWorld(clusterOf());
    const before = world.hypervisor.view();
    await world.start();
    await world.untilReady('alpha');
    let failing = false;
    world.hypervisor.onChange(() => {
      if (failing || world.hypervisor.domains.size > 0) return;
      failing = true;
      for (let count = 0; count < 12; count += 1) world.hypervisor.failNext(call);
    });
    world.source.remove(clusterOf());
    await world.clock.advance(10_000);
    assert.equal(world.hypervisor.domains.size, 0);
    assert.equal(world.state.has('default/alpha'), true, 'it waits');
    travel(world, 2, before);
    await world.clock.advance(30_000);
    await world.until('it is gone', () => !world.state.has('default/alpha'), 90 * minute);
    assert.deepEqual(world.picture(), { domains: [], volumes: [], networks: [] });
    assert.deepEqual(world.watched.violations, []);
  });
}
