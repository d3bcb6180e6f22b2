/**
 * The quick part of the gate of the simulator: some seeds of the swarm, and proofs that the net
 * itself works. `npm run sim` is the whole of it.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { readFileSync, statSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { hostname } from 'node:os';
import { describe, test } from 'node:test';
import {
  type Chosen,
  DivergenceError,
  guidedChoice,
  type RecordedChoice,
  replayedChoice,
  seededChoice,
} from '../../src/sim/choice.ts';
import { drain, drains, inMacrotask } from './drain.ts';
import { openFindings, withoutOpen } from './findings.ts';
import { lineOf, type SeedsResult } from './gate-batch.ts';
import { differsElsewhere } from './gate-run.ts';
import { shrink } from './shrink.ts';
import { type Played, play } from './swarm/play.ts';
import { inThreads } from './threads.ts';
import { TrapError, trapping } from './traps.ts';
import { World } from './world.ts';

const restRounds = 3;
const seeds = { from: 1, to: 21 };

async function playAll(ranges: { from: number; to: number }[]): Promise<SeedsResult[]> {
  const results: SeedsResult[] = [];
  const parts = ranges.map((range) => ({ seeds: range }));
  await inThreads(1, parts, (_, result) => {
    if ('seeds' in result) results.push(result);
  });
  return results;
}

const linesOf = (results: SeedsResult[]) => results.flatMap(({ failed }) => failed.map(lineOf));

test(`seeds ${seeds.from} to ${seeds.to - 1}: safe under faults, and then as the files say, and at rest`, async (context) => {
  const results = await playAll(withoutOpen(seeds));
  const sum = (key: 'seeds' | 'effects' | 'crashes' | 'cpuMs') =>
    results.reduce((total, result) => total + result[key], 0);
  const [effects, crashes] = [sum('effects'), sum('crashes')];
  context.diagnostic(
    `${sum('seeds')} seeds, ${effects} effects, ${crashes} deaths, ${Math.round(sum('cpuMs'))} ms of CPU; ` +
      `${openFindings.length} findings are open`,
  );
  assert.deepEqual(linesOf(results), []);
  assert.ok(effects > 1000, `${effects} effects`);
  assert.ok(crashes > 5, `${crashes} deaths`);
});

describe('the net itself', () => {
  const run = (seed: number): Promise<{ played: Played; record: readonly Chosen[] }> =>
    inMacrotask(() => {
      const choice = seededChoice(seed);
      return { played: play(choice, restRounds), record: choice.record };
    });

  test('a seed is the same run again, also from its recorded choices and in other surroundings', async () => {
    const first = await run(2);
    assert.equal((await run(2)).played.hash, first.played.hash);
    const replayed = await inMacrotask(() => play(replayedChoice(first.record), restRounds));
    assert.equal(replayed.hash, first.played.hash);
    assert.notEqual((await run(3)).played.hash, first.played.hash);
    assert.deepEqual(differsElsewhere(2, () => {}).failures, []);
  });

  test('a run that asks for another choice than the recorded one is found out', () => {
    const choice = replayedChoice([{ label: 'order', n: 3, value: 1 }]);
    assert.equal(choice.choose(3, 'order'), 1);
    assert.throws(() => choice.choose(2, 'order'), DivergenceError);
    assert.throws(() => replayedChoice([{ label: 'a', n: 2, value: 1 }]).choose(3, 'a'), /of 3/);
  });

  test('a changed list leads as far as it goes, label by label, and then quietly', () => {
    const choice = guidedChoice([
      { label: 'a', n: 9, value: 7 },
      { label: 'b', n: 2, value: 1 },
    ]);
    const chosen = [choice.choose(2, 'b'), choice.choose(4, 'a'), choice.choose(4, 'a')];
    assert.deepEqual(chosen, [1, 3, 0]);
  });

  test('a failing run is made smaller and still fails in the same way', async () => {
    const failing = await run(1);
    const broken = { ...failing.played, failure: { id: 'made up', message: '' } };
    // Any run that has a kill in it counts as broken, so the smallest one has little else.
    const judge = async (choice: RecordedChoice): Promise<Played> => {
      await inMacrotask(() => play(choice, restRounds));
      const isBroken = choice.record.some(({ label, value }) => label === 'step' && value > 0);
      return isBroken ? broken : { ...broken, failure: { id: 'other', message: '' } };
    };
    const start = { record: failing.record, played: broken };
    const shrunk = await shrink(start, judge, 15_000);
    const loud = shrunk.record.filter(({ value }) => value > 0);
    assert.ok(loud.length < failing.record.filter(({ value }) => value > 0).length);
    assert.deepEqual([loud.length, loud[0]?.label, loud[0]?.value], [1, 'step', 1]);
  });

  test('time, chance, timers and the world outside are out of reach during a run, and back after it', () => {
    const reaches: [() => unknown, RegExp][] = [
      [() => Date.now(), /Date.now/],
      [() => new Date(), /new Date/],
      [() => Date(), /Date\(\)/],
      [() => new Date(0).toLocaleTimeString(), /toLocaleTimeString/],
      [() => 'a'.localeCompare('b'), /localeCompare/],
      [() => new Intl.DateTimeFormat(), /DateTimeFormat/],
      [() => Math.random(), /Math.random/],
      [() => performance.now(), /performance.now/],
      [() => setTimeout(() => {}, 1), /setTimeout/],
      [() => process.nextTick(() => {}), /nextTick/],
      [() => process.hrtime(), /hrtime/],
      [() => process.hrtime.bigint(), /hrtime.bigint/],
      [() => process.env['HOME'], /process.env/],
      [() => process.pid, /process.pid/],
      [() => AbortSignal.timeout(1), /AbortSignal.timeout/],
      [() => randomBytes(1), /randomBytes/],
      [() => crypto.getRandomValues(new Uint8Array(1)), /getRandomValues/],
      [() => crypto.randomUUID(), /randomUUID/],
      [() => readFileSync('/etc/hostname'), /readFileSync/],
      [() => statSync('/'), /statSync/],
      [() => readdir('/'), /readdir/],
      [() => hostname(), /hostname/],
      [() => execFileSync('true'), /execFileSync/],
    ];
    for (const [reach, name] of reaches) {
      assert.throws(() => trapping(reach), name);
      assert.throws(() => trapping(reach), TrapError);
    }
    // Node words an error of its own by what is in the environment.
    assert.throws(() => trapping(() => assert.deepEqual([1], [2])), assert.AssertionError);
    assert.ok(new Date() instanceof Date && 'a'.localeCompare('b') < 0);
    assert.ok(Date.now() > 0 && Math.random() < 1 && randomBytes(2).length === 2);
  });

  test('they are out of reach in each world as its time moves on, not only in the swarm', async () => {
    const world = new World();
    world.clock.after(1, () => Date.now());
    await assert.rejects(world.clock.advance(2), TrapError);
  });

  test('promises run to their end within one macrotask', async () => {
    assert.ok(drain !== undefined, 'this V8 has no checkpoint to call');
    assert.ok(await inMacrotask(() => drain !== undefined && drains(drain)));
  });
});
