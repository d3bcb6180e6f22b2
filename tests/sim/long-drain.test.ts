/** A drain that waits for a job for hours, while nothing changes. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clusterOf } from '../fakes/builders.ts';
import { readyWorld, runJob } from './scenes.ts';
import type { World } from './world.ts';

const victim = 'alpha-compute-1';
const minute = 60_000;

function statusWrites({ effects }: World): number {
  return effects.names.filter((name) => name === 'putStatus').length;
}

test('a drain that waits is told once, and ends when it was told to end', async () => {
  const pool = { drain: { timeout: '5h', onTimeout: 'Force' } } as const;
  const world = await readyWorld(clusterOf({ pool }));
  await runJob(world, victim);
  world.source.put(clusterOf({ replicas: 1, pool }));
  const told = () => world.status('alpha')?.nodes.find(({ name }) => name === victim);
  await world.until('it waits for the job', () => told()?.reason === 'WaitingForJobs');
  const [before, written] = [told(), statusWrites(world)];
  const deadline = Date.parse(/deadline (\S+)\)/.exec(before?.message ?? '')?.[1] ?? '');
  // Looks fall into all parts of a second, in which Slurm tells its times.
  await world.clock.advance(2 * 60 * minute);
  world.kill();
  await world.clock.advance(2 * 60 * minute);
  assert.deepEqual(told(), before);
  assert.equal(statusWrites(world), written);
  await world.until(
    'its power is cut',
    () => world.domain(victim)?.state !== 'running',
    90 * minute,
  );
  const late = world.clock.now() - deadline;
  assert.ok(late >= 0 && late < 5000, `${late} ms after the deadline`);
  assert.deepEqual(world.watched.violations, []);
});
