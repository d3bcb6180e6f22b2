/** What is left of, or comes back from, an earlier life: volumes, machines, host keys. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf, identity } from '../fakes/builders.ts';
import { diskOfNode, uuidOfNode } from '../oracle/derived.ts';
import { readyWorld, runJob, writtenWorld } from './scenes.ts';
import type { World } from './world.ts';

const minute = 60_000;

function disk(node: string): string {
  return diskOfNode(node, uuidOfNode(identity.installation, 'default/alpha', node));
}

/** As often as commands were sent to that node. */
function commands(world: World, node: string): number {
  return world.effects.names.filter((name) => name.startsWith(`guest ${node} `)).length;
}

test('a volume of an earlier life is taken over only with the same size and base (A42)', async () => {
  const world = await readyWorld(clusterOf({ replicas: 1 }));
  const { volumes } = world.hypervisor;
  const first = volumes.get(disk('alpha-compute-0'));
  assert.ok(first?.backingVolume);
  const [same, larger, foreign] = ['alpha-compute-1', 'alpha-compute-2', 'alpha-compute-3'].map(
    disk,
  );
  assert.ok(same && larger && foreign);
  volumes.set(same, { ...first, name: same });
  volumes.set(larger, { ...first, name: larger, capacityBytes: first.capacityBytes * 2 });
  volumes.set(foreign, { name: foreign, capacityBytes: first.capacityBytes });
  await world.clock.advance(10_000);
  world.source.put(clusterOf({ replicas: 4 }));
  const node = (name: string) => world.status('alpha')?.nodes.find((each) => each.name === name);
  await world.until('two have joined', () => {
    return ['alpha-compute-1', 'alpha-compute-2'].every((name) => node(name)?.phase === 'Ready');
  });
  const made = world.watched.made();
  assert.equal(made[`volume ${same}`], undefined, 'it was adopted');
  assert.equal(made[`volume ${larger}`], 1, 'it was made anew');
  assert.deepEqual(volumes.get(foreign), { name: foreign, capacityBytes: first.capacityBytes });
  assert.equal(node('alpha-compute-3')?.reason, 'ForeignVolume');
  assert.deepEqual(world.watched.violations, []);
});

test('an orphan sweep beside a slow creation takes nothing of it (A43)', async () => {
  const world = await readyWorld(clusterOf({ replicas: 1 }));
  world.watched.writeMs = 20 * minute;
  world.source.put(clusterOf({ name: 'beta', replicas: 2 }));
  await world.until('beta is ready', () => world.isReady('beta'), 12 * 60 * minute);
  const made = Object.entries(world.watched.made());
  const twice = made.filter(([name, count]) => name.includes('beta-') && count > 1);
  assert.deepEqual(twice, []);
  assert.deepEqual(world.watched.violations, []);
});

test('a host that is restored from a backup has old machines replaced and dead ones let alone (A45)', async () => {
  const beta = clusterOf({ name: 'beta', replicas: 1 });
  const world = await readyWorld(clusterOf(), beta);
  const restore = world.hypervisor.backup();
  world.source.put(clusterOf({ replicas: 1, pool: { memory: '2Gi' } }));
  await world.untilReady('alpha', 2);
  world.source.remove(beta);
  await world.untilGone('beta');
  await world.clock.advance(minute);
  restore();
  await world.until(
    'it is as before',
    () => world.domain('alpha-compute-1') === undefined,
    30 * minute,
  );
  await world.untilReady('alpha', 2);
  assert.equal(world.domain('alpha-compute-0')?.memoryBytes, 2 * 2 ** 30);
  for (const name of ['beta-head-0', 'beta-compute-0']) {
    assert.equal(world.domain(name)?.state, 'shutoff', `${name} stays off`);
  }
  await world.clock.advance(60 * minute);
  assert.equal(world.domain('beta-compute-0'), undefined, 'the sweep takes what is off');
  assert.deepEqual([...world.slurm.records('alpha').keys()], ['alpha-compute-0']);
  assert.deepEqual(world.watched.violations, []);
});

test('another host key at the address of a node gets no command, not even by a new process (A48)', async () => {
  const world = await readyWorld();
  world.guests.impostors.add('alpha-compute-0');
  const before = commands(world, 'alpha-compute-0');
  const disturb = () => {
    const domain = world.domain('alpha-compute-0');
    assert.ok(domain);
    world.hypervisor.disturb(domain.uuid, 'crash');
  };
  disturb();
  await world.clock.advance(5 * minute);
  world.kill();
  await world.clock.advance(5 * minute);
  const { guests } = world;
  assert.notEqual(
    world.status('alpha')?.nodes.find(({ name }) => name === 'alpha-compute-0')?.phase,
    'Ready',
  );
  assert.equal(commands(world, 'alpha-compute-0'), before);
  guests.impostors.clear();
  disturb();
  await world.until('it is ready', () => world.isReady('alpha'), 30 * minute);
  await runJob(world, 'alpha-compute-0');
  assert.deepEqual(world.watched.violations, []);
});

test('a process that begins under a clock of another hour ends no drain early (A66)', async () => {
  for (const jump of [3_600_000, -3_600_000]) {
    const drain = { timeout: '5m', onTimeout: 'Force' } as const;
    const world = writtenWorld(clusterOf({ pool: { drain } }));
    await world.start();
    await world.untilReady('alpha');
    const job = await runJob(world, 'alpha-compute-1');
    world.source.put(clusterOf({ replicas: 1, pool: { drain } }));
    await world.clock.advance(100_000);
    world.jumpClock(jump);
    await world.clock.advance(170_000);
    assert.ok(world.slurm.running('alpha-compute-1').includes(job), `after ${jump}`);
    // A time to come tells nothing of how long people have been told: late rather than early.
    await world.clock.advance(jump > 0 ? 80_000 : 180_000);
    assert.equal(world.domain('alpha-compute-1'), undefined);
    assert.deepEqual(world.watched.violations, []);
  }
});

test('a process that begins under a clock of another hour gives each guest its time anew (A66)', async () => {
  const worker = 'alpha-compute-1';
  for (const jump of [3_600_000, -3_600_000]) {
    const world = writtenWorld();
    world.guests.silent.add(worker);
    await world.start();
    await world.until('it boots', () => world.domain(worker)?.state === 'running');
    await world.clock.advance(2 * minute);
    world.jumpClock(jump);
    await world.clock.advance(minute);
    world.kill();
    await world.clock.advance(9 * minute);
    assert.equal(world.watched.made()[`destroy ${worker}`], undefined, `after ${jump}`);
    await world.clock.advance(3 * minute);
    assert.equal(world.watched.made()[`destroy ${worker}`], 1, `after ${jump}`);
    assert.deepEqual(world.watched.violations, []);
  }
});

test('nor ends a drain early while the scheduler cannot be asked (A66)', async () => {
  const drain = { timeout: '5m', onTimeout: 'Force' } as const;
  const world = writtenWorld(clusterOf({ pool: { drain } }));
  await world.start();
  await world.untilReady('alpha');
  const job = await runJob(world, 'alpha-compute-1');
  world.source.put(clusterOf({ replicas: 1, pool: { drain } }));
  await world.clock.advance(100_000);
  world.guests.silent.add('alpha-head-0');
  world.jumpClock(3_600_000);
  await world.clock.advance(4 * minute);
  assert.ok(world.slurm.running('alpha-compute-1').includes(job));
  await world.clock.advance(2 * minute);
  assert.equal(world.domain('alpha-compute-1')?.state, 'shutoff');
  assert.deepEqual(world.watched.violations, []);
});

test('a clock that is set back makes nobody look without end, nor wait for the hour to come (A66)', async () => {
  const world = writtenWorld(clusterOf({ replicas: 1 }));
  for (let count = 0; count < 18; count += 1) world.hypervisor.failNext('createVolume');
  const tries = () =>
    world.effects.names.filter((name) => name.includes('Volume alpha-head')).length;
  await world.start();
  world.jumpClock(3_600_000);
  await world.until('all tries have failed', () => tries() >= 9, 30 * minute);
  world.jumpClock(-3_600_000);
  const before = world.watched.listings;
  await world.until('the next try has come', () => world.isReady('alpha'), 30 * minute);
  assert.ok(world.watched.listings - before < 200, `${world.watched.listings - before} listings`);
  assert.deepEqual(world.watched.violations, []);
});
