/**
 * Two installations on one host, each with its own controller, files and state: each is foreign to
 * the other. Both are watched by an oracle of their own.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld, writtenBeside, writtenWorld } from './scenes.ts';
import { neighbourIdentity, type World } from './world.ts';

const minute = 60_000;
const image = 'debian-aaaaaaaaaaaa.qcow2';
const ours = clusterOf({ replicas: 1 });

/** Of the neighbour, on a network of its own unless it is said otherwise. */
function theirsOf(name: string, network = 'their-net', cidr = '192.168.160.0/24'): BenchCluster {
  return clusterOf({ name, replicas: 1, spec: { network: { name: network, managed: { cidr } } } });
}

/** All that carries the mark of that world's installation, and what its machines use. */
function thingsOf(world: World): unknown {
  const { installation } = world.identity;
  const { domains, volumes, networks } = world.hypervisor;
  const own = [...domains.values()].filter(({ owner }) => owner?.installation === installation);
  const files = new Set(own.flatMap((domain) => domain.files));
  return structuredClone({
    domains: own.map((domain) => ({ ...domain, owner: { ...domain.owner?.node } })),
    volumes: [...volumes.keys()].filter((name) => files.has(`/var/lib/libvirt/images/${name}`)),
    networks: [...networks.values()]
      .filter(({ owner }) => owner?.installation === installation)
      .map(({ leases: _, owner, ...network }) => ({ ...network, owner: { ...owner } })),
  });
}

function isSound(...worlds: World[]): void {
  for (const { watched, thrown } of worlds) {
    assert.deepEqual(watched.violations, []);
    assert.deepEqual(thrown, []);
  }
}

function remove(world: World, cluster: BenchCluster): void {
  world.source.remove(cluster);
  world.state.requestDeletion('default', cluster.metadata.name);
}

const stalled = (world: World, name: string) => world.condition(name, 'Stalled')?.message ?? '';
const parts = ({ hypervisor }: World) =>
  [...hypervisor.volumes.keys()].filter((name) => name.endsWith('.part'));

test('one cluster goes while the other one comes, on the same image: both end right', async () => {
  for (let at = 500; at < 14_000; at += 1100) {
    const first = writtenWorld(ours);
    const second = writtenBeside(first, theirsOf('beta'));
    first.hypervisor.uploads.streamMs = 3000;
    await Promise.all([first.start(), second.start()]);
    await first.clock.advance(at);
    remove(first, ours);
    await first.untilGone('alpha');
    await second.untilReady('beta');
    for (const world of [first, second]) world.oracle.judgeEnd();
    isSound(first, second);
    assert.deepEqual(parts(first), [], `gone after ${at} ms`);
    const machines = [...first.hypervisor.domains.values()].map(({ name }) => name);
    assert.deepEqual(machines.sort(), ['beta-compute-0', 'beta-head-0'], `gone after ${at} ms`);
    const made = Object.entries(second.watched.made());
    const again = made.filter(([what, times]) => times > 1 && !what.startsWith('upload'));
    assert.deepEqual(again, [], `gone after ${at} ms`);
  }
});

test('of two clusters of one name the second is told so, and comes when the first is gone', async () => {
  const first = await readyWorld(ours);
  const second = writtenBeside(first, theirsOf('alpha'));
  const before = thingsOf(first);
  await second.start();
  await second.clock.advance(30 * minute);
  const nodes = second.status('alpha')?.nodes.map(({ phase, reason }) => `${phase} ${reason}`);
  assert.deepEqual(nodes, ['Stalled ForeignDomain', 'Stalled ForeignDomain']);
  assert.deepEqual(thingsOf(first), before);
  assert.ok(first.isReady('alpha'));
  remove(first, ours);
  await first.untilGone('alpha');
  await second.until('the second is ready', () => second.isReady('alpha'), 15 * minute);
  await first.clock.advance(30 * minute);
  for (const world of [first, second]) world.oracle.judgeEnd();
  isSound(first, second);
});

test('a network of the other one is not taken, neither by its name nor by its subnet', async () => {
  const clashes: [BenchCluster, RegExp][] = [
    [theirsOf('beta', 'bench-net', '192.168.170.0/24'), /bench-net exists on rhodey and is not/],
    [theirsOf('beta', 'their-net', '192.168.150.128/25'), /overlaps with network bench-net/],
    [theirsOf('beta', 'their-net', '192.168.144.0/20'), /overlaps with network bench-net/],
  ];
  for (const [theirs, told] of clashes) {
    const first = await readyWorld(ours);
    const second = writtenBeside(first, theirs);
    const before = thingsOf(first);
    await second.start();
    await second.clock.advance(30 * minute);
    assert.match(stalled(second, 'beta'), told);
    assert.equal(second.domain('beta-head-0'), undefined);
    assert.deepEqual(thingsOf(first), before);
    remove(first, ours);
    await first.untilGone('alpha');
    await second.until('the second is ready', () => second.isReady('beta'), 15 * minute);
    isSound(first, second);
  }
});

test('a managed network of the first may be used by the second as it is, and outlives the first', async () => {
  const first = await readyWorld(ours);
  const guest = clusterOf({ name: 'beta', replicas: 1, spec: { network: { name: 'bench-net' } } });
  const second = writtenBeside(first, guest);
  await second.start();
  await second.untilReady('beta');
  remove(first, ours);
  await first.untilGone('alpha');
  await first.clock.advance(30 * minute);
  assert.ok(second.isReady('beta'));
  assert.ok(first.hypervisor.networks.get('bench-net')?.active);
  isSound(first, second);
});

test('both want the same image at once, and the one that uploads it dies in the middle', async () => {
  const first = writtenWorld(ours);
  const second = writtenBeside(first, theirsOf('beta'));
  first.hypervisor.uploads.streamMs = 20_000;
  await first.start();
  await first.until('it uploads', () => parts(first).length > 0);
  await second.start();
  await first.clock.advance(5000);
  assert.deepEqual(parts(first), [`${image}.6f0d2c1e.part`].concat(parts(first).slice(1)));
  first.kill(30 * minute);
  await second.until('the second is ready', () => second.isReady('beta'), 10 * minute);
  assert.ok(!first.isReady('alpha'));
  await first.until('the first is ready', () => first.isReady('alpha'), 40 * minute);
  assert.deepEqual(parts(first), []);
  isSound(first, second);
});

test('what the other one is uploading is not taken away with a cluster that wanted it, too', async () => {
  const first = writtenWorld(ours);
  const second = writtenBeside(first, theirsOf('beta'));
  first.hypervisor.uploads.streamMs = 10 * minute;
  await second.start();
  await second.until('it uploads', () => parts(second).length > 0);
  await first.start();
  await first.clock.advance(minute);
  const uploading = parts(second);
  remove(first, ours);
  await first.untilGone('alpha');
  assert.deepEqual(parts(second), uploading);
  await second.until('the second is ready', () => second.isReady('beta'), 60 * minute);
  const uploads = second.effects.names.filter((name) => name.startsWith('upload'));
  assert.equal(uploads.length, 3, uploads.join());
  isSound(first, second);
});

test('an image that goes in the moment in which the other one begins to use it is uploaded again', async () => {
  const first = writtenWorld(ours);
  const second = writtenBeside(first, theirsOf('beta'));
  const { volumes, domains } = first.hypervisor;
  second.watched.writeMs = 200;
  await second.start();
  await second.until('it has a disk', () => [...volumes.values()].some((v) => v.backingVolume));
  assert.equal(domains.size, 0);
  // As when the first one had looked for users just before, and deletes just after.
  for (const { name, backingVolume } of [...volumes.values()]) {
    if (backingVolume === undefined) volumes.delete(name);
  }
  await second.untilReady('beta');
  assert.equal(second.watched.counts.get(`upload ${image}`), 2);
  isSound(second);
});

test('the janitor takes what we left of an upload, and not what the other one left', async () => {
  const world = await readyWorld(ours);
  const [left, theirs] = [world.identity, neighbourIdentity].map(({ installation }, index) => {
    const name = `old-${index}00000000000.qcow2.${installation.slice(0, 8)}.part`;
    world.hypervisor.volumes.set(name, { name, capacityBytes: 5 });
    return name;
  });
  await world.clock.advance(30 * minute);
  assert.deepEqual(parts(world), [theirs], left);
  isSound(world);
});
