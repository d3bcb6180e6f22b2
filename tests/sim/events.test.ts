/** What a host tells comes never, not for an hour, late or twice: the next look sees it anyway. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { seededChoice } from '../../src/sim/choice.ts';
import type { FaultName } from '../../src/sim/faults/kinds.ts';
import { clusterOf } from '../fakes/builders.ts';
import { readyIn, readyWorld } from './scenes.ts';
import { World } from './world.ts';

/** How long a cluster rests between two looks, when it has rested for long. */
const resyncMs = 60_000;

/** A world whose every event meets these, and how often each has struck. */
function worldWith(seed: number, ...faults: FaultName[]) {
  const struck = new Map<FaultName, number>();
  const world = new World({
    choice: seededChoice(seed),
    mixture: new Map(faults.map((fault) => [fault, 1000])),
    tell: (fault) => struck.set(fault, (struck.get(fault) ?? 0) + 1),
  });
  return { world, struck };
}

/** A worker loses its machine, another one its power; then the cluster shrinks, then it goes. */
async function liveOn(world: World): Promise<void> {
  const first = world.domain('alpha-compute-0') ?? assert.fail();
  const second = world.domain('alpha-compute-1') ?? assert.fail();
  const before = world.picture();
  world.hypervisor.disturb(first.uuid, 'destroy');
  world.hypervisor.disturb(first.uuid, 'undefine');
  world.hypervisor.disturb(second.uuid, 'crash');
  await world.until(
    'both run',
    () => isRunning(world, first.name) && isRunning(world, second.name),
  );
  await world.untilReady('alpha');
  assert.deepEqual(world.picture(), before);
  world.source.put(clusterOf({ replicas: 1 }));
  await world.untilReady('alpha', 2);
  assert.equal(world.domain(second.name), undefined);
  world.source.remove(clusterOf({ replicas: 1 }));
  await world.untilGone('alpha');
  assert.deepEqual(world.picture(), { domains: [], volumes: [], networks: [] });
  assert.deepEqual(world.watched.violations, []);
  assert.deepEqual(world.thrown, []);
}

function isRunning(world: World, name: string): boolean {
  return world.domain(name)?.state === 'running';
}

test('what no event ever tells is cleaned up by the next look (A13)', async () => {
  const { world, struck } = worldWith(1, 'eventLost');
  await readyIn(world);
  await world.clock.advance(120_000);
  await liveOn(world);
  assert.ok((struck.get('eventLost') ?? 0) > 10);
});

test('when nothing is told for an hour, a change is noticed within two looks (A16)', async () => {
  const { world } = worldWith(1);
  await readyIn(world);
  // By now it looks as seldom as it ever does.
  await world.clock.advance(3_600_000);
  const { injector } = world;
  assert.ok(injector);
  const end = world.clock.now() + 3_600_000;
  injector.eventsLostUntil = end;
  const { uuid, name } = world.domain('alpha-compute-0') ?? assert.fail();
  const looks = () => world.hypervisor.calls.filter((call) => call === 'inventory').length;
  for (let count = 0; count < 3; count += 1) {
    const before = looks();
    await world.until('it has just looked', () => looks() > before);
    await world.clock.advance(2000);
    const seen = world.effects.names.length;
    const isMended = () => world.effects.names.slice(seen).some((each) => each === `start ${uuid}`);
    world.hypervisor.disturb(uuid, 'crash');
    await world.until(`${name} is started`, isMended, 2 * resyncMs);
    await world.clock.advance(1_000_000);
    assert.equal(world.condition('alpha', 'Ready')?.status, 'True');
  }
  assert.ok(world.clock.now() < end, 'it was deaf all the time');
  assert.deepEqual(world.watched.violations, []);
});

test('what is told twice, or late and in another order, has no further effect (A19)', async () => {
  const reference = await readyWorld();
  await liveOn(reference);
  const asked = ({ effects }: World, counts: (effect: string) => boolean) =>
    effects.names.filter(counts).sort();
  // Who sees a machine off for longer tells Slurm and the status of it.
  const onHost = (effect: string) => !/^(guest|putStatus)/.test(effect);
  for (const [fault, counts] of [
    ['eventTwice', () => true],
    ['eventLate', onHost],
  ] as const) {
    for (let seed = 1; seed <= 3; seed += 1) {
      const { world, struck } = worldWith(seed, fault);
      await liveOn(await readyIn(world));
      assert.ok((struck.get(fault) ?? 0) > 10);
      assert.deepEqual(asked(world, counts), asked(reference, counts), `${fault}, seed ${seed}`);
    }
  }
});

test('a storm of events about nothing makes nobody write anything (A19)', async () => {
  const world = await readyWorld();
  await world.clock.advance(120_000);
  const mark = world.oracle.rest();
  const told = world.effects.names.length;
  for (let count = 0; count < 200; count += 1) {
    for (const uuid of world.hypervisor.domains.keys()) world.hypervisor.announce(uuid);
    await world.clock.advance(300);
  }
  world.oracle.judgeRest(mark);
  assert.deepEqual(world.effects.names.slice(told), []);
  assert.deepEqual(world.watched.violations, []);
});
