/**
 * The scope of a round with what several rules ask of it. Pure.
 */
import type { SlurmSpec } from '../../../crd/bench-cluster.ts';
import type { GuestAction } from '../../bench-cluster/action.ts';
import type { SchedulerNode, SchedulerScope, Verdict } from '../scheduler.ts';
import type { SlurmFacts } from './facts.ts';
import type { SlurmView } from './view.ts';

export type SlurmNode = SchedulerNode<SlurmFacts>;
export type SlurmScope = SchedulerScope<SlurmSpec, SlurmFacts, SlurmView>;
export type PlannedAction = { node: string; action: GuestAction; why: string };

/** What one rule says of one node. */
export interface Decision {
  verdict: Verdict;
  actions?: PlannedAction[];
}

export function headOf(scope: SlurmScope): SlurmNode | undefined {
  return scope.nodes.find(({ role }) => role === 'controlPlane');
}

export function workersOf(scope: SlurmScope): SlurmNode[] {
  return scope.nodes.filter(({ role }) => role === 'worker');
}

/** Those of the spec, and those that still have a node. */
export function poolsOf(scope: SlurmScope): string[] {
  return [...new Set([...scope.pools, ...workersOf(scope).map(({ pool }) => pool)])].sort();
}

/**
 * Its guest shows that slurmctld was configured there once. Where the first time was cut, what it
 * had begun starts again with the machine, and may know workers by now.
 */
export function wasFormed(head: SlurmNode): boolean {
  if (head.facts === undefined) return false;
  const { appliedDigest, confDigest, daemons } = head.facts.scheduler;
  const { active, enabled } = daemons.slurmctld;
  return (
    appliedDigest !== undefined || (confDigest !== undefined && enabled && active !== 'failed')
  );
}

/**
 * There is no scheduler to ask, and there will be none: the whole cluster is being removed, and its
 * head is gone, is off, or was reached this round and was never formed. Nothing can start a job
 * then, and nobody could tell us that one has ended.
 */
export function isSchedulerGone(scope: SlurmScope): boolean {
  if (scope.view !== undefined) return false;
  if (scope.nodes.some(({ wanted }) => wanted === 'present')) return false;
  const head = headOf(scope);
  if (head === undefined || head.off) return true;
  return head.facts !== undefined && !wasFormed(head);
}

/** A command for slurmctld, run on the head. */
export function onHead(scope: SlurmScope, script: string, why: string): PlannedAction[] {
  const head = headOf(scope);
  return head === undefined
    ? []
    : [{ node: head.name, action: { kind: 'runScript', script }, why }];
}

export function configuring(reason: string, message: string): Verdict {
  return { kind: 'configuring', reason, message };
}

export function notReady(reason: string, message: string): Verdict {
  return { kind: 'notReady', reason, message };
}
