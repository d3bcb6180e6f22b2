/**
 * kill -9 at every effect of a workload: for each effect of an undisturbed run the process dies
 * once before it and once after it, and a new one takes over a second later. The world at the end
 * must be the same, and everything must have been made as often: nothing twice, nothing left over.
 */
import assert from 'node:assert/strict';
import type { CrashPoint } from './membrane.ts';
import { writtenWorld } from './scenes.ts';
import type { Workload } from './workloads.ts';
import type { World } from './world.ts';

export interface SweepResult {
  effects: number;
  plays: number;
  /** The first few that differ, with the place of the death. */
  failures: string[];
}

const maxFailures = 3;

export async function sweep(workload: Workload): Promise<SweepResult> {
  const reference = await play(workload);
  assert.deepEqual(reference.watched.violations, []);
  const effects = reference.effects.names.length;
  const points = Array.from({ length: effects }, (_, index) => index + 1).flatMap((effect) => [
    [{ effect, when: 'before' } as const],
    [{ effect, when: 'after' } as const],
  ]);
  return { effects, plays: points.length, failures: await compare(workload, reference, points) };
}

/** Two deaths, the second one soon after the first, in the midst of the recovery. */
export async function sweepTwice(workload: Workload): Promise<SweepResult> {
  const reference = await play(workload);
  const effects = reference.effects.names.length;
  const firsts = Array.from({ length: Math.ceil(effects / 3) }, (_, index) => 3 * index + 1);
  const points = firsts.flatMap((effect) =>
    [1, 2, 5].map((later) => [
      { effect, when: 'after' } as const,
      { effect: effect + later, when: 'before' } as const,
    ]),
  );
  return { effects, plays: points.length, failures: await compare(workload, reference, points) };
}

async function compare(
  workload: Workload,
  reference: World,
  points: readonly CrashPoint[][],
): Promise<string[]> {
  const failures: string[] = [];
  for (const crashes of points) {
    if (failures.length >= maxFailures) break;
    const place = crashes
      .map(
        ({ effect, when }) => `${when} effect ${effect} (${reference.effects.names[effect - 1]})`,
      )
      .join(', then ');
    try {
      const world = await play(workload, crashes);
      assert.ok(world.crashes > 0, 'it did not die');
      assert.deepEqual(world.picture(), reference.picture());
      assert.deepEqual(world.watched.made(), reference.watched.made());
      assert.deepEqual(world.watched.violations, []);
      assert.deepEqual(world.thrown, []);
    } catch (thrown) {
      failures.push(`death ${place}: ${String(thrown)}`);
    }
  }
  return failures;
}

async function play(workload: Workload, crashes: readonly CrashPoint[] = []): Promise<World> {
  const world = writtenWorld(...workload.clusters);
  await world.start(...crashes);
  await workload.run(world);
  // What is still under way ends, and what should rest does.
  await world.clock.advance(60_000);
  return world;
}
