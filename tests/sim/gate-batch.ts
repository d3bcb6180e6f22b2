/** A part of the gate's work, done in a thread of its own: a range of seeds. */
import { seededChoice } from '../../src/sim/choice.ts';
import { type Counts, merged } from '../oracle/reached.ts';
import { inMacrotask } from './drain.ts';
import { type Played, play } from './swarm/play.ts';
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

export function playSeed(seed: number): { played: Played; record: Recorded } {
  const choice = seededChoice(seed);
  const played = guarded(() => trapping(() => play(choice)));
  return { played, record: choice.record };
}

type Recorded = ReturnType<typeof seededChoice>['record'];

/** A world that breaks is a failure of that seed and of no other. */
function guarded(run: () => Played): Played {
  try {
    return run();
  } catch (thrown) {
    const error = thrown instanceof Error ? thrown : new Error(String(thrown));
    const failure = { id: `world ${error.name}`, message: error.stack ?? error.message };
    return { failure, trace: [], hash: '', reached: {}, effects: 0, crashes: 0 };
  }
}

export async function playSeeds({ from, to }: SeedRange): Promise<SeedsResult> {
  const before = process.threadCpuUsage();
  const result: SeedsResult = {
    ...{ seeds: 0, failed: [], reached: {}, effects: 0, crashes: 0 },
    ...{ converged: [], cpuMs: 0 },
  };
  for (let seed = from; seed < to; seed += 1) {
    const { played } = await inMacrotask(() => playSeed(seed));
    const failure = played.failure ?? (await difference(seed, played));
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

/** Every 50th seed must be the same run a second time. */
async function difference(seed: number, first: Played) {
  if (seed % 50 !== 0) return undefined;
  const { played } = await inMacrotask(() => playSeed(seed));
  if (played.hash === first.hash) return undefined;
  return { id: 'determinism', message: `the run was another one: ${first.hash} ${played.hash}` };
}
