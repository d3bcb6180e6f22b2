/** A pool in which nothing more can be made. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { PortError } from '../../src/controllers/ports.ts';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld, writtenWorld } from './scenes.ts';
import type { World } from './world.ts';

const minute = 60_000;

/** As long as `isFull` says so, no volume gets room. */
function fill(world: World, isFull: () => boolean): void {
  world.hypervisor.faults.mishap = (call) => {
    const needsRoom = call === 'createVolume' || call === 'uploadArtifact';
    if (!needsRoom || !isFull()) return undefined;
    if (call === 'uploadArtifact') world.hypervisor.uploads.toCut += 1;
    else return { refusal: new PortError('failed', 'no space left on device') };
    return {};
  };
}

test('a pool that is full at a disk is told, and all that needs no room goes on (A39)', async () => {
  const world = await readyWorld(clusterOf({ replicas: 1 }));
  let isFull = true;
  fill(world, () => isFull);
  const disks = () => [...world.hypervisor.volumes.values()].filter((each) => each.backingVolume);
  world.source.put(clusterOf({ replicas: 3 }));
  await world.clock.advance(5 * minute);
  assert.equal(disks().length, 2);
  assert.match(world.condition('alpha', 'Ready')?.message ?? '', /no space left on device/);
  const worker = world.domain('alpha-compute-0');
  world.hypervisor.disturb(worker?.uuid ?? '', 'destroy');
  await world.clock.advance(1000);
  assert.equal(worker?.state, 'running', 'what is off is on again');
  await world.clock.advance(minute);
  const told = world.status('alpha')?.nodes.map(({ name, phase }) => [name, phase]);
  assert.deepEqual(told?.slice(0, 2), [
    ['alpha-head-0', 'Ready'],
    ['alpha-compute-0', 'Ready'],
  ]);
  isFull = false;
  await world.until('it is as ordered', () => world.isReady('alpha', 2), 20 * minute);
  assert.equal(disks().length, 4);
  assert.deepEqual(world.watched.violations, []);
});

test('a pool that is full at an image keeps no half of it in the end (A39)', async () => {
  const world = writtenWorld(clusterOf({ replicas: 1 }));
  let isFull = true;
  fill(world, () => isFull);
  await world.start();
  await world.clock.advance(5 * minute);
  assert.match(world.condition('alpha', 'Ready')?.message ?? '', /the stream was closed/);
  assert.deepEqual(world.hypervisor.domains.size, 0);
  isFull = false;
  await world.until('it is ready', () => world.isReady('alpha'), 20 * minute);
  const halves = [...world.hypervisor.volumes.keys()].filter((name) => name.endsWith('.part'));
  assert.deepEqual(halves, []);
  assert.deepEqual(world.watched.violations, []);
});
