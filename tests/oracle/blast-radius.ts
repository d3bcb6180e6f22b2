/**
 * S16: how much is under way at a time is bounded. No effect twice at once; what failed is tried
 * again more and more seldom; and of a pool no more nodes are taken down for another spec than it
 * can spare.
 */
import type { Asked, Checker } from './checker.ts';
import { isWanted } from './ordered.ts';
import { isRunning, nodeAimedAt, targetOf } from './targets.ts';
import { poolOf } from './version.ts';

/** The first wait may be short; from then on it doubles, a quarter less at most by chance. */
const firstWaitMs = 1000;
const leastShare = 0.7;
const longestMs = 300_000;

export const blastRadius: Checker = {
  id: 'S16',
  asked: (asked) => [...twice(asked), ...tooSoon(asked), ...tooMany(asked)],
};

function twice({ effect, memory }: Asked): string[] {
  if (!('host' in effect) && effect.kind !== 'guest') return [];
  if (effect.kind === 'guest' && effect.reads) return [];
  const others = memory.attempts.running(effect) - 1;
  return others > 0 ? [`${effect.kind} is asked for again while it is under way`] : [];
}

function tooSoon({ effect, truth, memory }: Asked): string[] {
  if (!('host' in effect) && effect.kind !== 'guest') return [];
  if (effect.kind === 'guest' && effect.reads) return [];
  const failing = memory.attempts.failing(effect);
  if (failing === undefined) return [];
  const { failures, failedAt } = failing;
  const due = leastShare * Math.min(longestMs, firstWaitMs * 2 ** (failures - 1));
  const waited = truth.now - failedAt;
  if (waited >= due) return [];
  return [`${effect.kind} is tried again ${waited} ms after failure ${failures}`];
}

/** One that is broken anyway, or that a person has closed, may be taken down whatever becomes of the others. */
function tooMany({ effect, truth, memory }: Asked): string[] {
  const target = targetOf(effect, truth);
  const node = target && nodeAimedAt(effect, target, memory);
  if (effect.kind !== 'destroy' || node?.domain === undefined) return [];
  if (!isRunning(node.domain) || memory.health.unwellFor(node.uuid, truth.now) > 0) return [];
  const record = memory.drains.record(node.cluster, node.name);
  if (record?.up !== true || (record.closed && !record.closedByUs)) return [];
  const spare = memory.ledger.recent(node.cluster, truth.now).map((version) => {
    const pool = poolOf(version, node.pool);
    if (pool === undefined || !isWanted(version, node.pool, node.index)) return undefined;
    const others = memory.takenDown
      .others(node)
      .filter(({ pool: name, index }) => isWanted(version, name, index)).length;
    const { maxUnavailable, maxSurge = 0 } = pool.rollout;
    return others < maxUnavailable + maxSurge ? undefined : others;
  });
  // One order under which it is right is enough.
  if (spare.length === 0 || spare.includes(undefined)) return [];
  return [`asks to power off ${node.name} while ${spare[0]} others of ${node.pool} are being made`];
}
