/** The parts of the gate, each with its counts and its rate. */
import { execFileSync } from 'node:child_process';
import { merged, tooRare } from '../oracle/reached.ts';
import { again } from './again.ts';
import { openFindings, openPlans, withoutOpen } from './findings.ts';
import { type FailedSeed, lineOf, type SeedsResult } from './gate-batch.ts';
import { shrinkAndTell } from './gate-one.ts';
import type { Part, PartResult } from './gate-parts.ts';
import { type PairsResult, pairs } from './pairs/pairs.ts';
import { names } from './pairs/specs.ts';
import { type Kind, planCounts } from './sweep.ts';
import { inThreads } from './threads.ts';
import { workloads } from './workloads.ts';

export type Say = (line: string) => void;

export interface GateResult {
  passed: number;
  /** Found, not mended yet, and written down so. */
  skipped?: number;
  /** One line each; those of a seed can be made smaller. */
  failures: { line: string; seed?: FailedSeed }[];
}

/** Small, so that threads end together; large, so that the way there costs nothing. */
const seedsPerPart = 25;
const pairsPerPart = 20;
/** How often it is told how far a part has come. */
const progressMs = 30_000;

/** Of so many plans in a row so many: of two deaths, those of one first death stand in a row. */
export interface Share {
  take: number;
  of: number;
}

/** Shrinking takes a minute each, and most failures have one cause. */
const maxShrunk = 2;
const maxTold = 20;
/** Of fewer it says nothing that a state was not met. */
const enoughSeeds = 1000;

export async function runSeeds(
  {
    threads,
    from,
    count,
    also = [],
  }: { threads: number; from: number; count: number; also?: number[] },
  say: Say,
): Promise<GateResult> {
  const beyond = also.filter((seed) => seed < from || seed >= from + count);
  const parts: Part[] = beyond.map((seed) => ({ seeds: { from: seed, to: seed + 1 } }));
  for (let at = from; at < from + count; at += seedsPerPart) {
    const range = { from: at, to: Math.min(at + seedsPerPart, from + count) };
    parts.push(...withoutOpen(range).map((seeds) => ({ seeds })));
  }
  const all: SeedsResult[] = [];
  const began = performance.now();
  const tell = telling('swarm', parts.length, say);
  const failures: GateResult['failures'] = [];
  const done = (_: Part, result: PartResult) => {
    tell();
    if ('seeds' in result) all.push(result);
  };
  await inThreads(threads, parts, done, { died: (line) => failures.push({ line }) });
  const failed = all.flatMap((result) => result.failed).sort((a, b) => a.seed - b.seed);
  const total = (of: (result: SeedsResult) => number) =>
    all.reduce((sum, result) => sum + of(result), 0);
  const seconds = (performance.now() - began) / 1000;
  const played = total(({ seeds }) => seeds);
  const perCore = played / (total(({ cpuMs }) => cpuMs) / 1000);
  const converged = all.flatMap((result) => result.converged);
  const spread = (values: number[]) => {
    const sorted = values.sort((a, b) => a - b);
    return `${sorted[sorted.length >> 1]} (median), ${sorted.at(-1)} at most`;
  };
  say(
    `swarm: ${played} seeds from ${from} in ${seconds.toFixed(0)} s, ${perCore.toFixed(1)} seeds ` +
      `per second of a core; ${total(({ effects }) => effects)} effects, ` +
      `${total(({ crashes }) => crashes)} deaths; as the files say after simulated seconds: ` +
      `${spread(converged.map(({ ms }) => ms / 1000))}; after rounds: ` +
      spread(converged.map(({ rounds }) => rounds)),
  );
  const open = openFindings.filter(({ seed }) => seed >= from && seed < from + count);
  for (const { seed, is } of open) say(`open and not played: seed ${seed}: ${is}`);
  const reached = merged(...all.map((result) => result.reached));
  const states = Object.entries(reached).sort();
  say(`reached: ${states.map(([state, times]) => `${state} ${times}`).join(', ')}`);
  const rare = played < enoughSeeds ? [] : tooRare(reached, played);
  failures.push(...failed.map((seed) => ({ line: lineOf(seed), seed })));
  const line = again.seeds(from, count);
  failures.push(...rare.map((state) => ({ line: `met too seldom (${line}): ${state}` })));
  return { passed: played - failed.length, skipped: open.length, failures };
}

export async function runPlans(
  { threads, kind, share: { take, of } }: { threads: number; kind: Kind; share: Share },
  say: Say,
): Promise<GateResult> {
  const parts: Part[] = [];
  const failures: string[] = [];
  for (const { name: workload } of workloads) {
    // Without trouble each plan of it would fail as the first does.
    const counts = await planCounts(workload).catch((thrown: unknown) => {
      failures.push(`${workload} without trouble (${again.plan(kind, 0, workload)}): ${thrown}`);
      return { [kind]: 0, 'one death': 0 };
    });
    const { [kind]: count = 0, 'one death': single } = counts;
    // They are the first of all deaths, and each of them is played.
    const whole = kind === 'crash' ? single : 0;
    const add = (from: number, plans: number, end: number) => {
      parts.push({ plans: { workload, kind, from, to: Math.min(from + plans, end) } });
    };
    for (let from = 0; from < whole; from += of) add(from, of, whole);
    for (let from = whole; from < count; from += of) add(from, take, count);
  }
  let passed = 0;
  const began = performance.now();
  const tell = telling(`${kind} plans`, parts.length, say);
  const done = (_: Part, result: PartResult) => {
    tell();
    if (!('plays' in result)) return;
    passed += result.plays - result.failures.length;
    failures.push(...result.failures);
  };
  await inThreads(threads, parts, done, { died: (line) => failures.push(line) });
  const seconds = (performance.now() - began) / 1000;
  const isOpen = (line: string) => openPlans.some(({ plan }) => line.startsWith(plan));
  const skipped = failures.filter(isOpen).length;
  const failed = failures.filter((line) => !isOpen(line));
  say(
    `${kind} plans: ${passed + failures.length} in ${seconds.toFixed(0)} s, ` +
      `${failed.length} failed, ${skipped} fail as tests/sim/open-plans.json says`,
  );
  return { passed, skipped, failures: failed.map((line) => ({ line })) };
}

export async function runPairs({ threads }: { threads: number }, say: Say): Promise<GateResult> {
  const parts: Part[] = [];
  for (let at = 0; at < pairs.length; at += pairsPerPart) {
    parts.push({ pairs: pairs.slice(at, at + pairsPerPart) });
  }
  const all: PairsResult[] = [];
  const began = performance.now();
  const tell = telling('pairs', parts.length, say);
  const failures: GateResult['failures'] = [];
  const done = (_: Part, result: PartResult) => {
    tell();
    if ('outcomes' in result) all.push(result);
  };
  await inThreads(threads, parts, done, { died: (line) => failures.push({ line }) });
  const seconds = (performance.now() - began) / 1000;
  failures.push(...all.flatMap(({ wrong }) => wrong).map((line) => ({ line })));
  const outcomes = Object.groupBy(
    all.flatMap((result) => result.outcomes),
    (outcome) => outcome,
  );
  const counts = Object.entries(outcomes).map(([outcome, { length }]) => `${outcome} ${length}`);
  const cpuSeconds = all.reduce((sum, { cpuMs }) => sum + cpuMs, 0) / 1000;
  say(
    `pairs: ${pairs.length} of ${names.length} specs, each with the way back, in ` +
      `${seconds.toFixed(0)} s, ${(pairs.length / cpuSeconds).toFixed(1)} pairs per second of a ` +
      `core; ${counts.toSorted().join(', ')}, ${failures.length} failed`,
  );
  return { passed: pairs.length - failures.length, failures };
}

/** Says now and then how much of it is done; to be called at each end of a part. */
function telling(what: string, of: number, say: Say): () => void {
  let done = 0;
  let toldAt = performance.now();
  return () => {
    done += 1;
    if (performance.now() - toldAt < progressMs) return;
    toldAt = performance.now();
    say(`  ${what}: ${Math.floor((100 * done) / of)} %`);
  };
}

/** The same seed in another process, with another language, time zone and heap. */
export function differsElsewhere(seed: number, say: Say): GateResult {
  const hashOf = (env: Record<string, string>, ...flags: string[]) =>
    execFileSync(
      process.execPath,
      [...flags, new URL('./gate-hash.ts', import.meta.url).pathname, String(seed)],
      { encoding: 'utf8', env: { ...process.env, ...env } },
    ).trim();
  const here = hashOf({ TZ: 'UTC', LANG: 'C' });
  const there = hashOf(
    { TZ: 'Pacific/Chatham', LANG: 'tr_TR.UTF-8', LC_ALL: 'tr_TR.UTF-8' },
    '--max-old-space-size=300',
    '--max-semi-space-size=1',
  );
  say(
    `seed ${seed} with another time zone, language and heap: ${here === there ? 'the same' : 'another'} run`,
  );
  const line = `seed ${seed} is another run elsewhere (${again.elsewhere(seed)}): ${here} ${there}`;
  return { passed: here === there ? 1 : 0, failures: here === there ? [] : [{ line }] };
}

export async function tellFailures({ failures }: GateResult, say: Say): Promise<void> {
  for (const { line } of failures.slice(0, maxTold)) say(`FAILED ${line.slice(0, 2000)}`);
  const seeds = failures.flatMap(({ seed }) => seed ?? []);
  const kinds = new Map(seeds.toReversed().map((seed) => [seed.id, seed]));
  for (const { seed } of [...kinds.values()].slice(0, maxShrunk)) await shrinkAndTell(seed, say);
}
