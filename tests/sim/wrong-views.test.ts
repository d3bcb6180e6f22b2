/** What the controller sees is not what is: listings of before, without domains, with gaps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type HostInventory, PortError } from '../../src/controllers/ports.ts';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld, runJob, writtenWorld } from './scenes.ts';
import type { World } from './world.ts';

const nothing = { domains: [], volumes: [], networks: [] };
const minute = 60_000;

/** What is answered to a listing, by what is true and how many there were before it. */
function listings(world: World, answer: (truth: HostInventory, count: number) => HostInventory) {
  let count = 0;
  world.hypervisor.faults.mishap = (call) => {
    if (call !== 'inventory') return undefined;
    count += 1;
    const before = count;
    return { answer: (truth) => answer(truth as HostInventory, before) };
  };
}

function ids(world: World): number[] {
  return [...world.hypervisor.domains.values()].map(({ id }) => id).sort();
}

// Other than what rounds and back-offs are multiples of, or each try might fall into the gap.
for (const seconds of [7, 11]) {
  test(`listings without any domain, half a second of ${seconds}, cost no life its end (A18)`, async () => {
    const world = writtenWorld(clusterOf({ replicas: 2 }));
    listings(world, (truth) => {
      const isEmpty = (world.clock.now() / 1000) % seconds < 0.5;
      return isEmpty ? { ...truth, domains: [] } : truth;
    });
    await world.start();
    await world.untilReady('alpha');
    const job = await runJob(world, 'alpha-compute-1');
    const before = ids(world);
    await world.clock.advance(5 * minute);
    assert.deepEqual(ids(world), before, 'nothing was switched off');
    world.source.put(clusterOf({ replicas: 1 }));
    await world.clock.advance(5 * minute);
    assert.ok(world.slurm.running('alpha-compute-1').includes(job), 'the job goes on');
    world.slurm.endJob('alpha', job);
    await world.until('it is smaller', () => world.hypervisor.domains.size === 2, 90 * minute);
    world.source.remove(clusterOf());
    await world.until('it is gone', () => !world.state.has('default/alpha'), 90 * minute);
    await world.clock.advance(minute);
    assert.deepEqual(world.picture(), nothing);
    assert.deepEqual(world.watched.violations, []);
  });
}

test('a listing from before a cluster was deleted and made anew takes nothing of the new one (A11)', async () => {
  const world = await readyWorld();
  const before = world.hypervisor.view();
  world.source.remove(clusterOf());
  await world.untilGone('alpha');
  const gone = world.hypervisor.view();
  const anew = clusterOf({ pool: { memory: '2Gi' } });
  world.source.put(anew);
  await world.untilReady('alpha');
  const machines = ids(world);
  for (const past of [before, gone]) {
    listings(world, (truth, count) => (count <= 3 ? past : truth));
    await world.clock.advance(5 * minute);
    assert.deepEqual(ids(world), machines);
  }
  await world.untilReady('alpha');
  assert.deepEqual(world.watched.violations, []);
});

test('a listing from before a cluster was made, whenever it comes, does not end its deletion (A11)', async () => {
  for (let which = 1; which <= 24; which += 1) {
    const world = writtenWorld(clusterOf({ replicas: 1 }));
    const before = world.hypervisor.view();
    await world.start();
    await world.untilReady('alpha');
    listings(world, (truth, count) => (count === which ? before : truth));
    world.source.remove(clusterOf());
    await world.untilGone('alpha');
    assert.deepEqual(world.picture(), nothing, `at listing ${which}`);
    assert.deepEqual(world.watched.violations, []);
  }
});

const worker = 'alpha-compute-0';

/** Its worker never came up, and was just powered off to be made anew; a listing of it as it ran. */
async function worldThatReplaces() {
  const world = writtenWorld(clusterOf({ replicas: 1 }));
  world.guests.silent.add(worker);
  await world.start();
  await world.until('it boots', () => world.domain(worker)?.state === 'running');
  const before = world.hypervisor.view();
  const isOff = () => world.domain(worker)?.state === 'shutoff';
  await world.until('it is powered off', isOff, 60 * minute);
  return { world, before };
}

const isNew = (world: World) => () => world.watched.counts.get(`start ${worker}`) === 2;

for (const howMany of [1, 3]) {
  test(`${howMany} listings of before a power-off, whenever they come, do not have forgotten what it was for (A11)`, async () => {
    for (let first = 1; first <= 6; first += 1) {
      const { world, before } = await worldThatReplaces();
      const isOld = (count: number) => count >= first && count < first + howMany;
      listings(world, (truth, count) => (isOld(count) ? before : truth));
      await world.until('it is on again', isNew(world));
      assert.equal(world.watched.counts.get(`undefine ${worker}`), 1, `from listing ${first}`);
      world.guests.silent.delete(worker);
      await world.untilReady('alpha');
      assert.equal(world.watched.counts.get(`destroy ${worker}`), 1, `from listing ${first}`);
      assert.deepEqual(world.watched.violations, []);
    }
  });
}

test('a record and listings of before a replacement do not power off the new machine (A11)', async () => {
  const { world, before } = await worldThatReplaces();
  const isLeaving = () => {
    const node = world.status('alpha')?.nodes.find(({ name }) => name === worker);
    return node?.phase === 'Deleting' && node.unhealthy === undefined;
  };
  await world.until('it is known to be off', isLeaving);
  const record = world.state.record('default/alpha');
  world.guests.silent.delete(worker);
  await world.until('it is on again', isNew(world));
  await world.untilReady('alpha');
  const machines = ids(world);
  world.kill();
  await world.restore('alpha', record);
  listings(world, (truth, count) => (count <= 8 ? before : truth));
  await world.clock.advance(5 * minute);
  await world.untilReady('alpha');
  assert.deepEqual(ids(world), machines);
  assert.deepEqual(world.watched.violations, []);
});

test('a machine that was off and on again unseen is made good all the same (A14)', async () => {
  const world = await readyWorld();
  const made = world.watched.made();
  for (const name of ['alpha-compute-0', 'alpha-head-0']) {
    const domain = world.domain(name);
    assert.ok(domain);
    world.hypervisor.powerOff(domain, 'destroyed');
    world.hypervisor.start(domain);
  }
  await world.clock.advance(3 * minute);
  await world.untilReady('alpha');
  const id = await runJob(world, 'alpha-compute-0');
  assert.equal(id, '1');
  assert.deepEqual(world.watched.made(), made);
  assert.deepEqual(world.watched.violations, []);
});

test('a pool that has jobs of its own is asked again, more and more seldom (A41)', async () => {
  const world = writtenWorld(clusterOf({ replicas: 1 }));
  const busy = () => new PortError('failed', 'pool has asynchronous jobs running');
  for (const call of ['uploadArtifact', 'createVolume', 'deleteVolume'] as const) {
    for (let count = 0; count < 4; count += 1) world.hypervisor.failNext(call, busy());
  }
  await world.start();
  await world.untilReady('alpha');
  world.source.remove(clusterOf());
  await world.untilGone('alpha');
  assert.deepEqual(world.picture(), nothing);
  assert.deepEqual(world.watched.violations, []);
});
