/** Objects with defaults, so that a test says only what matters to it. */

import type { EventRecord } from '../../../src/cli/state-view.ts';
import type { ClusterRecord } from '../../../src/controllers/ports.ts';
import { BenchCluster } from '../../../src/crd/bench-cluster.ts';
import type { ClusterStatus, Condition, NodeStatus } from '../../../src/crd/status.ts';

export const now = '2026-08-01T12:00:00Z';

export function ago(seconds: number): string {
  return new Date(Date.parse(now) - seconds * 1000).toISOString();
}

export function cluster(name = 'slurm-a', replicas = 2): BenchCluster {
  return BenchCluster.parse({
    apiVersion: 'benchcluster.io/v1alpha1',
    kind: 'BenchCluster',
    metadata: { name },
    spec: {
      scheduler: { slurm: {} },
      image: 'debian-slurm',
      network: { name: 'bench' },
      workers: [{ name: 'compute', replicas }],
    },
  });
}

export function condition(fields: Partial<Condition> = {}): Condition {
  return {
    type: 'Ready',
    status: 'True',
    reason: 'AllNodesReady',
    message: '',
    lastTransitionTime: ago(300),
    observedGeneration: 1,
    ...fields,
  };
}

export function node(name: string, fields: Partial<NodeStatus> = {}): NodeStatus {
  const head = name.includes('head');
  return {
    name,
    pool: head ? 'head' : 'compute',
    role: head ? 'controlPlane' : 'worker',
    host: 'rhodey',
    uuid: '4c4c4544-0000-5000-8000-000000000001',
    address: '192.168.150.79',
    phase: 'Ready',
    reason: 'NodeReady',
    message: '',
    since: ago(240),
    upToDate: true,
    ...fields,
  };
}

export function status(fields: Partial<ClusterStatus> = {}): ClusterStatus {
  const nodes = fields.nodes ?? [
    node('slurm-a-head-0'),
    node('slurm-a-compute-0'),
    node('slurm-a-compute-1'),
  ];
  const ready = (role: NodeStatus['role']) =>
    nodes.filter((item) => item.role === role && item.phase === 'Ready').length;
  return {
    observedGeneration: 1,
    conditions: [condition()],
    controlPlane: { name: 'head', replicas: 1, ready: ready('controlPlane'), upToDate: 1 },
    workers: [{ name: 'compute', replicas: 2, ready: ready('worker'), upToDate: 2 }],
    endpoint: '192.168.150.79',
    nodes,
    ...fields,
  };
}

export function record(fields: Partial<ClusterRecord> = {}): ClusterRecord {
  return {
    cluster: cluster(),
    images: [],
    host: {
      apiVersion: 'benchcluster.io/v1alpha1',
      kind: 'BenchHost',
      metadata: { name: 'rhodey', namespace: 'default' },
      spec: { uri: 'qemu:///system', pool: 'default' },
    },
    generation: 1,
    status: status(),
    ...fields,
  };
}

export function event(fields: Partial<EventRecord> = {}): EventRecord {
  return {
    at: ago(60),
    type: 'Normal',
    namespace: 'default',
    cluster: 'slurm-a',
    node: 'slurm-a-compute-0',
    reason: 'NodeReady',
    message: 'joined',
    ...fields,
  };
}
