/** When a cluster is looked at again if nothing wakes it before. Pure. */
import type { Observed } from './observed.ts';
import type { Plan } from './plan.ts';
import { recordedAt } from './scope.ts';

/**
 * How often a cluster at rest asks its scheduler, which sends no events. More seldom when it has
 * rested for long: each question is work on a head that somebody may be measuring.
 */
const restIntervalMs = 30_000;
const longRestIntervalMs = 60_000;
/** Clusters at rest look at the same moments, so that those of one host share its listing. */
const sharedMs = 5_000;
/** While a unit of ours runs, whose end wakes a round, or while a host does not answer. */
const workIntervalMs = 5_000;
/** However much is due: events and operations that end wake a round at once anyway. */
const soonestMs = 250;

/**
 * Look after a tenth of the time for which a node has been as it is: soon at first, and in the end
 * as seldom as at rest. A guest that boots costs nothing to look for, and tells by no event that its
 * SSH answers. The end of a unit of ours wakes a round, and what is asked meanwhile slows it down.
 * Events wake a round earlier.
 */
export function nextLook(
  nodes: Plan['nodes'],
  working: ReadonlySet<string | undefined>,
  observed: Observed,
  now: number,
): number {
  const previous = new Map(observed.previous?.nodes.map((node) => [node.name, node]));
  const waits = nodes.map(({ scope: { name }, outcome: { phase } }) => {
    const before = previous.get(name);
    const lasts =
      before?.phase === phase ? now - recordedAt(Date.parse(before.since), observed, now) : 0;
    if (phase === 'Ready' || phase === 'Stalled') {
      return within(restIntervalMs, lasts / 10, longRestIntervalMs);
    }
    const part = phase === 'Booting' ? 50 : 10;
    return working.has(name) ? workIntervalMs : within(soonestMs, lasts / part, restIntervalMs);
  });
  const soonest = Math.min(...(waits.length > 0 ? waits : [restIntervalMs]));
  if (soonest < restIntervalMs) return now + soonest;
  return Math.ceil((now + soonest) / sharedMs) * sharedMs;
}

/** While a host does not answer. */
export function nextTry(unreachableMs: number, now: number): number {
  return now + within(workIntervalMs, unreachableMs / 10, restIntervalMs);
}

/** The earliest of the times, but a moment from now. */
export function notAtOnce(now: number, ...times: number[]): number {
  return Math.max(now + soonestMs, Math.min(...times));
}

function within(least: number, value: number, most: number): number {
  return Math.min(Math.max(least, value), most);
}
