/**
 * The status of a BenchCluster, as files and later as the status subresource.
 * It is derived from what was observed in one round; only `since`, `lastTransitionTime` and, of a
 * node that goes, `standIn` are carried from the status before. Times are RFC 3339 in UTC.
 */
import { z } from 'zod';

export const Condition = z.object({
  type: z.string(),
  status: z.enum(['True', 'False', 'Unknown']),
  reason: z.string(),
  message: z.string(),
  lastTransitionTime: z.string(),
  observedGeneration: z.int(),
});
export type Condition = z.infer<typeof Condition>;

/** Where a node is on its way, derived each round. The order is that of a node's life. */
export const NodePhase = z.enum([
  'Pending', // waits for image, network or its turn
  'Creating', // volume and domain are being made
  'Booting', // the domain runs, nothing proven about the guest yet
  'Configuring', // reached over SSH; the scheduler's module is at work
  'Ready', // as the scheduler itself says
  'NotReady', // was joined, the scheduler does not call it usable
  'Draining',
  'Deleting',
  'Stalled', // needs a person
]);
export type NodePhase = z.infer<typeof NodePhase>;

export const NodeStatus = z.object({
  name: z.string(),
  pool: z.string(),
  role: z.enum(['controlPlane', 'worker']),
  host: z.string(),
  uuid: z.string(),
  address: z.string().optional(),
  phase: NodePhase,
  /** One CamelCase word and a sentence: why it is in this phase. */
  reason: z.string(),
  message: z.string(),
  /** When it entered this phase; of a drain that was made anew, when that was. */
  since: z.string(),
  upToDate: z.boolean(),
  /** It is there, or was, only while its pool is changed; see `rollout.maxSurge`. */
  standIn: z.boolean().optional(),
  /** Its machine runs and neither its guest nor its scheduler answers for it; see docs/repair.md. */
  unhealthy: z.object({ since: z.string(), reason: z.string() }).optional(),
});
export type NodeStatus = z.infer<typeof NodeStatus>;

export const PoolStatus = z.object({
  name: z.string(),
  replicas: z.int(),
  ready: z.int(),
  upToDate: z.int(),
});
export type PoolStatus = z.infer<typeof PoolStatus>;

/** An action that failed, or succeeded and changed nothing, and when it is tried again. */
export const AttemptStatus = z.object({
  action: z.string(),
  count: z.int(),
  code: z.string(),
  message: z.string(),
  retryAt: z.string(),
});
export type AttemptStatus = z.infer<typeof AttemptStatus>;

/** How often a node was mended since it was last healthy for an hour. */
export const RepairStatus = z.object({
  node: z.string(),
  kind: z.enum(['start', 'resume', 'restart', 'replace']),
  count: z.int(),
  lastAt: z.string(),
  /** The next one is not begun before. */
  retryAt: z.string(),
});
export type RepairStatus = z.infer<typeof RepairStatus>;

export const ClusterStatus = z.object({
  observedGeneration: z.int(),
  conditions: z.array(Condition).meta({ keyedBy: 'type' }),
  controlPlane: PoolStatus,
  workers: z.array(PoolStatus),
  endpoint: z.string().optional(),
  nodes: z.array(NodeStatus),
  /** Both are kept over restarts, so that a new process does not hammer; absent when empty. */
  attempts: z.array(AttemptStatus).optional(),
  repairs: z.array(RepairStatus).optional(),
});
export type ClusterStatus = z.infer<typeof ClusterStatus>;
