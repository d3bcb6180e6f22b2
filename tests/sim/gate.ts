/**
 * The gate of the simulator:
 *
 *   npm run sim                     the whole gate, over all cores
 *   npm run sim -- sample           evenly, some of each part: what CI runs
 *   npm run sim -- smoke            a small part of it, on one core
 *   npm run sim -- PART             only mutants, pairs, views, deaths or seeds
 *   npm run sim -- mutants NAME     only the mutants with that text in their names
 *   npm run sim -- --seed N         one seed, with its trace
 *   npm run sim -- --replay FILE    one recorded run, choice by choice
 *   npm run sim -- --pair "a -> b"  one edit and the way back, with its effects
 *   npm run sim -- --seeds N [--from N]   only seeds of the swarm, so many
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

/** What fits into a quarter of an hour beside all else; `--seeds` plays more. */
const gateSeeds = 1_500;
const threads = Number(values.threads ?? availableParallelism());
const from = Number(values.from);

type Parts = Record<string, () => Promise<GateResult>>;

/** What is soonest done comes first. */
const parts = {
  elsewhere: async () => differsElsewhere(from, say),
  mutants: () => runMutants({ threads, name: positionals[1] ?? '' }, say),
  pairs: () => runPairs({ threads, step: 1 }, say),
  views: () => runPlans({ threads, kind: 'view', step: 1 }, say),
  deaths: () => runPlans({ threads, kind: 'crash', step: 1 }, say),
  seeds: () => runSeeds({ threads, from, count: Number(values.seeds ?? gateSeeds) }, say),
};

/** A twelfth of the plans, a quarter of the pairs, a fifth of the seeds, and all mutants. */
const sample: Parts = {
  ...parts,
  pairs: () => runPairs({ threads, step: 4 }, say),
  views: () => runPlans({ threads, kind: 'view', step: 12 }, say),
  deaths: () => runPlans({ threads, kind: 'crash', step: 12 }, say),
  seeds: () => runSeeds({ threads, from, count: gateSeeds / 5 }, say),
};

/** Bounded for one core within three quarters of a minute. */
const smoke: Parts = {
  seeds: () => runSeeds({ threads: 1, from, count: 20 }, say),
  views: () => runPlans({ threads: 1, kind: 'view', step: 97 }, say),
  elsewhere: async () => differsElsewhere(from, say),
};

function chosen(): Parts | undefined {
  const [name] = positionals;
  if (name === 'smoke') return smoke;
  if (name === 'sample') return sample;
  if (name === undefined && values.seeds === undefined) return parts;
  const part = (parts as Parts)[name ?? 'seeds'];
  return part && { part };
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
  const wanted = chosen();
  if (wanted === undefined) {
    say(
      `error: no part ${positionals[0]}; there are ${Object.keys(parts).join(', ')} sample and smoke`,
    );
    return 64;
  }
  const result: GateResult = { passed: 0, failures: [] };
  for (const run of Object.values(wanted)) {
    const { passed, failures } = await run();
    result.passed += passed;
    result.failures.push(...failures);
  }
  await tellFailures(result, say);
  say(`${result.passed} passed, ${result.failures.length} failed`);
  return result.failures.length === 0 ? 0 : 1;
}

process.exitCode = await main();
