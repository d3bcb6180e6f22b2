/**
 * The world of one cluster in one round, as plain values. Nothing in it is believed because we
 * did it earlier; what could not be learnt says why.
 */

import type { ClusterStatus, RepairStatus } from '../../crd/status.ts';
import type { Retry } from '../loop/backoff.ts';
import type { HostInventory, PortErrorCode } from '../ports.ts';
import type { GuestFacts } from '../schedulers/scheduler.ts';
import type { SightingsView } from './sightings.ts';

/** A guest whose domain runs. */
export type GuestView =
  /** No address, no agent or no SSH yet; normal while it boots. */
  | { kind: 'unproven'; address?: string; reason: string; message: string }
  /** Answers at `address`, proven by host key and product UUID; facts only when it was visited. */
  | {
      kind: 'proven';
      address: string;
      facts?: GuestFacts<unknown>;
      /** While a unit of ours runs in it: what it told just before that unit. */
      factsBefore?: GuestFacts<unknown>;
    };

/** Long work in this process, running beside the rounds. */
export interface OperationView {
  key: string;
  /** The node in whose guest a unit runs. */
  guest?: string;
  progress: string;
}

/** An action that failed lately and is not tried again before its time. */
export interface FailureView extends Retry {
  /** `noEffect`: it succeeded, and what it was to change had not changed in the next round. */
  code: PortErrorCode | 'noEffect';
  message: string;
  attempts: number;
}

export type RepairKind = RepairStatus['kind'];

/** How often a node was mended since it was last healthy for long; times in ms since the epoch. */
export interface RepairView extends Retry {
  kind: RepairKind;
  count: number;
  lastAt: number;
}

export interface Observed {
  host: { inventory: HostInventory } | { error: string };
  /** By node name. */
  guests: ReadonlyMap<string, GuestView>;
  /** The scheduler's own view, read in this round; `error` says why it could not be asked. */
  scheduler: { view?: unknown; error?: string };
  operations: readonly OperationView[];
  /** By `actionKey`. */
  failures: ReadonlyMap<string, FailureView>;
  /** By `repairKey`. */
  repairs?: ReadonlyMap<string, RepairView>;
  /** What other clusters of this installation want on the same host. */
  others: {
    networks: ReadonlySet<string>;
    artifacts: ReadonlySet<string>;
    /** Their nodes on it, and those whose guests went silent, as their last rounds saw them. */
    guests?: { nodes: number; silent: number };
  };
  /** The status of the round before: since when a node is in its phase. */
  previous?: ClusterStatus;
  /** When the process that looks began; ms since the epoch. */
  startedAt?: number;
  /** What is not sure yet by this listing; without it all of it is. */
  sightings?: SightingsView;
}
