/** The life of clusters in the simulated world: made, grown, shrunk, repaired, deleted. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf, imageOf } from '../fakes/builders.ts';
import { pause, readyWorld, runJob, writtenWorld } from './scenes.ts';
import type { World } from './world.ts';

function identities(world: World): Map<string, string> {
  return new Map(
    [...world.hypervisor.domains.values()].map(({ name, uuid, id }) => [name, `${uuid}#${id}`]),
  );
}

function phases(world: World): Record<string, string> {
  return Object.fromEntries(
    (world.status('alpha')?.nodes ?? []).map(({ name, phase }) => [name, phase]),
  );
}

test('a manifest becomes a ready cluster, each thing made once', async () => {
  const world = await readyWorld();
  assert.deepEqual(phases(world), {
    'alpha-head-0': 'Ready',
    'alpha-compute-0': 'Ready',
    'alpha-compute-1': 'Ready',
  });
  assert.deepEqual([...new Set(world.watched.counts.values())], [1]);
  assert.equal(world.hypervisor.volumes.size, 6);
  const { endpoint } = world.status('alpha') ?? {};
  assert.match(endpoint ?? '', /^192\.168\.150\./);
});

test('the same secret reaches all nodes, and no status or event shows it', async () => {
  const world = await readyWorld();
  const keys = ['alpha-head-0', 'alpha-compute-0', 'alpha-compute-1'].map((name) =>
    world.guests.guest(name)?.disk.get('/etc/munge/munge.key'),
  );
  assert.equal(new Set(keys).size, 1);
  assert.ok(keys[0]);
  const told = JSON.stringify([world.status('alpha'), await world.state.events()]);
  assert.ok(!told.includes(keys[0]));
});

test('two to three to one: the job ends first, then drain, then removal; others are untouched', async () => {
  const world = await readyWorld();
  const before = identities(world);
  world.source.put(clusterOf({ replicas: 3 }));
  await world.untilReady('alpha', 2);
  for (const [name, identity] of before) assert.equal(identities(world).get(name), identity);

  const job = await runJob(world, 'alpha-compute-2');
  world.source.put(clusterOf({ replicas: 1 }));
  await world.until('compute-1 is gone', () => world.domain('alpha-compute-1') === undefined);
  await world.clock.advance(60_000);
  assert.equal(phases(world)['alpha-compute-2'], 'Draining');
  assert.equal(world.domain('alpha-compute-2')?.state, 'running');

  world.slurm.endJob('alpha', job);
  await world.untilReady('alpha', 3);
  assert.deepEqual([...identities(world).keys()].sort(), ['alpha-compute-0', 'alpha-head-0']);
  assert.equal(identities(world).get('alpha-compute-0'), before.get('alpha-compute-0'));
  assert.deepEqual([...world.slurm.records('alpha').keys()], ['alpha-compute-0']);
  assert.equal(world.hypervisor.volumes.size, 5);
  assert.deepEqual(world.watched.violations, []);
});

test('Force removes a node with its job when the deadline has passed, not before, and tells of it', async () => {
  const drain = { timeout: '5m', onTimeout: 'Force' } as const;
  const world = await readyWorld(clusterOf({ pool: { drain } }));
  const job = await runJob(world, 'alpha-compute-1');
  world.source.put(clusterOf({ replicas: 1, pool: { drain } }));
  await world.clock.advance(290_000);
  assert.equal(world.domain('alpha-compute-1')?.state, 'running');
  await world.clock.advance(30_000);
  assert.equal(world.domain('alpha-compute-1'), undefined);
  const events = await world.state.events();
  const told = events.find(({ reason }) => reason === 'JobsLost');
  assert.equal(told?.node, 'alpha-compute-1');
  assert.ok(told?.message.endsWith(`1 job: ${job}`), told?.message);
});

test('so it does where the whole cluster goes', async () => {
  const drain = { timeout: '5m', onTimeout: 'Force' } as const;
  const world = await readyWorld(clusterOf({ pool: { drain } }));
  const job = await runJob(world, 'alpha-compute-1');
  world.source.remove(clusterOf());
  await world.until('it is gone', () => !world.state.has('default/alpha'), 600_000);
  const events = await world.state.events();
  const told = events.filter(({ reason }) => reason === 'JobsLost');
  assert.deepEqual(
    told.flatMap(({ node, message }) => (node?.endsWith('-1') ? message.split(' job: ')[1] : [])),
    [job],
  );
});

test('the drain deadline counts on through a restart and an outage of the host', async () => {
  const drain = { timeout: '5m', onTimeout: 'Force' } as const;
  const world = await readyWorld(clusterOf({ pool: { drain } }));
  await runJob(world, 'alpha-compute-1');
  world.source.put(clusterOf({ replicas: 1, pool: { drain } }));
  await world.clock.advance(100_000);
  world.kill();
  await world.clock.advance(50_000);
  world.hypervisor.unreachable = true;
  await world.clock.advance(60_000);
  world.hypervisor.unreachable = false;
  await world.clock.advance(70_000);
  assert.equal(world.domain('alpha-compute-1')?.state, 'running');
  await world.clock.advance(40_000);
  assert.equal(world.domain('alpha-compute-1'), undefined);
});

test('a drain that a person made is never undone', async () => {
  const world = await readyWorld();
  world.slurm.drainByHand('alpha', 'alpha-compute-1', 'fan is loud');
  await world.clock.advance(120_000);
  assert.equal(world.slurm.records('alpha').get('alpha-compute-1')?.reason, 'fan is loud');
  assert.equal(phases(world)['alpha-compute-1'], 'NotReady');
});

test('a node that is wanted again while it drains is taken back', async () => {
  const world = await readyWorld();
  const before = identities(world);
  await runJob(world, 'alpha-compute-1');
  world.source.put(clusterOf({ replicas: 1 }));
  await world.until('it drains', () => phases(world)['alpha-compute-1'] === 'Draining');
  await world.clock.advance(5000);
  world.source.put(clusterOf({ replicas: 2 }));
  await world.untilReady('alpha', 3);
  assert.deepEqual(identities(world), before);
});

for (const how of ['destroy', 'crash', 'undefine'] as const) {
  test(`a domain after ${how} is repaired without a hand`, async () => {
    const world = await readyWorld();
    const uuid = world.domain('alpha-compute-0')?.uuid ?? '';
    world.hypervisor.disturb(uuid, how);
    await world.clock.advance(1000);
    assert.equal(world.domain('alpha-compute-0')?.state, 'running', 'within a second');
    assert.equal(world.domain('alpha-compute-0')?.persistent, true);
    await world.untilReady('alpha');
    assert.deepEqual(world.watched.violations, []);
  });
}

test('a domain that vanished altogether is made again on its old disk', async () => {
  const world = await readyWorld();
  const uuid = world.domain('alpha-compute-0')?.uuid ?? '';
  world.hypervisor.disturb(uuid, 'undefine');
  world.hypervisor.disturb(uuid, 'destroy');
  await world.clock.advance(1000);
  await world.untilReady('alpha');
  assert.equal(world.domain('alpha-compute-0')?.uuid, uuid);
  assert.equal(world.watched.made()['volume alpha-compute-0-e9fa6c8e.qcow2'], 1);
});

test('the head comes back with its records after a power cut, and its workers with it', async () => {
  const world = await readyWorld();
  world.hypervisor.disturb(world.domain('alpha-head-0')?.uuid ?? '', 'destroy');
  await world.clock.advance(1000);
  await world.untilReady('alpha');
  assert.equal(world.slurm.records('alpha').size, 2);
});

test('a paused domain waits for a person and goes on when it was resumed', async () => {
  const world = await readyWorld();
  pause(world, 'alpha-compute-0');
  await world.clock.advance(31_000);
  assert.equal(phases(world)['alpha-compute-0'], 'Stalled');
  assert.equal(world.condition('alpha', 'Stalled')?.status, 'True');
  const domain = world.domain('alpha-compute-0');
  assert.ok(domain);
  domain.state = 'running';
  await world.clock.advance(60_000);
  assert.ok(world.isReady('alpha'));
});

test('a deleted cluster leaves nothing, and no violation on the way', async () => {
  const world = await readyWorld();
  const job = await runJob(world, 'alpha-compute-0');
  world.source.remove(clusterOf());
  await world.clock.advance(60_000);
  assert.equal(world.domain('alpha-compute-0')?.state, 'running');
  world.slurm.endJob('alpha', job);
  await world.untilGone('alpha');
  assert.deepEqual(world.picture(), { domains: [], volumes: [], networks: [] });
  assert.deepEqual(world.watched.violations, []);
});

test('a cluster that is deleted while it is still being made leaves nothing', async () => {
  for (const at of [0, 10, 500, 2500, 4500, 6000, 9000]) {
    const world = writtenWorld();
    await world.start();
    await world.clock.advance(at);
    world.source.remove(clusterOf());
    await world.untilGone('alpha');
    await world.clock.advance(60_000);
    assert.deepEqual(world.picture(), { domains: [], volumes: [], networks: [] }, `at ${at} ms`);
    assert.deepEqual(world.watched.violations, [], `at ${at} ms`);
  }
});

test('a cluster that is deleted while its slow host works on it leaves nothing', async () => {
  for (const delayMs of [100, 700, 2100]) {
    for (const at of [50, 250, 1000, 2500, 4100, 8000]) {
      const world = writtenWorld();
      world.hypervisor.delayMs = delayMs;
      await world.start();
      await world.clock.advance(at);
      world.source.remove(clusterOf());
      await world.untilGone('alpha');
      await world.clock.advance(60_000);
      const left = { domains: [], volumes: [], networks: [] };
      assert.deepEqual(world.picture(), left, `${delayMs} ms per call, deleted at ${at} ms`);
    }
  }
});

test('a manifest that comes back during its deletion revives the cluster', async () => {
  const world = await readyWorld();
  await runJob(world, 'alpha-compute-1');
  world.source.remove(clusterOf());
  await world.clock.advance(20_000);
  world.source.put(clusterOf());
  await world.untilReady('alpha');
  assert.equal(world.state.record('default/alpha')?.deletionTimestamp, undefined);
});

test('two clusters share a network; it goes with the last of them', async () => {
  const beta = clusterOf({ name: 'beta', replicas: 1 });
  const world = await readyWorld(clusterOf(), beta);
  assert.equal(world.hypervisor.networks.size, 1);
  assert.equal(world.watched.made()['network bench-net'], 1);
  world.source.remove(clusterOf());
  await world.untilGone('alpha');
  assert.equal(world.hypervisor.networks.size, 1);
  assert.ok(world.isReady('beta'));
  const names = [...world.hypervisor.volumes.keys()].map((name) => name.split('.')[1]);
  assert.deepEqual(names.sort(), ['initrd', 'qcow2', 'qcow2', 'qcow2', 'vmlinuz']);
  // Sooner it would be one mass deletion of all that there is.
  await world.clock.advance(60_000);
  world.source.remove(beta);
  await world.untilGone('beta');
  assert.deepEqual(world.picture(), { domains: [], volumes: [], networks: [] });
});

test('two clusters that are deleted at once leave nothing either', async () => {
  const beta = clusterOf({ name: 'beta', replicas: 1 });
  const world = await readyWorld(clusterOf(), beta);
  world.source.remove(clusterOf());
  world.source.remove(beta);
  // By name, as `benchctl delete` asks: what vanishes with so much else would be held.
  for (const name of ['alpha', 'beta']) world.state.requestDeletion('default', name);
  await world.untilGone('alpha');
  await world.untilGone('beta');
  assert.deepEqual(world.picture(), { domains: [], volumes: [], networks: [] });
});

test('more memory rolls through the pool one by one, each node drained first', async () => {
  const world = await readyWorld(clusterOf({ replicas: 3 }));
  const head = identities(world).get('alpha-head-0');
  const before = identities(world);
  world.source.put(clusterOf({ replicas: 3, pool: { memory: '2Gi' } }));
  let most = 0;
  const limit = world.clock.now() + 600_000;
  while (!world.isReady('alpha', 2) && world.clock.now() < limit) {
    await world.clock.advance(100);
    const down = Object.values(phases(world)).filter((phase) => phase !== 'Ready').length;
    most = Math.max(most, down);
  }
  assert.ok(world.isReady('alpha', 2));
  assert.equal(most, 1);
  assert.equal(identities(world).get('alpha-head-0'), head);
  for (const index of [0, 1, 2]) {
    const name = `alpha-compute-${index}`;
    assert.notEqual(identities(world).get(name), before.get(name));
    assert.equal(world.watched.made()[`define ${name}`], 2);
  }
  assert.deepEqual(world.watched.violations, []);
});

test('a new image rolls through the workers and the old one goes with the cluster', async () => {
  const world = await readyWorld();
  world.source.put(imageOf('debian', 'b'));
  const rolled = () =>
    ['alpha-compute-0', 'alpha-compute-1'].every((name) =>
      world.domain(name)?.owner?.node?.image.endsWith('bbbb'),
    );
  await world.until('both are of the new image', rolled, 300_000);
  await world.clock.advance(60_000);
  assert.equal(world.condition('alpha', 'UpToDate')?.reason, 'HeadOutdated');
  world.source.remove(clusterOf());
  await world.untilGone('alpha');
  assert.deepEqual(world.picture().volumes, []);
});

test('at rest nothing is done and no status is written for a hundred rounds', async () => {
  const world = await readyWorld();
  await world.clock.advance(60_000);
  const { statusWrites } = world.state;
  const effects = world.effects.names.length;
  const reads = world.hypervisor.calls.filter((call) => call === 'inventory').length;
  await world.clock.advance(100 * 30_000);
  const rounds = world.hypervisor.calls.filter((call) => call === 'inventory').length - reads;
  assert.ok(rounds >= 100, `${rounds} rounds`);
  assert.equal(world.effects.names.length, effects, world.effects.names.slice(effects).join());
  assert.equal(world.state.statusWrites, statusWrites);
});

test('an orderly stop and a new start change nothing', async () => {
  const world = await readyWorld();
  const before = world.picture();
  await world.stop();
  assert.equal(world.timers.size, 0);
  await world.start();
  await world.clock.advance(120_000);
  assert.deepEqual(world.picture(), before);
  assert.ok(world.isReady('alpha'));
});
