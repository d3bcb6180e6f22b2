/**
 * The gate of the simulator:
 *
 *   npm run sim                     the whole gate, over all cores
 *   npm run sim -- smoke            a small part of it, on one core
 *   npm run sim -- pairs            only the pairs of specs
 *   npm run sim -- mutants [NAME]   only the mutants with that text in their names
 *   npm run sim -- --seed N         one seed, with its trace
 *   npm run sim -- --replay FILE    one recorded run, choice by choice
 *   npm run sim -- --pair "a -> b"  one edit and the way back, with its effects
 *   npm run sim -- --seeds N [--from N]   only so many seeds of the swarm
 *
 * It prints its first seed first, and for a failure a short trace and the line that replays it.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { replayFile, tellPair, tellSeed } from './gate-one.ts';
import {
  differsElsewhere,
  type GateResult,
  runPairs,
  runPlans,
  runSeeds,
  tellFailures,
} from './gate-run.ts';
import { runMutants } from './mutants/run.ts';

const say = (line: string) => process.stdout.write(`${line}\n`);

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    pair: { type: 'string' },
    seed: { type: 'string' },
    replay: { type: 'string' },
    seeds: { type: 'string' },
    from: { type: 'string', default: '1' },
    threads: { type: 'string' },
  },
});

/** What two cores play beside all else in twenty minutes. */
const gateSeeds = 6_000;
const threads = Number(values.threads ?? availableParallelism());
const from = Number(values.from);

async function seedsOnly(count: number): Promise<GateResult> {
  return runSeeds({ threads, from, count }, say);
}

/** What is soonest done comes first. */
async function full(): Promise<GateResult> {
  const parts = [
    differsElsewhere(from, say),
    await runMutants({ threads }, say),
    await runPairs({ threads, step: 1 }, say),
    await runPlans({ threads, kind: 'view', step: 1 }, say),
    await runPlans({ threads, kind: 'crash', step: 1 }, say),
    await runSeeds({ threads, from, count: gateSeeds }, say),
  ];
  return { passed: sum(parts, 'passed'), failures: parts.flatMap(({ failures }) => failures) };
}

/** Bounded for one core within three quarters of a minute. */
async function smoke(): Promise<GateResult> {
  const parts = [
    await runSeeds({ threads: 1, from, count: 20 }, say),
    await runPlans({ threads: 1, kind: 'view', step: 97 }, say),
    differsElsewhere(from, say),
  ];
  return { passed: sum(parts, 'passed'), failures: parts.flatMap(({ failures }) => failures) };
}

function sum(parts: GateResult[], key: 'passed'): number {
  return parts.reduce((total, part) => total + part[key], 0);
}

function commit(): string {
  const text = (...args: string[]) => {
    return execFileSync('git', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
  };
  try {
    const changed = text('status', '--porcelain') === '' ? '' : ' with changes';
    return `commit ${text('rev-parse', '--short', 'HEAD').trim()}${changed}`;
  } catch {
    return 'no commit known';
  }
}

async function main(): Promise<number> {
  if (values.replay !== undefined) return replayFile(values.replay, say);
  if (values.pair !== undefined) return tellPair(values.pair, say);
  if (values.seed !== undefined) return tellSeed(Number(values.seed), say);
  say(`seed ${from}, ${commit()}`);
  const parts: Record<string, () => Promise<GateResult>> = {
    smoke,
    pairs: () => runPairs({ threads, step: 1 }, say),
    mutants: () => runMutants({ threads, name: positionals[1] ?? '' }, say),
  };
  const all = values.seeds ? () => seedsOnly(Number(values.seeds)) : full;
  const result = await (parts[positionals[0] ?? ''] ?? all)();
  await tellFailures(result, say);
  say(`${result.passed} passed, ${result.failures.length} failed`);
  return result.failures.length === 0 ? 0 : 1;
}

process.exitCode = await main();
