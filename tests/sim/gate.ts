/**
 * The gate of the simulator:
 *
 *   npm run sim                     the gate, over all cores: what CI runs
 *   npm run sim -- PART             only its elsewhere, mutants, pairs, views, deaths or seeds
 *   npm run sim -- long [PART]      every plan there is, and many more seeds
 *   npm run sim -- smoke            a small part of it, on one core
 *   npm run sim -- mutants NAME     only the mutants with that text in their names
 *   npm run sim -- --seed N         one seed, with its trace
 *   npm run sim -- --replay FILE    one recorded run, choice by choice
 *   npm run sim -- --pair "a -> b"  one edit and the way back, with its effects
 *   npm run sim -- --plan "crash 7 create"   one plan of trouble, as a failure names it
 *   npm run sim -- --seeds N [--from N]   only seeds of the swarm, so many
 *
 * It prints its first seed first, and for a failure a short trace and the line that replays it.
 */
import { execFileSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { parseArgs } from 'node:util';
import { toError } from '../../src/lib/error.ts';
import { regressions } from './findings.ts';
import { NothingNamed, replayFile, tellPair, tellPlan, tellSeed } from './gate-one.ts';
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

const { values, positionals } = asked();

const threads = Number(values.threads ?? availableParallelism());
const from = Number(values.from);

function asked() {
  try {
    return parseArgs({
      allowPositionals: true,
      options: {
        pair: { type: 'string' },
        plan: { type: 'string' },
        seed: { type: 'string' },
        replay: { type: 'string' },
        seeds: { type: 'string' },
        from: { type: 'string', default: '1' },
        threads: { type: 'string' },
      },
    });
  } catch (thrown) {
    say(`error: ${toError(thrown).message}`);
    process.exit(1);
  }
}

type Parts = Record<string, () => Promise<GateResult>>;

const isLong = positionals[0] === 'long';
const [part, mutant = ''] = isLong ? positionals.slice(1) : positionals;

/** Of the gate, what fits into a build; see decision 0008. */
const amounts = isLong
  ? { views: { take: 10, of: 10 }, deaths: { take: 10, of: 10 }, seeds: 40_000 }
  : { views: { take: 1, of: 2 }, deaths: { take: 6, of: 8 }, seeds: 1_000 };

/** What is soonest done comes first. */
const gate: Parts = {
  elsewhere: async () => differsElsewhere(from, say),
  mutants: () => runMutants({ threads, name: mutant }, say),
  pairs: () => runPairs({ threads }, say),
  views: () => runPlans({ threads, kind: 'view', share: amounts.views }, say),
  deaths: () => runPlans({ threads, kind: 'crash', share: amounts.deaths }, say),
  seeds: () => runSeeds({ threads, from, ...seedsToPlay() }, say),
};

/** With those that have found something once, unless somebody says how many. */
function seedsToPlay() {
  if (values.seeds !== undefined) return { count: Number(values.seeds) };
  return { count: amounts.seeds, also: regressions.map(({ seed }) => seed) };
}

/** Bounded for one core within three quarters of a minute. */
const smoke: Parts = {
  seeds: () => runSeeds({ threads: 1, from, count: 20 }, say),
  views: () => runPlans({ threads: 1, kind: 'view', share: { take: 1, of: 97 } }, say),
  elsewhere: async () => differsElsewhere(from, say),
};

function chosen(): Parts | undefined {
  if (part === 'smoke') return smoke;
  if (part === undefined && values.seeds === undefined) return gate;
  const run = gate[part ?? 'seeds'];
  return run && { run };
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
  if (values.plan !== undefined) return tellPlan(values.plan, say);
  if (values.seed !== undefined) return tellSeed(Number(values.seed), say);
  say(`seed ${from}, ${commit()}`);
  const wanted = chosen();
  if (wanted === undefined) {
    const names = Object.keys(gate).join(', ');
    throw new NothingNamed(`no part "${positionals.join(' ')}"; it is ${names}, long or smoke`);
  }
  const total = { passed: 0, skipped: 0, failures: [] as GateResult['failures'] };
  for (const [name, run] of Object.entries(wanted)) {
    const { passed, failures, skipped = 0 } = await run().catch((thrown) => broken(name, thrown));
    total.passed += passed;
    total.skipped += skipped;
    total.failures.push(...failures);
  }
  await tellFailures(total, say);
  const { length: failed } = total.failures;
  if (total.passed + failed + total.skipped === 0) {
    throw new NothingNamed('nothing to play by these words: what is counted are whole numbers');
  }
  say(`${total.passed} passed, ${failed} failed, ${total.skipped} skipped`);
  return failed === 0 ? 0 : 1;
}

/** The gate itself is at fault; what else there is to play, it plays. */
function broken(name: string, thrown: unknown): GateResult {
  return { passed: 0, failures: [{ line: `the gate's ${name}: ${toError(thrown).stack}` }] };
}

try {
  process.exitCode = await main();
} catch (thrown) {
  if (!(thrown instanceof NothingNamed)) throw thrown;
  say(`error: ${thrown.message}`);
  process.exitCode = 1;
}
