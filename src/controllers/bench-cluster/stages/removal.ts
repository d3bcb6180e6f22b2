/**
 * The way out of a node: drained → powered off → forgotten by the scheduler → disk deleted →
 * undefined. The domain with its mark goes last, so that a crash anywhere leaves evidence of what
 * is still to be done. Nothing is powered off before the scheduler's module says so. Pure.
 */
import type { Verdict } from '../../schedulers/scheduler.ts';
import type { HostAction } from '../action.ts';
import { nodeVolume } from '../desired.ts';
import type { Cure } from '../health.ts';
import { type ClusterScope, mayRun, type NodeScope, type Removal } from '../scope.ts';
import type { StagedNode } from './staged.ts';

export function planRemoval(
  scope: ClusterScope,
  node: NodeScope,
  removal: Removal,
  verdict: Verdict | undefined,
): StagedNode {
  const { domain } = node;
  const remove = (message: string, action: HostAction): StagedNode => ({
    outcome: { phase: 'Deleting', reason: 'Removing', message: `${removal.reason}: ${message}` },
    actions: [
      { action: { host: scope.cluster.host, ...action }, why: `${removal.reason}: ${message}` },
    ],
  });
  const target = domain?.owner && { name: domain.name, uuid: domain.uuid, owner: domain.owner };
  if (target && mayRun(domain)) {
    if (verdict?.kind !== 'drained' && verdict?.kind !== 'absent')
      return draining(removal, verdict);
    const message = verdict.kind === 'drained' ? verdict.message : 'it never joined';
    const off = remove(message, { kind: 'changeDomain', change: 'destroy', domain: target });
    return removal.cure ? cured(off, removal.cure) : off;
  }
  if (target && verdict?.kind !== 'absent') {
    return {
      outcome: {
        phase: 'Deleting',
        reason: 'Leaving',
        message: `${removal.reason}: powered off; waiting until the scheduler has forgotten it`,
      },
      actions: [],
    };
  }
  if (!scope.inventory.pool.active) {
    const message = 'its disk cannot be seen, because the storage pool is not active';
    return { outcome: { phase: 'Deleting', reason: 'PoolInactive', message }, actions: [] };
  }
  if (node.volume) {
    return remove('its disk is deleted', {
      kind: 'deleteVolume',
      name: nodeVolume(node.name, node.uuid),
      onlyUsedBy: node.uuid,
    });
  }
  if (!target) return { outcome: gone, actions: [] };
  return remove('it is undefined', { kind: 'changeDomain', change: 'undefine', domain: target });
}

/** Powered off to be mended, which is counted; a restart is on again in the next round. */
function cured({ outcome, actions }: StagedNode, cure: Cure): StagedNode {
  return {
    outcome: cure === 'restart' ? { ...outcome, phase: 'NotReady', reason: 'Restarting' } : outcome,
    actions: actions.map((item) => ({ ...item, repair: cure })),
  };
}

const gone = { phase: 'Deleting', reason: 'Removed', message: 'nothing is left of it' } as const;

function draining(removal: Removal, verdict: Verdict | undefined): StagedNode {
  const known = verdict && 'message' in verdict ? verdict : undefined;
  const deadline = verdict?.kind === 'draining' ? verdict.deadline : undefined;
  const until = deadline === undefined ? '' : ` (deadline ${new Date(deadline).toISOString()})`;
  return {
    outcome: {
      phase: 'Draining',
      reason: known && 'reason' in known ? known.reason : 'Draining',
      message: `${removal.reason}: ${known?.message ?? 'the scheduler has not been asked yet'}${until}`,
    },
    actions: [],
  };
}
