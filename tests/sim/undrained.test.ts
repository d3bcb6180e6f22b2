/**
 * What was drained is not drained any more when its turn has come: somebody has opened the node, or
 * closed it for another reason, and jobs have come to it. What is known of a drain is asked anew.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld, runJob } from './scenes.ts';
import type { World } from './world.ts';

const minute = 60_000;
const worker = 'alpha-compute-1';

/** Its worker is drained, and a job on it is all that it waits for. */
async function worldThatDrains(): Promise<{ world: World; job: string }> {
  const world = await readyWorld();
  const job = await runJob(world, worker);
  world.source.put(clusterOf({ replicas: 1 }));
  await world.until('it drains', () => world.slurm.records('alpha').get(worker)?.closed === true);
  await world.clock.advance(minute);
  return { world, job };
}

const powerOffs = (world: World) => world.watched.made()[`destroy ${worker}`] ?? 0;

test('a node that is opened between its last job and its power-off is drained again (A5, A55)', async () => {
  const { world, job } = await worldThatDrains();
  // The process dies as it is about to power it off, and a person has the node back meanwhile.
  const uuid = world.domain(worker)?.uuid;
  world.slurm.endJob('alpha', job);
  await world.until('it is empty', () => world.slurm.jobs('alpha').length === 0);
  world.kill(5_000);
  assert.equal(powerOffs(world), 0);
  world.slurm.resumeByHand('alpha', worker);
  const other = await runJob(world, worker);
  await world.clock.advance(5 * minute);
  assert.ok(world.slurm.running(worker).includes(other), 'the job goes on');
  assert.equal(world.domain(worker)?.uuid, uuid);
  assert.match(world.slurm.records('alpha').get(worker)?.reason ?? '', /^benchcluster: /);
  world.slurm.endJob('alpha', other);
  await world.until('it is gone', () => world.domain(worker) === undefined);
  assert.deepEqual(world.watched.violations, []);
});

test('a job that comes while the host is slow to list is not powered off (A57)', async () => {
  const { world, job } = await worldThatDrains();
  let lists = 0;
  world.hypervisor.faults.mishap = (call) => {
    if (call !== 'inventory') return undefined;
    lists += 1;
    return { delayMs: 25_000 };
  };
  await world.clock.advance(2 * minute);
  world.slurm.endJob('alpha', job);
  const before = lists;
  const isOpened = () => {
    // The scheduler has been asked, and the host takes its time.
    return lists > before + 1;
  };
  await world.until('the next look is under way', isOpened);
  await world.clock.advance(10_000);
  world.slurm.resumeByHand('alpha', worker);
  const other = await runJob(world, worker);
  await world.clock.advance(2 * minute);
  assert.deepEqual(world.watched.violations, []);
  assert.ok(world.slurm.running(worker).includes(other), 'the job goes on');
});
