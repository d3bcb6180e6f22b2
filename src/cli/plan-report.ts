/** What the controller would do now: its own plan, as `plan` tells it to people. */
import type { FieldChange } from '../crd/changes.ts';
import type { Fault } from '../crd/fault.ts';
import type { Pause } from '../crd/pause.ts';

export interface PlanStep {
  /** Absent: it concerns the host or the whole cluster. */
  node?: string;
  /** A short sentence such as `create volume slurm-a-compute-0.qcow2`. */
  action: string;
  why: string;
  effect: 'create' | 'update' | 'delete';
}

export interface PlanBlocker {
  node?: string;
  reason: string;
  message: string;
  /** False: a person is needed. */
  waiting: boolean;
}

export interface ClusterPlan {
  namespace: string;
  name: string;
  /** `delete`: the whole cluster goes. */
  intent: 'create' | 'keep' | 'delete';
  /**
   * Edited fields, against the last spec that the controller took in; those of its images and host
   * begin with the object, as in `BenchImage debian: spec.source.sha256`. An `immutable` change is
   * refused: the old value stays in force.
   */
  changes: FieldChange[];
  /** Present: nothing is done. */
  paused?: PausePlan;
  /** What the next round would execute. */
  steps: PlanStep[];
  /** What must come true before more can be done. */
  blockers: PlanBlocker[];
}

export interface PausePlan {
  by: Pause[];
  /** What a person does for it to go on. */
  toGoOn: string;
  /** What the first round would execute then. */
  steps: PlanStep[];
}

export interface PlanReport {
  /** Present: the directory cannot be trusted now, so the last good specs stay in force. */
  untrusted?: string;
  faults: Fault[];
  clusters: ClusterPlan[];
}
