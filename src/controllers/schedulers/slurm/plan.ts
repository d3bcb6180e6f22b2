/**
 * One round of a Slurm cluster: a verdict for each node and the guest work that brings it on.
 * Workers are judged first, because the head leaves last. Pure: no clock, no memory.
 */
import type { SchedulerPlan, Verdict } from '../scheduler.ts';
import { deleteScript } from './commands.ts';
import { planPresentHead, planRemovedHead } from './head.ts';
import { planPresentWorker } from './join.ts';
import { planRemovedWorker } from './leave.ts';
import { isBusy, isDown, isDrainKept } from './node-state.ts';
import {
  type Decision,
  headOf,
  onHead,
  type PlannedAction,
  type SlurmScope,
  workersOf,
} from './scope.ts';

export function plan(scope: SlurmScope): SchedulerPlan {
  const verdicts = new Map<string, Verdict>();
  const actions: PlannedAction[] = [];
  const take = (name: string, decision: Decision) => {
    verdicts.set(name, decision.verdict);
    actions.push(...(decision.actions ?? []));
  };
  for (const node of workersOf(scope)) {
    const isWanted = node.wanted === 'present';
    take(node.name, isWanted ? planPresentWorker(scope, node) : planRemovedWorker(scope, node));
  }
  for (const node of scope.nodes.filter(({ role }) => role === 'controlPlane')) {
    const isWanted = node.wanted === 'present';
    const decision = isWanted
      ? planPresentHead(scope, node)
      : planRemovedHead(scope, node, verdicts);
    verdicts.set(node.name, decision.verdict);
    // What workers wait for comes first.
    actions.unshift(...(decision.actions ?? []));
  }
  return { actions: [...actions, ...forgetOrphans(scope)], verdicts };
}

/**
 * Records of nodes that left no VM, such as one that was undefined by hand while it drained. Only
 * names of ours that Slurm itself calls dead, and never one that a person has drained.
 */
function forgetOrphans(scope: SlurmScope): PlannedAction[] {
  const { view } = scope;
  if (view === undefined || headOf(scope)?.wanted !== 'present') return [];
  const known = new Set(scope.nodes.map(({ name }) => name));
  const orphans = [...view.nodes.values()].filter(
    (record) =>
      record.name.startsWith(`${scope.cluster.name}-`) &&
      !known.has(record.name) &&
      record.flags.includes('DYNAMIC_NORM') &&
      isDown(record) &&
      !isDrainKept(record) &&
      !isBusy(view, record),
  );
  return orphans.flatMap(({ name }) => {
    const why = `no VM of the cluster is ${name}, and Slurm calls it down`;
    return onHead(scope, deleteScript(name, 'no VM'), why);
  });
}
