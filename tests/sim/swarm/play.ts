/**
 * One run of the swarm: a town, a workload of steps under faults, then the end of all faults, the
 * way back to what the files say, and rest. All of it is told by a choice, so a run can be had
 * again. To be called from a macrotask; the run is over when it returns.
 */
import { createHash } from 'node:crypto';
import { pick, type RecordedChoice } from '../../../src/sim/choice.ts';
import { chosenMixture } from '../../../src/sim/faults/mixture.ts';
import { startOfTime } from '../../../src/sim/virtual-clock.ts';
import type { Counts } from '../../oracle/reached.ts';
import { unlike } from '../expected.ts';
import { World } from '../world.ts';
import { accident } from './accidents.ts';
import { heal, healSchedulers, obey } from './heal.ts';
import { type Scene, step } from './steps.ts';
import { manifestOf, Town } from './town.ts';

export interface Failure {
  /** Of the invariant; a smaller run counts as the same only if it breaks the same one. */
  id: string;
  message: string;
}

export interface Played {
  failure?: Failure;
  /** What happened, with the time of each. */
  trace: string[];
  /** Of all that happened and of all that was chosen. */
  hash: string;
  reached: Counts;
  effects: number;
  crashes: number;
  /** From the last fault until the world was as the files say. */
  convergedMs?: number;
}

/** Waits and back-offs are ten minutes at most, and a sick node is given time before its cure. */
const convergenceMs = 4 * 3_600_000;
const lookMs = 10_000;
const obeyMs = 120_000;
const dayMs = 24 * 3_600_000;
/** How often a cluster that has rested for long looks. */
const restMs = 60_000;
/** So long the world must stay as it should: a status may be of before the last fault was seen. */
const calmMs = 120_000;

/** Of people and accidents; most runs are short. */
const turns = [2, 1, 3, 4, 2, 1, 3, 6, 8];

export function play(choice: RecordedChoice, restRounds: number): Played {
  const lines: { at: number; line: string }[] = [];
  const tell = (line: string) => lines.push({ at: world.clock.now(), line });
  const world: World = new World({
    choice,
    mixture: chosenMixture(choice),
    tell: (fault, where) => {
      world.oracle.reached.met(`fault ${fault}`);
      if (fault === 'timeTravel') world.oracle.misled();
      if (where !== 'accident' && where !== 'event') tell(`  ${fault} at ${where}`);
    },
    dies: (effect) => {
      if (world.injector?.strikes('diesBefore', effect)) return 'before';
      return world.injector?.strikes('diesAfter', effect) ? 'after' : undefined;
    },
  });
  const town = new Town(world, choice);
  tell(
    `files: ${town.clusters.map(({ name, replicas }) => `${name} with ${replicas}`).join(', ')}`,
  );
  const scene: Scene = { world, town, choice, tell, ends: new Set() };
  const outcome = live(scene, restRounds);
  const { asks } = world.oracle.memory.attempts;
  const all = [...lines, ...asks.map(({ at, name }) => ({ at, line: `    ${name}` }))];
  const trace = all
    .sort((a, b) => a.at - b.at)
    .map(({ at, line }) => `${((at - startOfTime) / 1000).toFixed(3).padStart(10)} ${line}`);
  const hash = createHash('sha256');
  for (const line of trace) hash.update(`${line}\n`);
  for (const { label, value } of choice.record) hash.update(`${label}=${value}\n`);
  return {
    ...outcome,
    trace,
    hash: hash.digest('hex'),
    reached: world.oracle.reached.counts,
    effects: world.effects.names.length,
    crashes: world.crashes,
  };
}

function live(scene: Scene, restRounds: number): Pick<Played, 'failure' | 'convergedMs'> {
  const { world, choice, tell } = scene;
  const fail = (): Failure | undefined => broken(world);
  void world.start();
  for (let left = pick(choice, turns, 'turns'); left > 0; left -= 1) {
    const waitMs = pick(choice, [60_000, 200, 2_000, 10_000, 300_000], 'wait ms');
    world.clock.run(() => false, waitMs + choice.choose(1000, 'more ms'));
    tell(step(scene));
    accident(scene);
    const failure = fail();
    if (failure) return { failure };
  }
  world.clock.run(() => false, pick(choice, [60_000, 1_000, 600_000], 'last wait ms'));
  tell('faults stop, the world is healed');
  heal(scene);
  const healedAt = world.clock.now();
  const convergedAt = converge(scene);
  if (convergedAt === undefined) {
    const told = missing(scene).slice(0, 5).join('; ') || 'it comes apart again and again';
    return { failure: fail() ?? { id: 'L1', message: told } };
  }
  const convergedMs = convergedAt - healedAt;
  world.oracle.judgeEnd();
  const mark = world.oracle.rest();
  world.stretch = dayMs / restMs / restRounds;
  world.clock.run(() => false, dayMs);
  world.oracle.judgeRest(mark);
  const failure = fail();
  return failure ? { failure } : { convergedMs };
}

function missing({ world, town }: Scene): string[] {
  return unlike(world, town.clusters.map(manifestOf));
}

/** Since when the world is as the files say, once it has stayed so. */
function converge(scene: Scene): number | undefined {
  const { world } = scene;
  const { clock } = world;
  const end = clock.now() + convergenceMs;
  let obeyAt = clock.now() + obeyMs;
  let since: number | undefined;
  while (clock.now() < end) {
    clock.run(() => false, lookMs);
    if (world.oracle.violations.length > 0) return undefined;
    since = missing(scene).length === 0 ? (since ?? clock.now()) : undefined;
    if (since !== undefined && clock.now() - since >= calmMs) return since;
    if (since !== undefined || clock.now() < obeyAt) continue;
    obeyAt += obeyMs;
    healSchedulers(scene);
    void obey(scene);
  }
  return undefined;
}

/** The first thing that must never have been. */
function broken(world: World): Failure | undefined {
  const violation = world.oracle.violations[0];
  if (violation !== undefined) return { id: violation.id, message: violation.message };
  const bug = world.thrown.find(
    ({ name, message }) => name !== 'PortError' && !isDiskFull(message),
  );
  return bug && { id: `thrown ${bug.name}`, message: bug.stack?.slice(0, 600) ?? bug.message };
}

function isDiskFull(message: string): boolean {
  return message.includes('no space left');
}
