/** All ordered pairs of two different specs, in an order of their own, to be walked in parts. */
import { again } from '../again.ts';
import { alone } from '../alone.ts';
import { trapping } from '../traps.ts';
import { names } from './specs.ts';
import { type Outcome, Walk } from './walk.ts';

export interface Pair {
  from: string;
  to: string;
}

export interface PairsResult {
  outcomes: Outcome[];
  /** Each that failed, with its name. */
  wrong: string[];
  cpuMs: number;
}

export const pairs: readonly Pair[] = names.flatMap((from) =>
  names.flatMap((to) => (from === to ? [] : [{ from, to }])),
);

const arrow = ' -> ';

export function nameOf({ from, to }: Pair): string {
  return from + arrow + to;
}

export async function walkPairs(part: readonly Pair[]): Promise<PairsResult> {
  const before = process.threadCpuUsage();
  const result: PairsResult = { outcomes: [], wrong: [], cpuMs: 0 };
  for (const pair of part) {
    const wrong = await wrongIn(pair, (outcome) => result.outcomes.push(outcome));
    if (wrong !== undefined) result.wrong.push(wrong);
  }
  const { user, system } = process.threadCpuUsage(before);
  result.cpuMs = (user + system) / 1000;
  return result;
}

/** Walks it, and tells of its edits; what was not as it should be, with the name of the pair. */
export async function wrongIn(
  pair: Pair,
  done: (outcome: Outcome) => void,
  tell?: (line: string) => void,
): Promise<string | undefined> {
  try {
    const walk = () => new Walk(tell).there(pair.from, pair.to);
    const { value, floating } = await alone(() => trapping(walk));
    if (floating.length > 0) throw floating[0];
    done(value);
    return undefined;
  } catch (thrown) {
    const name = nameOf(pair);
    return `${name} (${again.pair(name)}): ${thrown}`;
  }
}
