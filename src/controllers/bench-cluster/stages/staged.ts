/** What a stage says of one node: where it is, and at most one action. Pure. */
import type { Action, HostAction } from '../action.ts';
import type { RepairKind } from '../observed.ts';
import type { NodeOutcome } from '../plan.ts';
import type { ClusterScope } from '../scope.ts';

export interface StagedNode {
  outcome: NodeOutcome;
  actions: { action: Action; why: string; repair?: RepairKind }[];
  /** The steps of its way that are still to come, due or not. */
  ahead?: Action[];
}

/** `repair`: the action mends what was well before, and is counted. */
export function act(
  scope: ClusterScope,
  [phase, reason, message]: [NodeOutcome['phase'], string, string],
  action: HostAction,
  repair?: RepairKind,
): StagedNode {
  return {
    outcome: { phase, reason, message },
    actions: [
      {
        action: { host: scope.cluster.host, ...action },
        why: message,
        ...(repair && { repair }),
      },
    ],
  };
}

export function wait(phase: NodeOutcome['phase'], reason: string, message: string): StagedNode {
  return { outcome: { phase, reason, message }, actions: [] };
}
