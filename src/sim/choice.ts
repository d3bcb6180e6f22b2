/**
 * The one source of choice of a simulated world: each delay, order, fault and step of a run is
 * `choose(n, label)`, so a run is its list of choices and can be had again. Zero is always the
 * quiet choice (no fault, no delay, the first in line): a list with more zeros is a simpler run.
 */

export interface Choice {
  /** A whole number from 0 to n - 1. The label says what for; the same run asks the same labels. */
  choose(n: number, label: string): number;
}

/** One choice as it was made; a list of them is a run. */
export interface Chosen {
  label: string;
  n: number;
  value: number;
}

/** Keeps what was chosen, whoever chose it. */
export interface RecordedChoice extends Choice {
  readonly record: readonly Chosen[];
}

/** True so many times of 1,000; false is the quiet choice. */
export function chance(choice: Choice, perMille: number, label: string): boolean {
  if (perMille <= 0) return false;
  return choice.choose(1000, label) > 999 - perMille;
}

/** One of the items, the first one being the quiet choice. */
export function pick<T>(choice: Choice, items: readonly T[], label: string): T {
  const item = items[items.length > 1 ? choice.choose(items.length, label) : 0];
  if (item === undefined) throw new RangeError(`nothing to pick for ${label}`);
  return item;
}

/** From `low` to `high`, both included; `low` is the quiet choice. */
export function between(choice: Choice, low: number, high: number, label: string): number {
  return low + (high > low ? choice.choose(high - low + 1, label) : 0);
}

/**
 * What is chosen from a sequence of its own, beside the one of all else: so a choice that came to
 * the swarm late leaves the runs of earlier seeds as they were where it falls on the quiet side,
 * as it does for all that had found a mistake by then.
 */
const apart = new Map([
  ['neighbour', 0x1d197],
  ['in files', 1060531],
  ['with humanEdits', 0x194e6812],
  ['rate of humanEdits', 0x1],
  ['humanEdits', 0x2],
  ['edited', 0x3],
  ['edit', 0x4],
  ['edited for ms', 0x5],
]);

/** By a seed: the same seed gives the same run. */
export function seededChoice(seed: number): RecordedChoice {
  const random = generator(seed);
  const others = new Map([...apart].map(([label, salt]) => [label, generator(seed ^ salt)]));
  const record: Chosen[] = [];
  return {
    record,
    choose(n, label) {
      const next = others.get(label) ?? random;
      const value = Math.floor((next() / 2 ** 32) * n);
      record.push({ label, n, value });
      return value;
    },
  };
}

/** The run asked for another choice than the one recorded: code or model is another one by now. */
export class DivergenceError extends Error {
  constructor(at: number, asked: string, recorded: string) {
    super(`choice ${at} diverges: the run asks for ${asked}, recorded is ${recorded}`);
    this.name = 'DivergenceError';
  }
}

/** The recorded run again, and an error at the first choice that is another one. */
export function replayedChoice(recorded: readonly Chosen[]): RecordedChoice {
  const record: Chosen[] = [];
  return {
    record,
    choose(n, label) {
      const next = recorded[record.length];
      if (next === undefined || next.label !== label || next.n !== n) {
        const had = next === undefined ? 'the end' : `${next.label} of ${next.n}`;
        throw new DivergenceError(record.length, `${label} of ${n}`, had);
      }
      record.push(next);
      return next.value;
    },
  };
}

/**
 * A changed list as far as it leads: each label goes on with its own next entry, and with zero when
 * it has none left. What it really chose is its record, which replays strictly.
 */
export function guidedChoice(wanted: readonly Chosen[]): RecordedChoice {
  const queues = new Map<string, { values: number[]; next: number }>();
  for (const { label, value } of wanted) {
    const queue = queues.get(label) ?? { values: [], next: 0 };
    queue.values.push(value);
    queues.set(label, queue);
  }
  const record: Chosen[] = [];
  return {
    record,
    choose(n, label) {
      const queue = queues.get(label);
      const value = Math.min(queue?.values[queue.next] ?? 0, n - 1);
      if (queue) queue.next += 1;
      record.push({ label, n, value });
      return value;
    },
  };
}

/**
 * 32 random bits per call: a counter (a Weyl sequence, so no two seeds of a run share a cycle) whose
 * value is mixed by multiplications and shifts until each bit depends on all. Not for secrets.
 */
function generator(seed: number): () => number {
  let counter = Math.imul(seed ^ Math.floor(seed / 2 ** 32), 0x9e3779b1) >>> 0;
  return () => {
    counter = (counter + 0x6d2b79f5) >>> 0;
    let mixed = counter ^ (counter >>> 16);
    mixed = Math.imul(mixed, 0x7feb352d);
    mixed ^= mixed >>> 15;
    mixed = Math.imul(mixed, 0x846ca68b);
    return (mixed ^ (mixed >>> 16)) >>> 0;
  };
}
