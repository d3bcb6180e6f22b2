/** The status of a cluster whose round threw: what was known, and why nothing newer is. Pure. */
import type { ClusterStatus, Condition } from '../../crd/status.ts';
import type { ClusterRecord } from '../ports.ts';

export function errorStatus(
  { generation }: Pick<ClusterRecord, 'generation'>,
  before: ClusterStatus | undefined,
  message: string,
  now: number,
): ClusterStatus {
  const known = before ?? {
    observedGeneration: generation,
    conditions: [],
    controlPlane: { name: 'head', replicas: 0, ready: 0, upToDate: 0 },
    workers: [],
    nodes: [],
  };
  const said = [
    { type: 'Ready', status: 'False' },
    { type: 'Stalled', status: 'True' },
  ] as const;
  const conditions = said.map(({ type, status }): Condition => {
    const old = known.conditions.find((condition) => condition.type === type);
    const lastTransitionTime =
      old?.status === status ? old.lastTransitionTime : new Date(now).toISOString();
    const reason = 'ReconcileError';
    return { type, status, reason, message, lastTransitionTime, observedGeneration: generation };
  });
  const others = known.conditions.filter(({ type }) => type !== 'Ready' && type !== 'Stalled');
  return { ...known, conditions: [...conditions, ...others] };
}
