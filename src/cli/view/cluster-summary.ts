/** What a cluster's line says, from its record and its manifest. Pure. */
import type { ClusterRecord } from '../../controllers/ports.ts';
import type { BenchCluster } from '../../crd/bench-cluster.ts';
import type { ClusterStatus, Condition, NodeStatus } from '../../crd/status.ts';
import type { Tone } from './color.ts';

/** A cluster as commands see it: taken in by the controller, or only written in the directory. */
export interface KnownCluster {
  namespace: string;
  name: string;
  cluster: BenchCluster;
  /** Absent: no controller has seen it yet. */
  record?: ClusterRecord;
  createdAt?: string;
  statusAt?: string;
}

export function conditionOf(
  status: ClusterStatus | undefined,
  type: string,
): Condition | undefined {
  return status?.conditions.find((condition) => condition.type === type);
}

export function schedulerOf(cluster: BenchCluster): string {
  return Object.keys(cluster.spec.scheduler).join(',');
}

/** `Deleting`, or the Ready condition's status; `Unknown` before the first status. */
export function readiness(known: KnownCluster): { text: string; tone: Tone } {
  if (known.record?.deletionTimestamp !== undefined) return { text: 'Deleting', tone: 'warn' };
  const status = conditionOf(known.record?.status, 'Ready')?.status ?? 'Unknown';
  return { text: status, tone: toneOfStatus(status) };
}

export function toneOfStatus(status: Condition['status']): Tone {
  return status === 'True' ? 'good' : status === 'False' ? 'bad' : 'warn';
}

export function toneOfPhase(phase: NodeStatus['phase']): Tone {
  if (phase === 'Ready') return 'good';
  return phase === 'NotReady' || phase === 'Stalled' ? 'bad' : 'warn';
}

export function headCount(known: KnownCluster): string {
  const { ready = 0, replicas = known.cluster.spec.controlPlane.replicas } =
    known.record?.status?.controlPlane ?? {};
  return `${ready}/${replicas}`;
}

export function workerCount(known: KnownCluster): string {
  const ready = sum(known.record?.status?.workers.map((pool) => pool.ready));
  return `${ready}/${sum(known.cluster.spec.workers.map((pool) => pool.replicas))}`;
}

/** Nodes of the wanted spec, heads and workers. */
export function upToDateCount(known: KnownCluster): string {
  const status = known.record?.status;
  if (status === undefined) return '0';
  return String(sum([status.controlPlane, ...status.workers].map((pool) => pool.upToDate)));
}

function sum(numbers: readonly number[] = []): number {
  return numbers.reduce((total, number) => total + number, 0);
}
