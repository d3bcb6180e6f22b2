/** The world is against the controller: calls fail, answers are lost, hosts and disks are away. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortError } from '../../src/controllers/ports.ts';
import type { SimCall } from '../../src/sim/hypervisor.ts';
import { clusterOf, imageOf } from '../fakes/builders.ts';
import { pause, readyWorld, runJob, writtenWorld } from './scenes.ts';

const nothing = { domains: [], volumes: [], networks: [] };
const writes: SimCall[] = [
  'uploadArtifact',
  'createNetwork',
  'createVolume',
  'defineDomain',
  'changeDomain',
];
const removals: SimCall[] = ['changeDomain', 'deleteVolume', 'removeNetwork'];

for (const call of [...writes, 'inventory', 'hostKey'] as const) {
  test(`creation goes on after ${call} failed, and after its answer was lost`, async () => {
    const reference = await readyWorld();
    const world = writtenWorld();
    world.hypervisor.failNext(call);
    world.hypervisor.loseReplyOfNext(call);
    await world.start();
    await world.untilReady('alpha');
    assert.deepEqual(world.picture(), reference.picture());
    assert.deepEqual(world.watched.violations, []);
    assert.deepEqual(world.thrown, []);
  });
}

for (const call of removals) {
  test(`deletion goes on after ${call} failed, and after its answer was lost`, async () => {
    const world = await readyWorld();
    world.hypervisor.failNext(call);
    world.hypervisor.loseReplyOfNext(call);
    world.source.remove(clusterOf());
    await world.untilGone('alpha');
    assert.deepEqual(world.picture(), nothing);
    assert.deepEqual(world.watched.violations, []);
  });
}

test('a failing action is tried again more and more seldom, and its error is told', async () => {
  const world = writtenWorld();
  for (let count = 0; count < 50; count += 1) {
    world.hypervisor.failNext('createNetwork', new PortError('failed', 'no bridge left'));
  }
  await world.start();
  await world.clock.advance(600_000);
  const tries = world.effects.names.filter((name) => name.startsWith('createNetwork')).length;
  assert.ok(tries >= 8 && tries <= 11, `${tries} tries in ten minutes`);
  const told = world.status('alpha')?.conditions.map(({ message }) => message);
  assert.ok(told?.some((message) => message.includes('no bridge left')));
});

test('a deleted cluster leaves nothing although each listing is old when it arrives', async () => {
  for (const [staleMs, writeMs] of [
    [100, 250],
    [400, 250],
    [400, 20],
  ] as const) {
    for (let at = 10; at < 2500; at += 60) {
      const world = writtenWorld();
      world.watched.staleMs = staleMs;
      world.watched.writeMs = writeMs;
      await world.start();
      await world.clock.advance(at);
      world.source.remove(clusterOf());
      await world.untilGone('alpha');
      await world.clock.advance(60_000);
      assert.deepEqual(world.picture(), nothing, `${staleMs} ms old, deleted at ${at} ms`);
    }
  }
});

test('a guest that does not answer is told of once, not at each visit', async () => {
  const world = await readyWorld(clusterOf({ replicas: 1 }));
  const worker = world.domain('alpha-compute-0');
  world.guests.silent.add('alpha-compute-0');
  world.hypervisor.powerOff(worker ?? assert.fail(), 'crashed');
  const told = () => world.status('alpha')?.nodes.find(({ name }) => name === worker?.name);
  await world.until('it is known', () => told()?.message.endsWith('does not answer') === true);
  // Until Slurm has noticed it too.
  await world.clock.advance(2 * 60_000);
  const written = () => world.effects.names.filter((name) => name === 'putStatus').length;
  const before = written();
  await world.clock.advance(5 * 60_000);
  assert.equal(told()?.phase, 'Booting');
  assert.equal(written(), before);
});

test('what was planned for a spec that has changed since is not done any more', async () => {
  const world = await readyWorld(clusterOf({ replicas: 1 }));
  world.watched.staleMs = 1000;
  world.source.put(clusterOf({ replicas: 2 }));
  await world.clock.advance(500);
  world.source.put(clusterOf({ replicas: 1 }));
  await world.untilReady('alpha', 3);
  await world.clock.advance(60_000);
  assert.ok(!Object.keys(world.watched.made()).some((made) => made.includes('alpha-compute-1')));
});

test('a cluster is made once although each listing is old when it arrives', async () => {
  const world = writtenWorld();
  world.watched.staleMs = 300;
  await world.start();
  await world.untilReady('alpha');
  assert.deepEqual([...new Set(world.watched.counts.values())], [1]);
});

test('a host that is away stops nothing but its clusters, and all is well when it is back', async () => {
  const world = await readyWorld();
  const before = world.picture();
  world.hypervisor.unreachable = true;
  await world.clock.advance(60_000);
  assert.equal(world.condition('alpha', 'HostReachable')?.status, 'False');
  assert.equal(world.condition('alpha', 'Ready')?.reason, 'HostUnreachable');
  world.hypervisor.unreachable = false;
  await world.untilReady('alpha');
  assert.deepEqual(world.picture(), before);
});

test('nothing is called removed because its host is away', async () => {
  const world = await readyWorld();
  await runJob(world, 'alpha-compute-1');
  world.source.put(clusterOf({ replicas: 1 }));
  await world.clock.advance(10_000);
  world.hypervisor.unreachable = true;
  await world.clock.advance(30_000);
  const names = world.status('alpha')?.nodes.map(({ name }) => name);
  assert.ok(names?.includes('alpha-compute-1'));
  const events = await world.state.events();
  assert.ok(!events.some(({ reason }) => reason === 'Removed'));
});

test('an inactive storage pool stops creation and deletion, and nothing is forgotten', async () => {
  const fresh = writtenWorld();
  fresh.hypervisor.poolActive = false;
  await fresh.start();
  await fresh.clock.advance(60_000);
  assert.equal(fresh.condition('alpha', 'Stalled')?.reason, 'PoolInactive');
  assert.ok(!fresh.effects.names.some((name) => name.startsWith('upload')));

  const world = await readyWorld();
  const volumes = new Map(world.hypervisor.volumes);
  // libvirt lists no volumes of a pool that is not active.
  world.hypervisor.poolActive = false;
  world.hypervisor.volumes.clear();
  world.source.remove(clusterOf());
  await world.clock.advance(60_000);
  assert.ok(world.state.has('default/alpha'), 'its record is kept');
  assert.equal(world.condition('alpha', 'Stalled')?.reason, 'PoolInactive');
  world.hypervisor.poolActive = true;
  for (const [name, volume] of volumes) world.hypervisor.volumes.set(name, volume);
  await world.untilGone('alpha');
  assert.deepEqual(world.picture(), nothing);
});

test('a full disk under the state loses no status: it is written when there is room', async () => {
  const world = await readyWorld();
  pause(world, 'alpha-compute-0');
  world.state.failNext(3);
  await world.clock.advance(60_000);
  assert.equal(world.condition('alpha', 'Stalled')?.status, 'True');
});

test('an edit does not bring an old status back into the record', async () => {
  const world = await readyWorld();
  pause(world, 'alpha-compute-0');
  await world.clock.advance(31_000);
  await world.stop();
  await world.start();
  world.hypervisor.disturb(world.domain('alpha-compute-0')?.uuid ?? '', 'destroy');
  await world.untilReady('alpha');
  world.source.put(clusterOf({ spec: { paused: true } }));
  world.kill();
  const { status } = world.state.record('default/alpha') ?? {};
  assert.ok(status?.nodes.every(({ phase }) => phase === 'Ready'));
});

test('a guest that does not answer holds up no other, and joins when it answers', async () => {
  const world = writtenWorld();
  world.guests.silent.add('alpha-compute-0');
  await world.start();
  const isReady = (name: string) =>
    world.status('alpha')?.nodes.some((node) => node.name === name && node.phase === 'Ready');
  await world.until('the other is ready', () => isReady('alpha-compute-1') === true, 30_000);
  world.guests.silent.delete('alpha-compute-0');
  await world.untilReady('alpha');
});

test('a head that does not answer makes nobody destroy anything', async () => {
  const world = await readyWorld();
  const before = world.picture().domains;
  world.guests.silent.add('alpha-head-0');
  world.source.put(clusterOf({ replicas: 1, pool: { memory: '2Gi' } }));
  await world.clock.advance(300_000);
  assert.deepEqual(world.picture().domains, before);
  world.guests.silent.delete('alpha-head-0');
  await world.untilReady('alpha', 2);
  assert.deepEqual(world.watched.violations, []);
});

test('a unit that fails is told with its journal and tried again', async () => {
  const world = writtenWorld();
  world.guests.failUnits('slurm-head', 2);
  await world.start();
  await world.until('it is told', () =>
    (world.condition('alpha', 'Ready')?.message ?? '').includes('slurm-head failed on request'),
  );
  await world.untilReady('alpha');
});

test('foreign things of our names are named and left as they are', async () => {
  const world = writtenWorld();
  world.hypervisor.addForeignDomain({ name: 'alpha-compute-0', uuid: 'foreign' });
  world.hypervisor.addNetwork({ name: 'bench-net', uuid: 'foreign-net' });
  const volume = { name: 'alpha-compute-1-01220ba9.qcow2', capacityBytes: 5 };
  world.hypervisor.volumes.set(volume.name, volume);
  await world.start();
  await world.clock.advance(60_000);
  const stalled = world.condition('alpha', 'Stalled');
  assert.match(stalled?.message ?? '', /network bench-net/);
  const head = world.status('alpha')?.nodes.find(({ name }) => name === 'alpha-compute-0');
  assert.match(head?.message ?? '', /domain alpha-compute-0 \(foreign\)/);
  assert.deepEqual(world.hypervisor.volumes.get(volume.name), volume);
  assert.equal(world.domain('alpha-compute-0')?.uuid, 'foreign');
  assert.equal(world.hypervisor.networks.get('bench-net')?.uuid, 'foreign-net');
  world.source.remove(clusterOf());
  await world.untilGone('alpha');
  assert.equal(world.domain('alpha-compute-0')?.uuid, 'foreign');
  assert.equal(world.hypervisor.networks.get('bench-net')?.uuid, 'foreign-net');
});

test('the disk of a domain that lost its mark is left alone when its node is not wanted', async () => {
  const world = await readyWorld();
  const domain = world.domain('alpha-compute-1');
  assert.ok(domain);
  delete domain.owner;
  world.hypervisor.powerOff(domain, 'shutdown');
  const disk = 'alpha-compute-1-01220ba9.qcow2';
  world.source.put(clusterOf({ replicas: 1 }));
  await world.clock.advance(60_000);
  assert.ok(world.hypervisor.volumes.has(disk));
});

test('a broken, emptied or unreadable source changes nothing, and mended it goes on', async () => {
  const world = await readyWorld();
  const before = world.picture();
  const fault = { file: 'alpha.yaml', line: 3, message: 'bad indentation' };
  world.source.breakFile(clusterOf(), fault);
  await world.clock.advance(60_000);
  assert.deepEqual(world.picture(), before);
  assert.match(world.condition('alpha', 'SourceValid')?.message ?? '', /alpha\.yaml:3/);
  world.source.distrust('the directory is empty');
  await world.clock.advance(60_000);
  assert.deepEqual(world.picture(), before);
  assert.match(world.condition('alpha', 'SourceValid')?.message ?? '', /directory is empty/);
  world.source.put(clusterOf());
  world.source.put(imageOf());
  world.source.mend();
  await world.untilReady('alpha');
  assert.deepEqual(world.picture(), before);
});

test('when the scheduler is away in the midst of a rollout, the same node goes on after it', async () => {
  const world = await readyWorld(clusterOf({ replicas: 3 }));
  await runJob(world, 'alpha-compute-0');
  world.source.put(clusterOf({ replicas: 3, pool: { memory: '2Gi' } }));
  const phase = (name: string) =>
    world.status('alpha')?.nodes.find((node) => node.name === name)?.phase;
  await world.until('the first drains', () => phase('alpha-compute-0') === 'Draining');
  // Its time counts from when Slurm has it.
  const isClosed = () => world.slurm.records('alpha').get('alpha-compute-0')?.closed === true;
  await world.until('Slurm drains it', isClosed);
  const since = world.status('alpha')?.nodes.find(({ pool }) => pool === 'compute')?.since;
  world.guests.silent.add('alpha-head-0');
  await world.clock.advance(60_000);
  assert.equal(phase('alpha-compute-0'), 'Draining');
  assert.notEqual(phase('alpha-compute-1'), 'Draining');
  world.guests.silent.delete('alpha-head-0');
  await world.clock.advance(30_000);
  const nodes = world.status('alpha')?.nodes.filter(({ pool }) => pool === 'compute');
  assert.deepEqual(
    nodes?.map((node) => node.phase),
    ['Draining', 'Ready', 'Ready'],
  );
  assert.equal(nodes?.[0]?.since, since);
});
