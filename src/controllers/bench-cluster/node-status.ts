/**
 * What the status tells of each node. Carries only from the status before since when a node is in
 * its phase, and what a node that goes was there for. Pure.
 */
import type { ClusterStatus, NodeStatus } from '../../crd/status.ts';
import type { DesiredCluster } from './desired.ts';
import type { Illness } from './health.ts';
import type { Plan } from './plan.ts';

export function nodeStatuses(
  cluster: DesiredCluster,
  plan: Plan,
  previous: ClusterStatus | undefined,
  hostLost: boolean,
  time: string,
): NodeStatus[] {
  const before = new Map(previous?.nodes.map((node) => [node.name, node]));
  const surge = new Set(cluster.surge.map(({ name }) => name));
  return plan.nodes.map(({ scope, outcome }) => {
    const old = before.get(scope.name);
    const { phase, reason, message } = outcome;
    // Without its host nothing new is known of the node, and nothing old is disproved.
    const address = scope.guest?.address ?? (hostLost ? old?.address : undefined);
    const since = old?.phase === phase ? old.since : time;
    const counted = outcome.since === undefined ? since : new Date(outcome.since).toISOString();
    const unhealthy = unhealthySince(scope.illness, phase, since);
    // One that is not wanted any more is what it was.
    const standIn = scope.desired ? surge.has(scope.name) : old?.standIn;
    return {
      name: scope.name,
      pool: scope.pool,
      role: scope.role,
      host: cluster.host,
      uuid: scope.uuid,
      ...(address && { address }),
      phase,
      reason,
      message,
      since: counted,
      upToDate:
        scope.desired !== undefined && scope.outdated !== true && scope.domain !== undefined,
      ...(standIn && { standIn }),
      ...(unhealthy && { unhealthy }),
    };
  });
}

/** Of a guest that boots, its phase tells it already. */
function unhealthySince(
  illness: Illness | undefined,
  phase: NodeStatus['phase'],
  since: string,
): NodeStatus['unhealthy'] {
  if (illness === undefined) return undefined;
  const at = new Date(illness.since).toISOString();
  if (illness.reason === 'NotBooting' && phase === 'Booting' && at === since) return undefined;
  return { since: at, reason: illness.reason };
}
