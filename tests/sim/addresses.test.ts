/** Where a guest is: no lease yet, one of before beside the present one, and one that leads elsewhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld, runJob, writtenWorld } from './scenes.ts';
import type { World } from './world.ts';

const minute = 60_000;
const worker = 'alpha-compute-0';
const uuidOf = (world: World) => world.domain(worker)?.uuid ?? '';
const node = (world: World) => world.status('alpha')?.nodes.find(({ name }) => name === worker);
const network = (world: World) =>
  world.hypervisor.networks.get('bench-net') ?? assert.fail('no network');

function leasesOf(world: World) {
  return network(world).leases.filter(({ mac }) => mac === world.domain(worker)?.mac);
}

function swapAddresses(world: World, ...names: [string, string]): void {
  const macs = names.map((name) => world.domain(name)?.mac ?? '');
  network(world).leases = network(world).leases.map((lease) => {
    const mac = macs.includes(lease.mac) ? macs.find((each) => each !== lease.mac) : lease.mac;
    return { ...lease, mac: mac ?? '' };
  });
}

/** Commands that were sent to that node. */
function commands(world: World): number {
  return world.effects.names.filter((name) => name.startsWith(`guest ${worker} `)).length;
}

test('a guest without a lease is waited for, with the reason (A47)', async () => {
  const world = writtenWorld(clusterOf({ replicas: 1 }));
  await world.start();
  await world.until('it runs', () => world.domain(worker)?.state === 'running');
  const hide = world.clock.now() + 5 * minute;
  world.hypervisor.faults.mishap = () => {
    if (world.clock.now() < hide) network(world).leases = [];
    return undefined;
  };
  await world.clock.advance(4 * minute);
  assert.equal(node(world)?.reason, 'WaitingForAddress');
  assert.match(node(world)?.message ?? '', /no DHCP lease for 52:54:00:/);
  assert.equal(commands(world), 0);
});

test('a machine made anew has two leases, and is met at the newest (A47)', async () => {
  const world = await readyWorld(clusterOf({ replicas: 1 }));
  const [before] = leasesOf(world);
  world.source.put(clusterOf({ replicas: 1, pool: { memory: '2Gi' } }));
  await world.untilReady('alpha', 2);
  const leases = leasesOf(world);
  assert.deepEqual(leases.length, 2, 'the one of before stays listed');
  assert.equal(leases[0]?.address, before?.address);
  assert.equal(node(world)?.address, leases[1]?.address);
  await runJob(world, worker);
  // With the same disk it asks for the same address again.
  world.hypervisor.disturb(uuidOf(world), 'destroy');
  await world.clock.advance(minute);
  await world.untilReady('alpha', 2);
  assert.deepEqual(
    leasesOf(world).map(({ address }) => address),
    leases.map(({ address }) => address),
  );
  assert.deepEqual(world.watched.violations, []);
});

test('two guests that have changed addresses unseen get no command meant for the other (A46)', async () => {
  const world = await readyWorld();
  const before = world.hypervisor.view();
  const other = 'alpha-compute-1';
  swapAddresses(world, worker, other);
  const until = world.clock.now() + 2 * minute;
  world.hypervisor.faults.mishap = (call) => {
    const isOld = call === 'inventory' && world.clock.now() < until;
    return isOld ? { answer: () => before } : undefined;
  };
  const made = world.watched.made();
  // A new process has nothing but the listing to go by.
  world.kill();
  await world.clock.advance(minute);
  for (const name of [worker, other]) {
    const told = world.status('alpha')?.nodes.find((each) => each.name === name);
    assert.match(told?.message ?? '', /is another machine/, name);
  }
  await world.clock.advance(2 * minute);
  await world.untilReady('alpha');
  assert.deepEqual(world.watched.made(), made);
  assert.deepEqual(world.watched.violations, []);
});

test('a worker that joins a head at an address of before tries the new one within minutes', async () => {
  const world = writtenWorld(clusterOf({ replicas: 1 }));
  await world.start();
  await world.until('it joins', () => node(world)?.reason === 'RunningUnit');
  // Its slurmd has its configuration, and then nobody answers where scontrol asks.
  await world.clock.advance(800);
  swapAddresses(world, 'alpha-head-0', worker);
  const begin = world.clock.now();
  await world.until('it is ready', () => world.isReady('alpha'), 60 * minute);
  const seconds = (world.clock.now() - begin) / 1000;
  assert(seconds < 300, `after ${seconds} s`);
  assert.deepEqual(world.watched.violations, []);
});
