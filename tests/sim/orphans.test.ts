/** What nobody has any more goes, late and only when it is proven; all else is told or left alone. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterUid, networkUuid, nodeUuid } from '../../src/controllers/bench-cluster/desired.ts';
import { poolPath } from '../../src/sim/host.ts';
import { clusterOf, identity } from '../fakes/builders.ts';
import { readyWorld } from './scenes.ts';
import type { World } from './world.ts';

const minute = 60_000;
const other = clusterOf({ name: 'beta', replicas: 1 });
const disk = (name: string, uuid: string) => `${name}-${uuid.slice(0, 8)}.qcow2`;

/** Alpha is well, and beta is what a lost record leaves: machines that no cluster has. */
async function worldWithLeftovers(off: boolean): Promise<World> {
  const world = await readyWorld(clusterOf(), other);
  await world.stop();
  await world.state.removeCluster('default', 'beta');
  world.source.remove(other);
  for (const name of ['beta-head-0', 'beta-compute-0']) {
    const uuid = world.domain(name)?.uuid ?? '';
    if (off) world.hypervisor.disturb(uuid, 'destroy');
  }
  await world.start();
  return world;
}

async function orphanEvents(world: World): Promise<string[]> {
  const events = await world.state.events();
  return events.filter(({ reason }) => reason.startsWith('Orphan')).map(({ message }) => message);
}

test('a worker that is off goes after a quarter of an hour, its head stays and is told once', async () => {
  const world = await worldWithLeftovers(true);
  const worker = world.domain('beta-compute-0')?.uuid ?? '';
  const head = world.domain('beta-head-0')?.uuid ?? '';
  await world.clock.advance(15 * minute);
  assert.ok(world.domain('beta-compute-0'), 'it is young');
  await world.clock.advance(10 * minute);
  assert.equal(world.domain('beta-compute-0'), undefined);
  assert.ok(!world.hypervisor.volumes.has(disk('beta-compute-0', worker)));
  await world.clock.advance(60 * minute);
  assert.ok(world.domain('beta-head-0'));
  assert.ok(world.hypervisor.volumes.has(disk('beta-head-0', head)));
  const told = await orphanEvents(world);
  assert.equal(told.length, 2, told.join('\n'));
  assert.match(told.join(), /beta-head-0 .* was its head/);
  assert.ok(world.isReady('alpha'));
});

test('what runs is never powered off, only told', async () => {
  const world = await worldWithLeftovers(false);
  await world.clock.advance(60 * minute);
  assert.equal(world.domain('beta-compute-0')?.state, 'running');
  assert.match((await orphanEvents(world)).join(), /beta-compute-0 .* is running/);
});

test('a disk without a domain goes, that of a head and one that is in use stay', async () => {
  const world = await readyWorld(clusterOf(), other);
  const { volumes } = world.hypervisor;
  const names = ['beta-head-0', 'beta-compute-0'].map((name) =>
    disk(name, world.domain(name)?.uuid ?? ''),
  );
  const kept = names.map((name) => volumes.get(name));
  world.state.requestDeletion('default', 'beta');
  world.source.remove(other);
  await world.untilGone('beta');
  for (const volume of kept) if (volume) volumes.set(volume.name, volume);
  await world.clock.advance(30 * minute);
  assert.deepEqual(
    names.map((name) => volumes.has(name)),
    [true, false],
  );
});

test('a network of ours that no cluster wants goes; one with a guest on it, or not ours, stays', async () => {
  const world = await readyWorld();
  const owner = { installation: identity.installation };
  const add = (name: string, uuid = networkUuid(identity.installation, name)) =>
    world.hypervisor.addNetwork({ name, uuid, owner });
  add('left');
  add('used');
  add('copied', 'c0ffee00-0000-4000-8000-000000000000');
  world.hypervisor.addForeignDomain({ name: 'guest', uuid: 'g', network: 'used' });
  world.hypervisor.addNetwork({ name: 'foreign', uuid: 'f' });
  await world.clock.advance(30 * minute);
  const networks = [...world.hypervisor.networks.keys()].sort();
  assert.deepEqual(networks, ['bench-net', 'copied', 'foreign', 'used']);
});

test('the last cluster of an image waits for a leftover disk on it, and takes the image away', async () => {
  const world = await readyWorld();
  const { volumes } = world.hypervisor;
  const uid = clusterUid(identity.installation, 'default', 'beta');
  const left = disk('beta-compute-0', nodeUuid(uid, 'beta-compute-0'));
  volumes.set(left, {
    ...{ name: left, capacityBytes: 2 ** 33 },
    backingVolume: 'debian-aaaaaaaaaaaa.qcow2',
  });
  world.source.remove(clusterOf());
  world.state.requestDeletion('default', 'alpha');
  await world.clock.advance(10 * minute);
  assert.deepEqual([...volumes.keys()].sort(), [left, 'debian-aaaaaaaaaaaa.qcow2']);
  assert.match(world.condition('alpha', 'Ready')?.message ?? '', /waits for beta-compute-0-/);
  await world.clock.advance(20 * minute);
  assert.deepEqual([...volumes.keys()], []);
  assert.ok(!world.state.has('default/alpha'));
});

test('nothing goes while the source cannot be trusted, and the count begins anew after it', async () => {
  const world = await worldWithLeftovers(true);
  await world.clock.advance(11 * minute);
  world.source.breakFile(clusterOf({ name: 'gamma' }), { file: 'gamma.yaml', message: 'half' });
  await world.clock.advance(60 * minute);
  assert.ok(world.domain('beta-compute-0'));
  world.source.mend();
  await world.clock.advance(14 * minute);
  assert.ok(world.domain('beta-compute-0'));
  await world.clock.advance(15 * minute);
  assert.equal(world.domain('beta-compute-0'), undefined);
});

test('a cluster whose manifest is written is no orphan, though its record is lost', async () => {
  const world = await worldWithLeftovers(true);
  await world.clock.advance(12 * minute);
  // It comes back in the last moment; its head is where it was, with its disk.
  world.source.put(other);
  const disks = [...world.hypervisor.volumes.keys()].filter((name) => name.startsWith('beta-'));
  await world.untilReady('beta');
  await world.clock.advance(30 * minute);
  for (const name of disks) assert.ok(world.hypervisor.volumes.has(name), name);
  assert.deepEqual(await orphanEvents(world), []);
});

test('what the host refuses to take away is not told as removed', async () => {
  const world = await readyWorld();
  const image = 'old-000000000000.qcow2';
  const part = `${image}.${identity.installation.slice(0, 8)}.part`;
  for (const name of [image, part]) world.hypervisor.volumes.set(name, { name, capacityBytes: 5 });
  const files = [`${poolPath}/${image}`];
  world.hypervisor.addForeignDomain({ name: 'guest', uuid: 'g', files });
  await world.clock.advance(30 * minute);
  assert.ok(world.hypervisor.volumes.has(part));
  assert.deepEqual(await orphanEvents(world), []);
  world.hypervisor.domains.delete('g');
  await world.clock.advance(10 * minute);
  assert.ok(!world.hypervisor.volumes.has(part) && !world.hypervisor.volumes.has(image));
  assert.match((await orphanEvents(world)).join(), /\.part .*: removed/);
});

test('a copy of a machine of ours is left alone, whatever its mark says', async () => {
  const world = await readyWorld();
  const original = world.domain('alpha-compute-0');
  assert.ok(original);
  const copy = {
    ...original,
    name: 'beta-compute-0',
    uuid: 'copy',
    state: 'shutoff',
    id: -1,
  } as const;
  world.hypervisor.domains.set('copy', { ...copy, files: [], mac: '52:54:00:00:00:01' });
  await world.clock.advance(60 * minute);
  assert.ok(world.hypervisor.domains.has('copy'));
});
