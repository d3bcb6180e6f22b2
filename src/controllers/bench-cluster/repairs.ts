/**
 * How often each node was mended since it was last healthy for long. A machine that is off is
 * switched on as often as it takes, more and more seldom; a restart or a replacement by our own
 * judgement is tried five times, and then a person is needed. Kept in the status over restarts.
 */
import type { RepairStatus } from '../../crd/status.ts';
import { backoffMs, recordedRetry, retryText } from '../loop/backoff.ts';
import type { RepairKind, RepairView } from './observed.ts';

/** Restarts and replacements of a node without an hour of health between them. */
export const maxRepairs = 5;
/** So long a node must have been ready for its earlier repairs to count no more. */
export const healthyAfterMs = 3_600_000;
/** A status is bounded. */
const maxKept = 200;

/** By judgement: it destroys what runs. */
export function isCure(kind: RepairKind): boolean {
  return kind === 'restart' || kind === 'replace';
}

/** Power and judgement are counted apart. */
export function repairKey(node: string, kind: RepairKind): string {
  return `${node}/${isCure(kind) ? 'judgement' : 'power'}`;
}

/** The node of a key. */
export function nodeOf(key: string): string {
  return key.slice(0, key.lastIndexOf('/'));
}

export class Repairs {
  readonly #byKey: Map<string, RepairView & { node: string }>;
  readonly #random: () => number;

  /** `now` is when the process begins that goes on with what the status says. */
  constructor(random: () => number, now: number, before: readonly RepairStatus[] = []) {
    this.#random = random;
    this.#byKey = repairsOf(before, now);
  }

  begun(node: string, kind: RepairKind, now: number): void {
    const key = repairKey(node, kind);
    const count = (this.#byKey.get(key)?.count ?? 0) + 1;
    const retryAt = now + backoffMs(count, this.#random());
    this.#byKey.set(key, { node, kind, count, lastAt: now, retryAt });
  }

  /**
   * The node is not there any more, or was healthy for long; of two rounds that both see its end,
   * the second must not drop what the first has begun, so then only what is older goes.
   */
  forget(node: string, before = Number.POSITIVE_INFINITY): void {
    for (const [key, view] of [...this.#byKey]) {
      if (view.node === node && view.lastAt <= before) this.#byKey.delete(key);
    }
  }

  view(): ReadonlyMap<string, RepairView> {
    return new Map(this.#byKey);
  }

  nodes(): Set<string> {
    return new Set([...this.#byKey.values()].map(({ node }) => node));
  }

  report(): RepairStatus[] {
    return [...this.#byKey.values()].slice(-maxKept).map(({ node, kind, count, ...times }) => ({
      ...{ node, kind, count },
      lastAt: new Date(times.lastAt).toISOString(),
      retryAt: retryText(times),
    }));
  }

  /** The spec changed: a node gets all its chances again. */
  clear(): void {
    this.#byKey.clear();
  }
}

/** What a status says of earlier repairs. */
export function repairsOf(
  repairs: readonly RepairStatus[],
  now: number,
): Map<string, RepairView & { node: string }> {
  return new Map(
    repairs.map(({ lastAt, retryAt, ...repair }) => [
      repairKey(repair.node, repair.kind),
      { ...repair, lastAt: Date.parse(lastAt), ...recordedRetry(retryAt, now) },
    ]),
  );
}
