/**
 * The one interface of all schedulers. A module sees plain values (nodes with their addresses and
 * guest facts, the scheduler's own view) and returns verdicts and actions as data; it never opens
 * a connection and keeps no memory. Nothing outside `schedulers/` names a scheduler.
 */
import type { GuestAction } from '../bench-cluster/action.ts';

/** A transient unit of ours (`benchcluster-*.service`) in a guest. */
export interface UnitView {
  name: string;
  /** systemd's ActiveState and Result. */
  activeState: string;
  result: string;
  exitStatus: number;
  /** How often it was started; kept in the guest. */
  attempts: number;
  /** Seconds since it ended, on the guest's monotonic clock; absent while it runs. */
  endedSecondsAgo?: number;
  /** Last lines of its journal when it failed; bounded, secrets are never printed by our scripts. */
  journalTail: string;
}

export interface GuestFacts<Facts> {
  bootId: string;
  hostname: string;
  cpus: number;
  memoryMiB: number;
  units: UnitView[];
  scheduler: Facts;
}

export interface SchedulerNode<Facts> {
  name: string;
  role: 'controlPlane' | 'worker';
  pool: string;
  /** `present`: should serve. `removed`: should be drained and leave for good (or be replaced). */
  wanted: 'present' | 'removed';
  /** Why it is to be removed: "replicas lowered", "memory changed"; part of the drain reason. */
  removalReason?: string;
  /** When the removal began, as this controller remembers it; ms since the epoch. */
  removalSince?: number;
  /** Since when the status says so without a break, also that of earlier controllers; ms. */
  removalTold?: number;
  drain: { timeoutMs: number; onTimeout: 'Wait' | 'Force' };
  /** The domain runs. */
  running: boolean;
  /** There is no domain, or it is off: the VM cannot run jobs. */
  off: boolean;
  /** No domain was listed: a listing may have missed it, so `off` is not certain. */
  unlisted?: true;
  /** Proven address. */
  address?: string;
  /** Facts of this round; absent when the guest was not visited or could not be reached. */
  facts?: GuestFacts<Facts>;
  /**
   * While a unit of ours runs in the guest: its facts of just before. They tell what the unit began
   * with and not what is true now, so nothing may be removed or replaced on their account.
   */
  factsBefore?: GuestFacts<Facts>;
  /** A unit of ours ran in the guest before the view was read; what it did may not be in there. */
  unitRuns?: true;
}

export interface SchedulerScope<Config, Facts, View> {
  cluster: { namespace: string; name: string; uid: string };
  config: Config;
  /** The pools of workers that the spec names, also those without a node. */
  pools: string[];
  nodes: SchedulerNode<Facts>[];
  /** The scheduler's own view; absent when it could not be asked, `viewError` says why. */
  view?: View;
  viewError?: string;
  now: number;
}

export type Verdict =
  /** The scheduler itself calls the node usable. */
  | { kind: 'ready' }
  /** On its way; nothing is wrong. */
  | { kind: 'configuring'; reason: string; message: string }
  /** Was joined, and the scheduler does not call it usable (down, or drained by a person). */
  | { kind: 'notReady'; reason: string; message: string }
  /** Guest work failed and is retried at `retryAt` (ms since the epoch). */
  | { kind: 'failed'; reason: string; message: string; retryAt: number }
  /** Only a person can mend it; guest work that showed it is still retried at `retryAt`. */
  | { kind: 'stalled'; reason: string; message: string; retryAt?: number }
  /**
   * Being emptied; nothing may be destroyed. Since when the drain counts, as far as the scheduler
   * tells, which the status remembers and `removalTold` gives back, and when it ends; ms.
   */
  | { kind: 'draining'; reason: string; message: string; since?: number; deadline?: number }
  /**
   * Empty and closed for work, as read in this round (or forced by the spec): power it off. The
   * reason is for people, where it is another one than that the node goes.
   */
  | { kind: 'drained'; message: string; reason?: string }
  /** The scheduler has no record of it (any more): the VM may vanish. */
  | { kind: 'absent' };

export interface SchedulerPlan {
  actions: { node: string; action: GuestAction; why: string }[];
  /** One for each node of the scope. */
  verdicts: Map<string, Verdict>;
}

export interface SchedulerModule<Config, Facts, View> {
  readonly name: string;
  /** Faults of the user's settings that the schema cannot see; empty when fine. */
  checkConfig(config: Config): { path: string; message: string }[];
  /** sh fragment that prints the module's facts of any guest; bounded, changes nothing. */
  factsScript: string;
  parseFacts(stdout: string): Facts;
  /** sh fragment, run on a head node, that prints the scheduler's own view; changes nothing. */
  viewScript: string;
  /** Throws on output that cannot be trusted; that makes the scheduler unreachable, never empty. */
  parseView(stdout: string): View;
  /** Whether the view calls the node usable, so that its guest need not be visited. */
  isReady(view: View, node: string): boolean;
  /** Secrets of the cluster that the module's files refer to, with how one is made. */
  secrets: Record<string, () => Promise<Uint8Array>>;
  plan(scope: SchedulerScope<Config, Facts, View>): SchedulerPlan;
}

/** A module of whatever scheduler; the values in between are only passed back to it. */
export type AnyScheduler = SchedulerModule<unknown, unknown, unknown>;
