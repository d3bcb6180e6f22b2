/**
 * S17: when many are ill at once the cause is elsewhere, and no machine is powered off for its
 * health: not when more than two fifths of a cluster are ill, nor when more than half of what the
 * clusters have on a host is. Only those count that nobody can have missed.
 */
import type { Asked, Checker } from './checker.ts';
import { reasonToGo } from './evidence.ts';
import { nodeOf } from './lineage.ts';
import { isWanted } from './ordered.ts';
import { isRunning, nodeAimedAt, targetOf } from './targets.ts';
import type { HostTruth } from './truth.ts';

const clusterShare = 0.4;
const hostShare = 0.5;
/** Fewer than this are never a sign of something larger. */
const fewest = 2;
/** By then every scheduler has missed its daemon, and the controller has looked. */
const longMs = 600_000;

export const frozen: Checker = {
  id: 'S17',
  asked: (asked) => {
    const { effect, truth, memory } = asked;
    const target = targetOf(effect, truth);
    if (effect.kind !== 'destroy' || target === undefined) return [];
    const node = nodeAimedAt(effect, target, memory);
    if (node?.domain === undefined || !isRunning(node.domain)) return [];
    const reasons = memory.ledger
      .recent(node.cluster, truth.now)
      .map((version) => reasonToGo(memory, target, node, version));
    if (!reasons.includes('ill') || reasons.some((reason) => reason && reason !== 'ill')) return [];
    const own = illOf(asked, target.host, [node.cluster]);
    const all = illOf(asked, target.host, memory.ledger.clusters());
    return [
      ...told(node.name, own, clusterShare, node.cluster),
      ...told(node.name, all, hostShare, `the guests on ${target.host.name}`),
    ];
  },
};

interface Share {
  ill: number;
  /** At most. */
  nodes: number;
}

function told(node: string, { ill, nodes }: Share, share: number, whole: string): string[] {
  if (ill < fewest || ill <= share * nodes) return [];
  return [`asks to destroy ${node} for its health while ${ill} of ${nodes} of ${whole} are ill`];
}

function illOf(asked: Asked, host: HostTruth, clusters: readonly string[]): Share {
  const shares = clusters.map((cluster) => illOfCluster(asked, host, cluster));
  return {
    ill: shares.reduce((sum, { ill }) => sum + ill, 0),
    nodes: shares.reduce((sum, { nodes }) => sum + nodes, 0),
  };
}

function illOfCluster({ truth, memory }: Asked, host: HostTruth, cluster: string): Share {
  const { ledger, lineage, health, drains, statuses } = memory;
  const versions = ledger.recent(cluster, truth.now).map((version) => memory.kept(version));
  const sizes = versions.map(({ spec }) =>
    spec.workers.reduce((sum, { replicas }) => sum + replicas, spec.controlPlane.replicas),
  );
  const ill = host.domains.filter((domain) => {
    const node = lineage.isOurs(domain) ? nodeOf(domain.owner) : undefined;
    if (node?.cluster !== cluster || drains.record(cluster, node.name)?.up) return false;
    const isOrdered = versions.every(
      (version) => !version.spec.paused && isWanted(version, node.pool, node.index),
    );
    return isOrdered && health.illFor(domain.uuid, truth.now) >= longMs;
  });
  const nodes = Math.max(0, ...sizes, statuses.get(cluster)?.nodes.length ?? 0);
  return { ill: ill.length, nodes };
}
