/** What time does to broken nodes: patience, back-off, an end of trying, and a memory over restarts. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortError } from '../../src/controllers/ports.ts';
import { reconcileAnnotation } from '../../src/crd/annotations.ts';
import { clusterOf, hostOf, imageOf } from '../fakes/builders.ts';
import { readyWorld, writtenWorld } from './scenes.ts';
import { World } from './world.ts';

const worker = 'alpha-compute-0';
const minute = 60_000;

function node(world: World, name = worker) {
  return world.status('alpha')?.nodes.find((item) => item.name === name);
}

function count(world: World, effect: string): number {
  return world.effects.names.filter((name) => name.startsWith(effect)).length;
}

test('a boot that never ends is replaced after ten minutes, five times, and then left to a person', async () => {
  const world = writtenWorld();
  world.guests.silent.add(worker);
  await world.start();
  await world.clock.advance(9 * minute);
  const uuid = world.domain(worker)?.uuid ?? '';
  assert.equal(count(world, `undefine ${uuid}`), 0);
  await world.clock.advance(3 * minute);
  assert.equal(count(world, `undefine ${uuid}`), 1);
  await world.clock.advance(60 * minute);
  assert.equal(count(world, `undefine ${uuid}`), 5);
  assert.equal(node(world)?.reason, 'RepairsExhausted');
  assert.equal(world.condition('alpha', 'Stalled')?.reason, 'RepairsExhausted');
  assert.equal(node(world, 'alpha-compute-1')?.phase, 'Ready', 'the other one serves');
  const writes = world.state.statusWrites;
  await world.clock.advance(60 * minute);
  assert.equal(world.state.statusWrites, writes, 'at rest');

  // A new process knows it, and an edit of the manifest is the order to go on.
  await world.stop();
  await world.start();
  await world.clock.advance(30 * minute);
  assert.equal(count(world, `undefine ${uuid}`), 5);
  const again = clusterOf();
  again.metadata.annotations = { [reconcileAnnotation]: 'now' };
  world.source.put(again);
  await world.clock.advance(30 * minute);
  assert.ok(count(world, `undefine ${uuid}`) > 5);
  world.guests.silent.delete(worker);
  await world.untilReady('alpha');
  for (const other of ['alpha-head-0', 'alpha-compute-1']) {
    assert.equal(count(world, `undefine ${world.domain(other)?.uuid}`), 0);
  }
});

test('what a quick round has told is known to a slow one that began before it', async () => {
  const world = await readyWorld();
  const suspended = () => node(world)?.unhealthy?.since;
  const run = world.guests.run.bind(world.guests);
  world.guests.run = async (...asked) => {
    await new Promise<void>((resolve) => world.clock.after(10_000, resolve));
    return run(...asked);
  };
  world.source.put(clusterOf({ pool: { drain: { timeout: '7m' } } }));
  await world.clock.advance(3_000);
  const domain = world.domain(worker);
  Object.assign(domain ?? {}, { state: 'pmsuspended', reason: 'unknown' });
  world.hypervisor.announce(domain?.uuid ?? '');
  await world.clock.advance(1_000);
  const since = suspended();
  assert.ok(since);
  await world.clock.advance(60_000);
  assert.equal(suspended(), since);
  assert.deepEqual(world.watched.violations, []);
});

test('a silent node that its scheduler calls ready is let alone for ever', async () => {
  const world = await readyWorld();
  const before = world.picture();
  await world.stop();
  world.guests.silent.add(worker);
  await world.start();
  await world.clock.advance(30 * minute);
  assert.deepEqual(world.picture(), before);
});

test('a controller that dies with a replacement has counted it, and goes on with it', async () => {
  let deaths = 0;
  const isFirst = (effect: string) => effect.startsWith('destroy') && deaths++ === 0;
  const world = new World({ dies: (effect) => (isFirst(effect) ? 'after' : undefined) });
  for (const object of [hostOf(), imageOf(), clusterOf()]) world.source.put(object);
  world.guests.silent.add(worker);
  await world.start();
  await world.until('it boots', () => world.domain(worker)?.state === 'running');
  await world.until('it is new', () => world.watched.made()[`define ${worker}`] === 2, 20 * minute);
  assert.equal(world.crashes, 1);
  assert.equal(world.watched.made()[`destroy ${worker}`], 1);
  assert.equal(world.status('alpha')?.repairs?.[0]?.count, 1);
});

/** Its guest is silent and its slurmd does not run. */
async function fallSilent(world: World): Promise<void> {
  const guest = world.guests.guest(worker);
  assert.ok(guest);
  world.guests.silent.add(worker);
  world.slurm.machine(guest).services.slurmd.stop();
  await world.until('it is told', () => node(world)?.unhealthy !== undefined);
}

test('a machine that was restarted has its ten minutes to boot', async () => {
  const world = await readyWorld();
  await fallSilent(world);
  const restarts = () => world.watched.made()[`destroy ${worker}`] ?? 0;
  await world.until('it is restarted', () => restarts() === 1, 11 * minute);
  await world.clock.advance(5 * minute);
  assert.equal(restarts(), 1);
  assert.equal(node(world)?.phase, 'Booting');
  world.guests.silent.delete(worker);
  await world.untilReady('alpha');
  assert.equal(world.watched.made()[`define ${worker}`], 1, 'with its disk');
});

test('a machine that takes its time to go off is replaced all the same', async () => {
  const world = writtenWorld(clusterOf({ replicas: 1 }));
  world.guests.silent.add(worker);
  await world.start();
  await world.until('it boots', () => node(world)?.phase === 'Booting');
  world.watched.writeMs = 1_000;
  const made = () => world.watched.made();
  await world.until('it is new', () => made()[`define ${worker}`] === 2, 30 * minute);
  assert.equal(made()[`destroy ${worker}`], 1);
});

test('a boot that was seen by nobody for a moment is still a boot', async () => {
  const world = writtenWorld();
  world.guests.silent.add(worker);
  await world.start();
  await world.until('it boots', () => node(world)?.phase === 'Booting');
  world.hypervisor.unreachable = true;
  await world.clock.advance(minute);
  assert.equal(node(world)?.reason, 'HostUnreachable');
  world.hypervisor.unreachable = false;
  await world.until('it is seen', () => node(world)?.reason !== 'HostUnreachable');
  assert.equal(node(world)?.phase, 'Booting');
  assert.equal(node(world)?.unhealthy?.reason, 'NotBooting');
  world.hypervisor.unreachable = true;
  await world.clock.advance(minute);
  assert.equal(node(world)?.unhealthy?.reason, 'NotBooting');
});

test('a machine that goes off again and again is switched on more and more seldom', async () => {
  const world = await readyWorld();
  const uuid = world.domain(worker)?.uuid ?? '';
  const starts = count(world, `start ${uuid}`);
  const end = world.clock.now() + 60 * minute;
  while (world.clock.now() < end) {
    if (world.domain(worker)?.state === 'running') world.hypervisor.disturb(uuid, 'crash');
    await world.clock.advance(5_000);
  }
  const tries = count(world, `start ${uuid}`) - starts;
  assert.ok(tries >= 9 && tries <= 18, `${tries} in an hour`);
  await world.until('it is ready', () => node(world)?.phase === 'Ready', 20 * minute);
  const writes = world.state.statusWrites;
  await world.clock.advance(70 * minute);
  assert.equal(world.state.statusWrites, writes, 'what was counted is dropped without a write');
  world.hypervisor.disturb(uuid, 'crash');
  await world.clock.advance(1_000);
  await world.untilReady('alpha');
  assert.equal(world.status('alpha')?.repairs?.[0]?.count, 1, 'an hour of health begins anew');
});

test('a machine that stopped at a full disk goes on when there is room', async () => {
  const world = await readyWorld();
  const domain = world.domain(worker);
  assert.ok(domain);
  Object.assign(domain, { state: 'paused', reason: 'ioerror' });
  await world.until('it goes on', () => domain.state === 'running');
  assert.equal(count(world, `destroy ${domain.uuid}`), 0);
  await world.untilReady('alpha');
});

test('a new process waits for what failed before it as long as the old one would', async () => {
  const world = writtenWorld();
  for (let index = 0; index < 50; index += 1) {
    world.hypervisor.failNext('createNetwork', new PortError('failed', 'no bridge left'));
  }
  await world.start();
  await world.clock.advance(10 * minute);
  const tries = count(world, 'createNetwork');
  const [attempt] = world.status('alpha')?.attempts ?? [];
  assert.equal(attempt?.count, tries);
  for (let index = 0; index < 20; index += 1) {
    await world.stop();
    await world.start();
    await world.clock.advance(5_000);
  }
  assert.ok(count(world, 'createNetwork') - tries <= 1, 'one hundred seconds hold at most one try');
});

test('what failed is forgotten when it has succeeded', async () => {
  const world = writtenWorld();
  world.hypervisor.failNext('createNetwork');
  await world.start();
  await world.untilReady('alpha');
  await world.clock.advance(5 * minute);
  assert.equal(world.status('alpha')?.attempts, undefined);
  assert.equal(world.status('alpha')?.repairs, undefined);
});

test('a cluster that is paused and deleted says what holds it up', async () => {
  const world = await readyWorld(clusterOf({ spec: { paused: true } })).catch(() => undefined);
  assert.equal(world, undefined, 'a paused cluster is not even made');
  const made = await readyWorld();
  made.source.put(clusterOf({ spec: { paused: true } }));
  await made.clock.advance(minute);
  made.state.requestDeletion('default', 'alpha');
  made.source.remove(clusterOf());
  await made.clock.advance(minute);
  assert.equal(made.condition('alpha', 'Stalled')?.reason, 'DeletionPaused');
  assert.match(
    made.condition('alpha', 'Ready')?.message ?? '',
    /is paused: write its manifest again/,
  );
});
