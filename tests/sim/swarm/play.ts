/**
 * One run of the swarm: a town, a workload of steps under faults, then the end of all faults, the
 * way back to what the files say, and rest. All of it is told by a choice, so a run can be had
 * again. To be called from a macrotask; the run is over when it returns.
 */
import { createHash } from 'node:crypto';
import { toError } from '../../../src/lib/error.ts';
import { pick, type RecordedChoice } from '../../../src/sim/choice.ts';
import { chosenMixture } from '../../../src/sim/faults/mixture.ts';
import { startOfTime } from '../../../src/sim/virtual-clock.ts';
import type { Counts } from '../../oracle/reached.ts';
import { unlike } from '../expected.ts';
import { World, type WorldOptions } from '../world.ts';
import { accident } from './accidents.ts';
import { heal, healSchedulers, obey } from './heal.ts';
import { type Scene, scenesOf, step } from './steps.ts';
import { besideTown, manifestOf, Town } from './town.ts';

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
  /** From the last fault until the world was as the files say; rounds are of each cluster. */
  converged?: { ms: number; rounds: number };
}

/** Waits and back-offs are ten minutes at most, and a sick node is given time before its cure. */
const convergenceMs = 4 * 3_600_000;
/** Of each cluster on average, until then; each look of one is two: of its VMs alone, and of all. */
const convergenceRounds = 300;
const lookMs = 10_000;
const obeyMs = 120_000;
const dayMs = 24 * 3_600_000;
/** How often a cluster that has rested for long looks. */
const restMs = 60_000;
/** So long the world must stay as it should: a status may be of before the last fault was seen. */
const calmMs = 120_000;

/** Of people and accidents; most runs are short. */
const turns = [2, 1, 3, 4, 2, 1, 3, 6, 8];
/** One run of so many has its manifests in files, read as in production. */
const filesIn = 4;
/** One run of so many has a second installation on its host. */
const neighbourIn = 6;

/** `restRounds`: of each cluster in the day at rest. */
export function play(choice: RecordedChoice, restRounds = 100): Played {
  const lines: { at: number; line: string }[] = [];
  const tell = (line: string) => lines.push({ at: world.clock.now(), line });
  const hasNeighbour = choice.choose(neighbourIn, 'neighbour') === neighbourIn - 1;
  const worlds = (): World[] => scenesOf(scene).map((each) => each.world);
  const options: WorldOptions = {
    choice,
    inFiles: choice.choose(filesIn, 'in files') === filesIn - 1,
    tell: (fault, where) => {
      for (const { oracle } of worlds()) {
        oracle.reached.met(`fault ${fault}`);
        if (fault === 'timeTravel') oracle.misled();
      }
      if (where !== 'accident' && where !== 'event') tell(`  ${fault} at ${where}`);
    },
    dies: (effect) => {
      if (world.injector?.strikes('diesBefore', effect)) return 'before';
      return world.injector?.strikes('diesAfter', effect) ? 'after' : undefined;
    },
  };
  const world: World = new World({ ...options, mixture: chosenMixture(choice) });
  const town = new Town(world, choice);
  tell(
    `files: ${town.clusters.map(({ name, replicas }) => `${name} with ${replicas}`).join(', ')}`,
  );
  const scene: Scene = { world, town, choice, tell, ends: new Set() };
  if (hasNeighbour) scene.neighbour = neighbourOf(scene, options);
  const outcome = ended(() => live(scene, restRounds));
  const asked = worlds().flatMap(({ oracle }) => oracle.memory.attempts.asks);
  const all = [...lines, ...asked.map(({ at, name }) => ({ at, line: `    ${name}` }))];
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
    effects: worlds().reduce((sum, { effects }) => sum + effects.names.length, 0),
    crashes: worlds().reduce((sum, { crashes }) => sum + crashes, 0),
  };
}

/** A world that breaks has a trace all the same. */
function ended(run: () => Pick<Played, 'failure' | 'converged'>): ReturnType<typeof run> {
  try {
    return run();
  } catch (thrown) {
    return { failure: failureOf(thrown) };
  }
}

/** Its uploads take time, in which each of the two sees what the other one has begun. */
function neighbourOf(scene: Scene, options: WorldOptions): Scene {
  const { world: first, choice, tell } = scene;
  first.hypervisor.uploads.streamMs = pick(choice, [0, 2_000, 20_000], 'stream ms');
  const world = new World({ ...options, beside: first });
  const town = new Town(world, choice, besideTown);
  tell(`a neighbour, with ${town.clusters.map(({ replicas }) => replicas).join()}`);
  return { ...scene, world, town, tell: (line) => tell(`neighbour: ${line}`) };
}

function live(scene: Scene, restRounds: number): Pick<Played, 'failure' | 'converged'> {
  const { world, choice, tell } = scene;
  const { neighbour } = scene;
  const worlds = scenesOf(scene).map((each) => each.world);
  const fail = (): Failure | undefined => worlds.map(broken).find((failure) => failure);
  for (const each of worlds) void each.start();
  for (let left = pick(choice, turns, 'turns'); left > 0; left -= 1) {
    const waitMs = pick(choice, [60_000, 200, 2_000, 10_000, 300_000], 'wait ms');
    world.clock.run(() => false, waitMs + choice.choose(1000, 'more ms'));
    tell(step(scene));
    if (neighbour && choice.choose(2, 'neighbour acts') === 1) neighbour.tell(step(neighbour));
    accident(scene);
    const failure = fail();
    if (failure) return { failure };
  }
  world.clock.run(() => false, pick(choice, [60_000, 1_000, 600_000], 'last wait ms'));
  tell('faults stop, the world is healed');
  heal(scene);
  const converged = converge(scene);
  if (converged === undefined) {
    const told = missing(scene).slice(0, 5).join('; ') || 'it comes apart again and again';
    return { failure: fail() ?? { id: 'L1', message: told } };
  }
  if (converged.rounds > convergenceRounds) {
    return { failure: { id: 'L1', message: `it took ${converged.rounds} rounds of each cluster` } };
  }
  const marks = worlds.map((each) => {
    each.oracle.judgeEnd();
    each.stretch = dayMs / restMs / restRounds;
    return { oracle: each.oracle, mark: each.oracle.rest() };
  });
  world.clock.run(() => false, dayMs);
  for (const { oracle, mark } of marks) oracle.judgeRest(mark);
  const failure = fail();
  return failure ? { failure } : { converged };
}

function missing(scene: Scene): string[] {
  const scenes = scenesOf(scene);
  return scenes.flatMap(({ world, town }) => {
    const others = scenes.map((each) => each.world).filter((each) => each !== world);
    return unlike(world, town.clusters.map(manifestOf), others);
  });
}

/** How long it took until the world was as the files say, once it has stayed so. */
function converge(scene: Scene): Played['converged'] {
  const { clock } = scene.world;
  const begin = clock.now();
  const clusters = scenesOf(scene).reduce((sum, each) => sum + clustersOf(each).size, 0);
  const listings = () =>
    scenesOf(scene).reduce((sum, { world }) => sum + world.watched.listings, 0);
  const before = listings();
  let obeyAt = begin + obeyMs;
  let since: { ms: number; rounds: number } | undefined;
  while (clock.now() < begin + convergenceMs) {
    clock.run(() => false, lookMs);
    if (scenesOf(scene).some((each) => each.world.oracle.violations.length > 0)) return undefined;
    const rounds = Math.ceil((listings() - before) / Math.max(1, clusters));
    const now = { ms: clock.now() - begin, rounds };
    since = missing(scene).length === 0 ? (since ?? now) : undefined;
    if (since !== undefined && now.ms - since.ms >= calmMs) return since;
    if (since !== undefined || clock.now() < obeyAt) continue;
    obeyAt += obeyMs;
    healSchedulers(scene);
    for (const each of scenesOf(scene)) void obey(each);
  }
  return undefined;
}

/** Those that are, and those that are to be. */
function clustersOf({ world, town }: Scene): Set<string> {
  return new Set([...world.state.names(), ...town.clusters.map(({ name }) => name)]);
}

/** The first thing that must never have been. */
function broken(world: World): Failure | undefined {
  const violation = world.oracle.violations[0];
  if (violation !== undefined) return { id: violation.id, message: violation.message };
  const bug = world.thrown.find(
    ({ name, message }) => name !== 'PortError' && !isDiskFull(message),
  );
  return bug && failureOf(bug);
}

/** Of what was thrown where nothing may be. */
export function failureOf(thrown: unknown): Failure {
  const { name, message, stack = message } = toError(thrown);
  return { id: `thrown ${name}`, message: stack.slice(0, 600) };
}

function isDiskFull(message: string): boolean {
  return message.includes('no space left');
}
