/**
 * S16: how much is under way at a time is bounded. No effect twice at once; what failed is tried
 * again more and more seldom; and of a pool no more nodes are taken down for another spec than it
 * can spare.
 */
import type { Asked, Checker } from './checker.ts';
import { poolOf } from './ledger.ts';
import { isWanted } from './ordered.ts';
import { isRunning, nodeAimedAt, targetOf } from './targets.ts';

/** The first wait may be short; from then on it doubles, a quarter less at most by chance. */
const firstWaitMs = 1000;
const leastShare = 0.7;
const longestMs = 300_000;

export const blastRadius: Checker = {
  id: 'S16',
  asked: (asked) => [...twice(asked), ...tooSoon(asked), ...tooMany(asked)],
};

function twice({ effect, memory }: Asked): string[] {
  if ('host' in effect === false && effect.kind !== 'guest') return [];
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

function tooMany({ effect, truth, memory }: Asked): string[] {
  if (effect.kind !== 'destroy') return [];
  const target = targetOf(effect, truth);
  const node = target && nodeAimedAt(effect, target, memory);
  if (target === undefined || node?.domain === undefined || !isRunning(node.domain)) return [];
  const versions = memory.ledger.recent(node.cluster, truth.now);
  const messages = versions.map((version) => {
    const pool = poolOf(version, node.pool);
    if (pool === undefined || !isWanted(version, node.pool, node.index)) return undefined;
    const down = target.host.domains.filter((domain) => {
      const { node: mark } = domain.owner ?? {};
      const own = mark && `${mark.namespace}/${mark.cluster}` === node.cluster;
      return own && mark.pool === node.pool && mark.index < pool.replicas && isRunning(domain);
    }).length;
    const spare = pool.rollout.maxUnavailable + (pool.rollout.maxSurge ?? 0);
    const left = down - 1;
    if (left >= pool.replicas - spare || down < pool.replicas - spare) return undefined;
    return `of ${pool.replicas} nodes of ${node.pool}, ${left} would run, and ${spare} may miss`;
  });
  // One order under which it is right is enough.
  return messages.every((message) => message !== undefined)
    ? (messages.slice(0, 1) as string[])
    : [];
}
