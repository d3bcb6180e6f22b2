/**
 * One run by itself, with a trace to read: of the swarm by its seed or by its recorded choices, of
 * two specs by their names, or of a workload under one of its plans of trouble.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { toError } from '../../src/lib/error.ts';
import { type Chosen, type RecordedChoice, replayedChoice } from '../../src/sim/choice.ts';
import { again } from './again.ts';
import { judgeSeed, type Player, playChoice, playSeed } from './gate-batch.ts';
import { nameOf, pairs, wrongIn } from './pairs/pairs.ts';
import { names } from './pairs/specs.ts';
import { shrink } from './shrink.ts';
import type { Played } from './swarm/play.ts';
import { isKind, kinds, planCounts, sweepPlans } from './sweep.ts';
import { workloads } from './workloads.ts';

type Say = (line: string) => void;

interface Recording {
  seed: number;
  /** Label, how many there were to choose from, and what was chosen. */
  choices: [string, number, number][];
}

const maxLines = 30;

/** Shorter, and of another run, in a test of the gate. */
export interface Shrinking {
  player?: Player;
  limitMs?: number;
}

/** Of a person's own words; says what may stand there. */
export class NothingNamed extends Error {}

export async function tellSeed(seed: number, say: Say, how: Shrinking = {}): Promise<number> {
  if (!Number.isSafeInteger(seed)) throw new NothingNamed('a seed is a whole number');
  say(`seed ${seed}`);
  const played = await judgeSeed(seed, how.player);
  tell(played, say);
  if (played.failure) await shrinkAndTell(seed, say, how);
  return played.failure ? 1 : 0;
}

/** Fails also when the run asks for other choices than the recorded ones. */
export async function replayFile(file: string, say: Say, player?: Player): Promise<number> {
  const { seed, choices } = recordingIn(file);
  say(`seed ${seed}, ${choices.length} choices of ${file}`);
  const record = choices.map(([label, n, value]): Chosen => ({ label, n, value }));
  const played = await playChoice(replayedChoice(record), player);
  tell(played, say);
  return played.failure ? 1 : 0;
}

function recordingIn(file: string): Recording {
  try {
    const recording: Recording = JSON.parse(readFileSync(file, 'utf8'));
    if (Array.isArray(recording.choices)) return recording;
  } catch (thrown) {
    throw new NothingNamed(`${file} is no recorded run: ${toError(thrown).message}`);
  }
  throw new NothingNamed(`${file} is no recorded run, as a failing seed leaves one`);
}

export async function tellPair(name: string, say: Say): Promise<number> {
  const pair = pairs.find((each) => nameOf(each) === name);
  if (pair === undefined) {
    throw new NothingNamed(`no pair "${name}"; it is "a -> b" of two of ${names.join(', ')}`);
  }
  const wrong = await wrongIn(pair, (outcome) => say(`passed: ${outcome}`), say);
  if (wrong === undefined) return 0;
  say(`FAILED ${wrong}`);
  return 1;
}

/** As a failure names it: kind, number and workload. */
export async function tellPlan(name: string, say: Say): Promise<number> {
  const [, kind, number, workload = ''] = /^(one death|crash|view) (\d+) (.+)$/.exec(name) ?? [];
  const known = workloads.map((each) => each.name);
  if (!isKind(kind) || !known.includes(workload)) {
    const how = `it is "KIND NUMBER WORKLOAD", of ${kinds.join(', ')} and ${known.join(', ')}`;
    throw new NothingNamed(`no plan "${name}"; ${how}`);
  }
  const from = Number(number);
  const { plays, failures } = await sweepPlans({ workload, kind, from, to: from + 1 });
  if (plays === 0) {
    const { [kind]: count } = await planCounts(workload);
    throw new NothingNamed(
      `no ${kind} plan ${number} of "${workload}"; there are 0 to ${count - 1}`,
    );
  }
  say(failures[0] === undefined ? 'passed' : `FAILED ${failures[0]}`);
  return failures.length === 0 ? 0 : 1;
}

/** Makes the failing run smaller for a minute at most, and says how to have it again. */
export async function shrinkAndTell(seed: number, say: Say, how: Shrinking = {}): Promise<void> {
  const { player, limitMs } = how;
  const failing = await playSeed(seed, player);
  // What is otherwise each time has no smaller run that could be had again.
  if (failing.played.failure) {
    say(`seed ${seed} fails; making the run smaller …`);
    const judge = (choice: RecordedChoice) => playChoice(choice, player);
    const { record, played, tries } = await shrink(failing, judge, limitMs);
    const file = join(tmpdir(), `benchcluster-seed-${seed}.json`);
    const choices = record.map(({ label, n, value }) => [label, n, value]);
    writeFileSync(file, JSON.stringify({ seed, choices }));
    const loud = (of: readonly Chosen[]) => of.filter(({ value }) => value !== 0).length;
    say(
      `after ${tries} tries, ${loud(record)} choices that are not quiet, of ${loud(failing.record)}`,
    );
    tell(played, say);
    say(`this run:  ${again.recorded(file)}`);
  }
  say(`the seed:  ${again.seed(seed)}`);
}

/** What people and faults did comes before what the controller did, where there is no room. */
function tell({ trace, failure, hash, crashes, effects }: Played, say: Say): void {
  // An event says what the status beside it says.
  const told = trace.filter((line) => !line.includes(' appendEvent '));
  const lines = told.map((line) => line.replaceAll(/\s*\n\s*/g, ' ').slice(0, 160));
  const isEffect = (line: string) => /^ *[\d.]+ {5}/.test(line);
  const deeds = lines.filter((line) => !isEffect(line)).slice(0, maxLines - 8);
  const last = new Set([...deeds, ...lines.slice(deeds.length - maxLines)]);
  for (const line of lines.length <= maxLines ? lines : lines.filter((each) => last.has(each))) {
    say(line);
  }
  say(`run ${hash.slice(0, 12)}: ${effects} effects, ${crashes} deaths`);
  say(failure ? `FAILED ${failure.id}: ${failure.message}` : 'passed');
}
