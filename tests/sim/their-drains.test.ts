/**
 * The machine of a worker is lost with its disk and made anew, and its record with Slurm is of the
 * one before. That record goes, unless a person has drained it: then the drain outlives the machine.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readyWorld } from './scenes.ts';
import type { World } from './world.ts';

const worker = 'alpha-compute-1';
const reason = 'fan is loud';

/** Undefined by hand, with its disk; nobody is told before all of it is done. */
function lose(world: World): void {
  const { hypervisor } = world;
  const domain = world.domain(worker);
  if (domain === undefined) throw new Error(`${worker} has no domain`);
  hypervisor.volumes.delete(hypervisor.rootOf(domain)?.name ?? '');
  hypervisor.powerOff(domain, 'destroyed');
  hypervisor.disturb(domain.uuid, 'undefine');
}

const recordOf = (world: World) => world.slurm.records('alpha').get(worker);

test('a drain by hand outlives the machine', async () => {
  const world = await readyWorld();
  world.slurm.drainByHand('alpha', worker, reason);
  lose(world);
  await world.clock.advance(600_000);
  assert.equal(world.domain(worker)?.state, 'running');
  assert.equal(recordOf(world)?.reason, reason);
  assert.deepEqual(world.oracle.lines, []);
});

test('so does one of the moment in which the record is to go', async () => {
  const world = await readyWorld();
  const { guests, slurm } = world;
  const run = guests.run.bind(guests);
  let forgets = 0;
  guests.run = (target, script, options) => {
    if (script.includes('scontrol delete')) {
      forgets += 1;
      slurm.drainByHand('alpha', worker, reason);
    }
    return run(target, script, options);
  };
  lose(world);
  await world.clock.advance(600_000);
  assert.equal(forgets, 1);
  assert.equal(recordOf(world)?.reason, reason);
  assert.deepEqual(world.oracle.lines, []);
});
