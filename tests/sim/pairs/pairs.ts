/** All ordered pairs of two different specs, in an order of their own, to be walked in parts. */
import { inMacrotask } from '../drain.ts';
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

export function pairNamed(name: string): Pair {
  const pair = pairs.find((each) => nameOf(each) === name);
  if (pair === undefined)
    throw new RangeError(`no pair "${name}" of the specs ${names.join(', ')}`);
  return pair;
}

export async function walkPairs(part: readonly Pair[]): Promise<PairsResult> {
  const before = process.threadCpuUsage();
  const result: PairsResult = { outcomes: [], wrong: [], cpuMs: 0 };
  for (const pair of part) {
    try {
      const walk = () => trapping(() => new Walk().there(pair.from, pair.to));
      result.outcomes.push(await inMacrotask(walk));
    } catch (thrown) {
      const name = nameOf(pair);
      result.wrong.push(`${name} (npm run sim -- --pair "${name}"): ${thrown}`);
    }
  }
  const { user, system } = process.threadCpuUsage(before);
  result.cpuMs = (user + system) / 1000;
  return result;
}
