/** A part of the gate's work, done in a thread of its own: a range of seeds. */
import { type RecordedChoice, seededChoice } from '../../src/sim/choice.ts';
import { type Counts, merged } from '../oracle/reached.ts';
import { again } from './again.ts';
import { alone } from './alone.ts';
import { failureOf, type Played, play } from './swarm/play.ts';
import { trapping } from './traps.ts';

export interface SeedRange {
  from: number;
  to: number;
}

export interface FailedSeed {
  seed: number;
  id: string;
  message: string;
}

export interface SeedsResult {
  seeds: number;
  failed: FailedSeed[];
  reached: Counts;
  effects: number;
  crashes: number;
  /** Until the world was as the files say, of each seed. */
  converged: NonNullable<Played['converged']>[];
  cpuMs: number;
}

/** What a run is; a test of the gate has another one. */
export type Player = (choice: RecordedChoice) => Played;

export interface Recorded {
  played: Played;
  record: RecordedChoice['record'];
}

/** Whatever it throws, and wherever, is a failure of that run and of no other. */
export async function playChoice(choice: RecordedChoice, player: Player = play): Promise<Played> {
  try {
    const { value, floating } = await alone(() => trapping(() => player(choice)));
    if (value.failure || floating.length === 0) return value;
    return { ...value, failure: failureOf(floating[0]) };
  } catch (thrown) {
    const nothing = { trace: [], hash: '', reached: {}, effects: 0, crashes: 0 };
    return { ...nothing, failure: failureOf(thrown) };
  }
}

export async function playSeed(seed: number, player?: Player): Promise<Recorded> {
  const choice = seededChoice(seed);
  const played = await playChoice(choice, player);
  return { played, record: choice.record };
}

/** As the gate judges it: every 50th must be the same run a second time. */
export async function judgeSeed(seed: number, player?: Player): Promise<Played> {
  const { played } = await playSeed(seed, player);
  if (played.failure || seed % 50 !== 0) return played;
  const { hash } = (await playSeed(seed, player)).played;
  if (hash === played.hash) return played;
  const message = `the run was another one: ${played.hash} ${hash}`;
  return { ...played, failure: { id: 'determinism', message } };
}

/** With what has it again. */
export function lineOf({ seed, id, message }: FailedSeed): string {
  return `seed ${seed} (${again.seed(seed)}): ${id}: ${message}`;
}

export async function playSeeds({ from, to }: SeedRange): Promise<SeedsResult> {
  const before = process.threadCpuUsage();
  const result: SeedsResult = {
    ...{ seeds: 0, failed: [], reached: {}, effects: 0, crashes: 0 },
    ...{ converged: [], cpuMs: 0 },
  };
  for (let seed = from; seed < to; seed += 1) {
    const played = await judgeSeed(seed);
    const { failure } = played;
    result.seeds += 1;
    result.effects += played.effects;
    result.crashes += played.crashes;
    result.reached = merged(result.reached, played.reached);
    if (failure) result.failed.push({ seed, ...failure });
    if (played.converged) result.converged.push(played.converged);
  }
  const { user, system } = process.threadCpuUsage(before);
  result.cpuMs = (user + system) / 1000;
  return result;
}
