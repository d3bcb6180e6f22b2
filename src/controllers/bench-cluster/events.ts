/** What changed between two statuses, as events that people can follow. Pure. */
import type { ClusterStatus } from '../../crd/status.ts';
import type { ClusterEvent } from '../ports.ts';

export function eventsOf(
  cluster: string,
  before: ClusterStatus | undefined,
  after: ClusterStatus,
  now: number,
): ClusterEvent[] {
  const time = new Date(now).toISOString();
  const phases = new Map(before?.nodes.map((node) => [node.name, node]));
  const nodes = after.nodes.flatMap((node): ClusterEvent[] => {
    const old = phases.get(node.name);
    if (old?.phase === node.phase && old.reason === node.reason) return [];
    const { name, phase, reason, message } = node;
    const type = phase === 'Stalled' || phase === 'NotReady' ? 'Warning' : 'Normal';
    return [{ time, cluster, node: name, type, reason, message: `${phase}: ${message}` }];
  });
  const kept = new Set(after.nodes.map(({ name }) => name));
  const gone = (before?.nodes ?? [])
    .filter(({ name }) => !kept.has(name))
    .map(
      ({ name }): ClusterEvent => ({
        time,
        cluster,
        node: name,
        type: 'Normal',
        reason: 'Removed',
        message: 'the node is gone',
      }),
    );
  const conditions = after.conditions.flatMap((condition): ClusterEvent[] => {
    const old = before?.conditions.find(({ type }) => type === condition.type);
    if (condition.type === 'Reconciling') return [];
    if (old?.status === condition.status && old.reason === condition.reason) return [];
    const bad = condition.type === 'Stalled' ? 'True' : 'False';
    return [
      {
        time,
        cluster,
        type: condition.status === bad && condition.type !== 'Ready' ? 'Warning' : 'Normal',
        reason: condition.reason,
        message: `${condition.type}=${condition.status}: ${condition.message}`,
      },
    ];
  });
  return [...nodes, ...gone, ...conditions];
}
