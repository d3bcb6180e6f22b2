/** A host is away for an hour, or its daemon dies at the wrong moment. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SimHypervisor } from '../../src/sim/hypervisor.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { clusterOf, hostOf } from '../fakes/builders.ts';
import { readyIn, readyWorld } from './scenes.ts';
import { World } from './world.ts';

const hour = 3_600_000;

/** The runs of all machines: each start gives another id. */
function runsOf({ hypervisor }: World): Record<string, number> {
  return Object.fromEntries([...hypervisor.domains.values()].map(({ name, id }) => [name, id]));
}

test('of a host that is away for an hour nothing is made elsewhere, and nothing goes on its return (A44)', async () => {
  const elsewhere = new SimHypervisor({ clock: new VirtualClock() });
  const world = new World({ otherHosts: new Map([['elsewhere', elsewhere]]) });
  const cluster = (replicas: number) =>
    clusterOf({ replicas, spec: { placement: { hosts: ['rhodey'] } } });
  await readyIn(world, cluster(2));
  world.source.put(hostOf('elsewhere'));
  await world.clock.advance(120_000);
  const [made, runs] = [world.watched.made(), runsOf(world)];
  world.hypervisor.unreachable = true;
  await world.clock.advance(hour / 2);
  // A person who knows nothing of it wants more.
  world.source.put(cluster(3));
  await world.clock.advance(hour / 2);
  assert.equal(world.condition('alpha', 'HostReachable')?.status, 'False');
  world.hypervisor.unreachable = false;
  await world.untilReady('alpha', 2);
  await world.clock.advance(hour);
  assert.ok(world.isReady('alpha', 2));
  const { 'alpha-compute-2': added, ...rest } = runsOf(world);
  assert.ok(added);
  assert.deepEqual(rest, runs, 'whatever ran before runs on');
  const since = Object.entries(world.watched.made()).filter(
    ([what, times]) => made[what] !== times,
  );
  assert.ok(
    since.every(([what, times]) => what.includes('alpha-compute-2') && times === 1),
    JSON.stringify(since),
  );
  assert.deepEqual([...new Set(elsewhere.calls)], ['inventory'], 'it was only ever looked at');
  assert.deepEqual(world.watched.violations, []);
});

test('a guest that was ill when its host went away has its whole time anew (A44)', async () => {
  const world = await readyWorld();
  await world.clock.advance(120_000);
  const runs = runsOf(world);
  world.hypervisor.hang(world.domain('alpha-compute-0') ?? assert.fail());
  await world.clock.advance(500_000);
  world.hypervisor.unreachable = true;
  await world.clock.advance(hour);
  world.hypervisor.unreachable = false;
  await world.clock.advance(540_000);
  assert.deepEqual(runsOf(world), runs);
  const isAnew = () => runsOf(world)['alpha-compute-0'] !== runs['alpha-compute-0'];
  await world.until('it is restarted', isAnew);
  await world.untilReady('alpha');
  assert.deepEqual(world.watched.violations, []);
});

test('a power-off that was asked for before libvirtd was restarted ends no later run', async () => {
  const world = await readyWorld();
  const { name, uuid, id } = world.domain('alpha-compute-1') ?? assert.fail();
  world.watched.writeMs = 1000;
  world.source.put(clusterOf({ replicas: 1 }));
  const isAsked = () => world.effects.names.some((each) => each === `destroy ${uuid}`);
  await world.until('its power-off is on the way', isAsked);
  const domain = world.domain(name) ?? assert.fail();
  world.hypervisor.powerOff(domain, 'shutdown');
  world.hypervisor.restartDaemon();
  world.hypervisor.start(domain);
  assert.equal(domain.id, id, 'the restarted daemon gives the same id again');
  await world.clock.advance(1500);
  assert.equal(domain.state, 'running');
  assert.equal(world.condition('alpha', 'Stalled')?.status, 'False', 'nobody has to help');
  // The run of now is looked at and drained before it goes.
  await world.untilReady('alpha', 2);
  assert.equal(world.domain(name), undefined);
  assert.deepEqual(world.watched.violations, []);
});
