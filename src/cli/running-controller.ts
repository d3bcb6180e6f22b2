/** The controller as `run` and the demo see it: a stream of statuses, and an end. */

import type { Fault } from '../crd/fault.ts';
import type { ClusterStatus } from '../crd/status.ts';
import type { SimulatedTime } from './simulation.ts';

export type ControllerUpdate =
  | { kind: 'status'; namespace: string; cluster: string; status: ClusterStatus }
  /** Everything of the cluster is gone. */
  | { kind: 'removed'; namespace: string; cluster: string }
  /** What is wrong with the source now; empty when all is well again. */
  | { kind: 'source'; reason?: string; faults: Fault[] };

export interface RunningController {
  /** Calls back first for what is known already; returns the unsubscribe. */
  onUpdate(listener: (update: ControllerUpdate) => void): () => void;
  /** Resolves after an orderly stop by the signal; rejects when the controller cannot go on. */
  done: Promise<void>;
  /** Present when its world is a simulated one. */
  simulated?: SimulatedTime;
}
