/**
 * The way out of a node: drained → powered off → forgotten by the scheduler → disk deleted →
 * undefined. The domain with its mark goes last, so that a crash anywhere leaves evidence of what
 * is still to be done. Nothing is powered off before the scheduler's module says so. Pure.
 */
import type { Verdict } from '../../schedulers/scheduler.ts';
import { changeOf, type HostAction } from '../action.ts';
import { nodeVolume } from '../desired.ts';
import type { Cure } from '../health.ts';
import { type ClusterScope, mayRun, type NodeScope, type Removal } from '../scope.ts';
import { power } from './power.ts';
import type { StagedNode } from './staged.ts';

export function planRemoval(
  scope: ClusterScope,
  node: NodeScope,
  removal: Removal,
  verdict: Verdict | undefined,
): StagedNode {
  const way = wayOut(scope, node);
  const ahead = Object.values(way).map((action) => ({ host: scope.cluster.host, ...action }));
  return { ...nextStep(scope, node, removal, verdict, way), ahead };
}

/** The steps that are still to be taken. */
interface WayOut {
  destroy?: HostAction;
  deleteVolume?: HostAction;
  undefine?: HostAction;
}

function wayOut(scope: ClusterScope, { name, uuid, domain, volume }: NodeScope): WayOut {
  const owner = domain?.owner;
  const isUnseen = !scope.inventory.pool.active;
  const disk = nodeVolume(name, uuid);
  return {
    ...(owner && mayRun(domain) && { destroy: changeOf('destroy', domain, owner) }),
    ...((volume || isUnseen) && {
      // A listing may miss a domain: where none was seen, the host refuses if there is one.
      deleteVolume: { kind: 'deleteVolume', name: disk, ...(domain && { onlyUsedBy: uuid }) },
    }),
    ...(owner && { undefine: changeOf('undefine', domain, owner) }),
  };
}

function nextStep(
  scope: ClusterScope,
  node: NodeScope,
  removal: Removal,
  verdict: Verdict | undefined,
  { destroy, deleteVolume, undefine }: WayOut,
): StagedNode {
  const told = verdict?.kind === 'drained' ? verdict : undefined;
  const going = (reason: string, message: string): StagedNode['outcome'] => ({
    phase: 'Deleting',
    reason: told?.reason ?? reason,
    message: `${removal.reason}: ${message}`,
  });
  const remove = (message: string, action: HostAction): StagedNode => ({
    outcome: going('Removing', message),
    actions: [
      { action: { host: scope.cluster.host, ...action }, why: `${removal.reason}: ${message}` },
    ],
  });
  if (destroy) {
    if (verdict?.kind !== 'drained' && verdict?.kind !== 'absent') {
      return goingOn(scope, node, removal) ?? draining(removal, verdict);
    }
    const off = remove(verdict.kind === 'drained' ? verdict.message : 'it never joined', destroy);
    return removal.cure ? cured(off, removal.cure) : off;
  }
  if (undefine && verdict?.kind !== 'absent') {
    const message = told?.message ?? 'powered off; waiting until the scheduler has forgotten it';
    return { outcome: going('Leaving', message), actions: [] };
  }
  if (!scope.inventory.pool.active) {
    const message = 'its disk cannot be seen, because the storage pool is not active';
    return { outcome: { phase: 'Deleting', reason: 'PoolInactive', message }, actions: [] };
  }
  if (deleteVolume) return remove('its disk is deleted', deleteVolume);
  return undefine ? remove('it is undefined', undefine) : { outcome: gone, actions: [] };
}

/** Powered off to be mended, which is counted; a restart is on again in the next round. */
function cured({ outcome, actions }: StagedNode, cure: Cure): StagedNode {
  return {
    outcome: cure === 'restart' ? { ...outcome, phase: 'NotReady', reason: 'Restarting' } : outcome,
    actions: actions.map((item) => ({ ...item, repair: cure })),
  };
}

const gone = { phase: 'Deleting', reason: 'Removed', message: 'nothing is left of it' } as const;

/** Nothing drains while its machine is paused: it is told to go on as a wanted one would be. */
function goingOn(scope: ClusterScope, node: NodeScope, removal: Removal): StagedNode | undefined {
  const paused = node.domain?.state === 'paused' ? power(scope, node) : undefined;
  if (paused === undefined) return undefined;
  const { reason, message } = paused.outcome;
  return {
    outcome: { phase: 'Draining', reason, message: `${removal.reason}: ${message}` },
    actions: paused.actions,
  };
}

function draining(removal: Removal, verdict: Verdict | undefined): StagedNode {
  const known = verdict && 'message' in verdict ? verdict : undefined;
  const { since, deadline } = verdict?.kind === 'draining' ? verdict : {};
  const until = deadline === undefined ? '' : ` (deadline ${new Date(deadline).toISOString()})`;
  return {
    outcome: {
      phase: 'Draining',
      reason: known && 'reason' in known ? known.reason : 'Draining',
      message: `${removal.reason}: ${known?.message ?? 'the scheduler has not been asked yet'}${until}`,
      ...(since !== undefined && { since }),
    },
    actions: [],
  };
}
