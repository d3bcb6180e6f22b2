/**
 * What happened between two statuses of a cluster, as values. Pure.
 * The progress view prints them line by line, and an event log may keep them.
 */
import type { ClusterStatus, Condition, NodeStatus } from '../../crd/status.ts';

export type StatusChange =
  | { kind: 'nodeAppeared'; node: NodeStatus }
  /** Another phase; `tookMs` is the time in the phase before. */
  | { kind: 'nodePhase'; node: NodeStatus; from: NodeStatus['phase']; tookMs: number }
  /** The same phase for another reason. */
  | { kind: 'nodeReason'; node: NodeStatus }
  | { kind: 'nodeGone'; node: NodeStatus }
  | { kind: 'condition'; condition: Condition };

export function statusChanges(
  previous: ClusterStatus | undefined,
  next: ClusterStatus,
): StatusChange[] {
  const before = new Map(previous?.nodes.map((node) => [node.name, node]));
  const after = new Set(next.nodes.map((node) => node.name));
  return [
    ...next.nodes.flatMap((node) => nodeChange(before.get(node.name), node)),
    ...[...before.values()]
      .filter((node) => !after.has(node.name))
      .map((node): StatusChange => ({ kind: 'nodeGone', node })),
    ...next.conditions
      .filter((condition) => isNews(conditionBefore(previous, condition), condition))
      .map((condition): StatusChange => ({ kind: 'condition', condition })),
  ];
}

function nodeChange(before: NodeStatus | undefined, node: NodeStatus): StatusChange[] {
  if (before === undefined || before.uuid !== node.uuid) return [{ kind: 'nodeAppeared', node }];
  if (before.phase !== node.phase) {
    const tookMs = Math.max(0, Date.parse(node.since) - Date.parse(before.since));
    return [{ kind: 'nodePhase', node, from: before.phase, tookMs }];
  }
  // A message alone may carry a percentage; it is no event.
  return before.reason === node.reason ? [] : [{ kind: 'nodeReason', node }];
}

function conditionBefore(previous: ClusterStatus | undefined, condition: Condition) {
  return previous?.conditions.find(({ type }) => type === condition.type);
}

function isNews(before: Condition | undefined, condition: Condition): boolean {
  return before?.status !== condition.status || before.reason !== condition.reason;
}
