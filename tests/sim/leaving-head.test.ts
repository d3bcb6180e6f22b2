/** Heads that are in trouble while their cluster goes, or after somebody undefined them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { copyOf } from '../../src/sim/copy.ts';
import { clusterOf } from '../fakes/builders.ts';
import {
  type Before,
  beforeStart,
  deadly,
  deleteDiskOfHead,
  listBefore,
  pause,
  readyIn,
  readyWorld,
  runJob,
} from './scenes.ts';
import type { World } from './world.ts';

const head = 'alpha-head-0';
const nothing = { domains: [], volumes: [], networks: [] };

function uuidOf(world: World, name: string): string {
  return world.domain(name)?.uuid ?? '';
}

test('a cluster goes although its head has had another address since it was formed', async () => {
  const world = await readyWorld();
  const before = world.status('alpha')?.endpoint;
  // It comes back at another address, and the deletion is ordered before it is configured anew.
  world.hypervisor.disturb(uuidOf(world, head), 'destroy');
  for (const network of world.hypervisor.networks.values()) network.leases = [];
  world.source.remove(clusterOf());
  await world.until('the head has started', () => world.domain(head)?.state !== 'shutoff');
  await world.untilGone('alpha');
  assert.notEqual(world.status('alpha')?.endpoint, before);
  assert.deepEqual(world.picture(), nothing);
  assert.deepEqual(world.watched.violations, []);
});

test('a cluster goes when its paused head has gone on', async () => {
  const world = await readyWorld();
  Object.assign(world.domain(head) ?? {}, { state: 'paused', reason: 'ioerror' });
  world.source.remove(clusterOf());
  await world.untilGone('alpha');
  assert.deepEqual(world.picture(), nothing);
});

test('what a person paused is left paused, and the deletion says so', async () => {
  const world = await readyWorld();
  pause(world, head);
  world.source.remove(clusterOf());
  await world.clock.advance(60_000);
  assert.equal(world.domain(head)?.state, 'paused');
  const told = world.status('alpha')?.nodes.find(({ name }) => name === head);
  assert.deepEqual([told?.phase, told?.reason], ['Draining', 'PausedByUser']);
  Object.assign(world.domain(head) ?? {}, { state: 'running', reason: 'unpaused' });
  await world.untilGone('alpha');
});

test('a head is made anew whose disk was deleted by a process that died of it', async () => {
  const world = await readyIn(deadly((effect) => effect.startsWith(`deleteVolume ${head}`)));
  const hasDisk = await deleteDiskOfHead(world);
  world.source.put(clusterOf());
  await world.until('it is made anew', () => hasDisk() && world.isReady('alpha'));
  assert.equal(world.crashes, 1);
  assert.deepEqual(world.watched.violations, []);
});

test('a head whose disk a person deletes is told of, and its domain stays', async () => {
  const world = await readyWorld();
  const uuid = uuidOf(world, head);
  world.hypervisor.disturb(uuid, 'destroy');
  for (const name of world.hypervisor.volumes.keys()) {
    if (name.startsWith(head)) world.hypervisor.volumes.delete(name);
  }
  world.kill();
  await world.clock.advance(600_000);
  const told = world.status('alpha')?.nodes.find(({ name }) => name === head);
  assert.deepEqual([told?.phase, told?.reason], ['Stalled', 'DiskMissing']);
  assert.equal(uuidOf(world, head), uuid);
});

test('a head of an earlier spec that is undefined while it runs is defined again as it runs', async () => {
  const world = await readyWorld();
  const changed = clusterOf({ spec: { controlPlane: { memory: '4Gi' } } });
  world.source.put(changed);
  const outdated = () => world.condition('alpha', 'UpToDate')?.reason === 'HeadOutdated';
  await world.until('the head is outdated', outdated);
  const { owner, id } = copyOf(world.domain(head)) ?? {};
  world.hypervisor.disturb(uuidOf(world, head), 'undefine');
  await world.until('it is defined again', () => world.domain(head)?.persistent === true);
  assert.deepEqual([world.domain(head)?.owner, world.domain(head)?.id], [owner, id]);
  assert.ok(outdated(), 'and is still called outdated');
  world.hypervisor.disturb(uuidOf(world, head), 'destroy');
  await world.until('it is on again', () => world.domain(head)?.state === 'running');
  assert.deepEqual(world.watched.violations, []);
});

/**
 * A cluster is deleted while nobody can ask its head, and listings of before come between two
 * looks, or in the midst of one that waits for the head.
 */
async function deletedByAnOldListing(before: Before, afterMs: number): Promise<World> {
  const world = await readyWorld();
  await runJob(world, 'alpha-compute-0');
  world.guests.silent.add(head);
  await world.clock.advance(afterMs);
  listBefore(world, before);
  world.source.remove(clusterOf());
  // Something that is no event of the host has it looked at again.
  world.clock.after(100, () => world.hypervisor.announce(uuidOf(world, head)));
  await world.clock.advance(300_000);
  return world;
}

/** Of before those machines were made. */
const without =
  (isGone: (name: string) => boolean): Before =>
  ({ domains, pool, ...rest }) => ({
    ...rest,
    domains: domains.filter(({ name }) => !isGone(name)),
    pool: { ...pool, volumes: pool.volumes.filter(({ name }) => !isGone(name)) },
  });

const withoutDomain: Before = ({ domains, pool, ...rest }) => ({
  ...rest,
  domains: domains.filter(({ name }) => name !== head),
  pool: { ...pool },
});

const oldListings: [string, Before][] = [
  ['its head off', beforeStart((name) => name === head)],
  ['its workers off', beforeStart((name) => name.startsWith('alpha-compute'))],
  ['a disk of its head alone', withoutDomain],
  ['nothing of its head', without((name) => name.startsWith(head))],
  ['nothing of its workers', without((name) => name.startsWith('alpha-compute'))],
];
for (const [what, before] of oldListings) {
  test(`a listing of before with ${what} powers off nothing of a cluster that goes`, async () => {
    for (const afterMs of [60_000, 68_000, 75_000]) {
      const world = await deletedByAnOldListing(before, afterMs);
      const states = [...world.hypervisor.domains.values()].map(({ name, state }) => [name, state]);
      const expected = ['alpha-compute-0', 'alpha-compute-1', head].map((name) => [
        name,
        'running',
      ]);
      assert.deepEqual(states.sort(), expected, `after ${afterMs} ms`);
      assert.deepEqual(world.watched.violations, []);
    }
  });
}
