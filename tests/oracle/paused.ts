/** S6, for a cluster that its owner has paused: it is watched, and nothing of it is touched. */
import type { Checker } from './checker.ts';
import { nodeOf } from './lineage.ts';
import { targetOf } from './targets.ts';
import type { Effect, Truth } from './truth.ts';

export const paused: Checker = {
  id: 'S6',
  asked: ({ effect, truth, memory }) => {
    const cluster = clusterOf(effect, truth);
    if (cluster === undefined) return [];
    const versions = memory.ledger.recent(cluster, truth.now);
    if (versions.length === 0 || !versions.every(({ spec }) => spec.paused)) return [];
    return [`${effect.kind} for ${cluster}, which is paused`];
  },
};

function clusterOf(effect: Effect, truth: Truth): string | undefined {
  if (effect.kind === 'defineDomain') return nodeOf(effect.domain.owner)?.cluster;
  if (effect.kind !== 'guest') return nodeOf(targetOf(effect, truth)?.domain?.owner)?.cluster;
  if (effect.reads) return undefined;
  const domains = truth.hosts.flatMap((host) => host.domains);
  return nodeOf(domains.find(({ uuid }) => uuid === effect.uuid)?.owner)?.cluster;
}
