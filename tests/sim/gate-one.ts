/**
 * One run by itself, with a trace to read: of the swarm by its seed or by its recorded choices, of
 * two specs by their names, or of a workload under one of its plans of trouble.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Chosen, replayedChoice } from '../../src/sim/choice.ts';
import { inMacrotask } from './drain.ts';
import { playSeed } from './gate-batch.ts';
import { pairNamed } from './pairs/pairs.ts';
import { Walk } from './pairs/walk.ts';
import { shrink } from './shrink.ts';
import { type Played, play } from './swarm/play.ts';
import { sweepPlans } from './sweep.ts';

type Say = (line: string) => void;

interface Recording {
  seed: number;
  /** Label, how many there were to choose from, and what was chosen. */
  choices: [string, number, number][];
}

const maxLines = 30;

export async function tellSeed(seed: number, say: Say): Promise<number> {
  say(`seed ${seed}`);
  const { played } = await inMacrotask(() => playSeed(seed));
  tell(played, say);
  if (played.failure) await shrinkAndTell(seed, say);
  return played.failure ? 1 : 0;
}

/** Fails also when the run asks for other choices than the recorded ones. */
export async function replayFile(file: string, say: Say): Promise<number> {
  const { seed, choices }: Recording = JSON.parse(readFileSync(file, 'utf8'));
  say(`seed ${seed}, ${choices.length} choices of ${file}`);
  const record = choices.map(([label, n, value]): Chosen => ({ label, n, value }));
  const played = await inMacrotask(() => play(replayedChoice(record)));
  tell(played, say);
  return played.failure ? 1 : 0;
}

export async function tellPair(name: string, say: Say): Promise<number> {
  const pair = pairNamed(name);
  const walk = new Walk(say);
  try {
    say(`passed: ${await inMacrotask(() => walk.there(pair.from, pair.to))}`);
    return 0;
  } catch (thrown) {
    say(`FAILED ${thrown}`);
    return 1;
  }
}

/** As a failure names it: kind, number and workload. */
export async function tellPlan(name: string, say: Say): Promise<number> {
  const [, kind, number, workload = ''] = /^(crash|view) (\d+) (.+)$/.exec(name) ?? [];
  if (kind !== 'crash' && kind !== 'view') throw new RangeError(`no plan "${name}"`);
  const from = Number(number);
  const { plays, failures } = await sweepPlans({ workload, kind, from, to: from + 1 });
  if (plays === 0) throw new RangeError(`no ${kind} plan ${number} of "${workload}"`);
  say(failures[0] === undefined ? 'passed' : `FAILED ${failures[0]}`);
  return failures.length === 0 ? 0 : 1;
}

/** Makes the failing run smaller for a minute at most, and says how to have it again. */
export async function shrinkAndTell(seed: number, say: Say): Promise<void> {
  say(`seed ${seed} fails; making the run smaller …`);
  const failing = await inMacrotask(() => playSeed(seed));
  const { record, played, tries } = await inMacrotask(() =>
    shrink(failing, (choice) => play(choice)),
  );
  const file = join(tmpdir(), `benchcluster-seed-${seed}.json`);
  const choices = record.map(({ label, n, value }) => [label, n, value]);
  writeFileSync(file, JSON.stringify({ seed, choices }));
  const isQuiet = ({ value }: Chosen) => value === 0;
  say(
    `after ${tries} tries, ${record.filter((chosen) => !isQuiet(chosen)).length} choices that ` +
      `are not quiet, of ${failing.record.filter((chosen) => !isQuiet(chosen)).length}`,
  );
  tell(played, say);
  say(`the seed:  npm run sim -- --seed ${seed}`);
  say(`this run:  npm run sim -- --replay ${file}`);
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
