/**
 * What `wait` waits for, and whether it is so. Pure.
 * A condition counts only if the controller has taken in the present manifest and the condition
 * is of that generation; else a `wait` right after an `apply` would be told of the past.
 */
import { NodePhase } from '../crd/status.ts';
import { digestOf } from '../lib/hash.ts';
import type { Ref } from './kind.ts';
import { conditionOf, type KnownCluster } from './view/cluster-summary.ts';
import { nodesOf } from './world.ts';

export type Goal =
  | { kind: 'condition'; type: string; status: string }
  | { kind: 'phase'; phase: NodePhase }
  | { kind: 'delete' };

/** `condition=Ready`, `condition=Ready=False`, `phase=Booting` (nodes), `delete`. */
export function parseGoal(text: string): Goal | undefined {
  if (text === 'delete') return { kind: 'delete' };
  const [kind, name = '', value = 'True', ...rest] = text.split('=');
  if (name === '' || rest.length > 0) return undefined;
  if (kind === 'condition') {
    const status = ['True', 'False', 'Unknown'].find(
      (word) => word.toLowerCase() === value.toLowerCase(),
    );
    return status === undefined ? undefined : { kind, type: name, status };
  }
  const phase = NodePhase.safeParse(name);
  return kind === 'phase' && phase.success ? { kind, phase: phase.data } : undefined;
}

export type GoalState =
  | { kind: 'met' }
  /** `now` says how it is instead. */
  | { kind: 'unmet'; now: string }
  | { kind: 'absent' };

export function goalState(
  clusters: readonly KnownCluster[],
  namespace: string,
  ref: Ref,
  goal: Goal,
): GoalState {
  const state =
    ref.kind === 'node'
      ? nodeState(
          clusters.filter((item) => item.namespace === namespace),
          ref.name,
          goal,
        )
      : clusterState(
          clusters.find((item) => item.namespace === namespace && item.name === ref.name),
          goal,
        );
  return goal.kind === 'delete' && state.kind === 'absent' ? { kind: 'met' } : state;
}

/** Why it would be waited for in vain: such an object never has that. */
export function whyHopeless(kind: 'cluster' | 'node', goal: Goal): string | undefined {
  if (kind === 'cluster' && goal.kind === 'phase') return 'a cluster has no phase';
  const isOther = goal.kind === 'condition' && !isCalled('Ready', goal.type);
  return kind === 'node' && isOther ? 'a node has the condition Ready only' : undefined;
}

function isCalled(type: string, asked: string): boolean {
  return type.toLowerCase() === asked.toLowerCase();
}

function clusterState(known: KnownCluster | undefined, goal: Goal): GoalState {
  if (known === undefined) return { kind: 'absent' };
  if (goal.kind === 'delete') {
    if (known.record?.deletionTimestamp !== undefined) {
      return { kind: 'unmet', now: 'it is being deleted' };
    }
    const stalled = conditionOf(known.record?.status, 'Stalled');
    const held = /^Deletion(Held|Protected)$/.test(stalled?.reason ?? '') && stalled?.message;
    return { kind: 'unmet', now: held || 'nobody deletes it' };
  }
  if (goal.kind === 'phase') return { kind: 'unmet', now: 'a cluster has no phase' };
  const { record } = known;
  if (record === undefined) return { kind: 'unmet', now: 'no controller has seen it yet' };
  if (digestOf(record.cluster.spec) !== digestOf(known.cluster.spec)) {
    return { kind: 'unmet', now: 'the controller has not taken in the present manifest yet' };
  }
  // As kubectl does, whatever the case of its letters.
  const condition = record.status?.conditions.find(({ type }) => isCalled(type, goal.type));
  if (condition === undefined) return { kind: 'unmet', now: `it has no condition ${goal.type}` };
  if (condition.observedGeneration < record.generation) {
    return { kind: 'unmet', now: `${condition.type} is still that of an earlier generation` };
  }
  if (condition.status === goal.status) return { kind: 'met' };
  const { type, status, reason, message } = condition;
  return { kind: 'unmet', now: `${type} is ${status}: ${reason}: ${message}` };
}

function nodeState(clusters: readonly KnownCluster[], name: string, goal: Goal): GoalState {
  const node = clusters.flatMap(nodesOf).find(({ status }) => status.name === name)?.status;
  if (node === undefined) return { kind: 'absent' };
  const now = `it is ${node.phase}: ${node.reason}: ${node.message}`;
  if (goal.kind === 'delete') return { kind: 'unmet', now };
  if (goal.kind === 'phase')
    return node.phase === goal.phase ? { kind: 'met' } : { kind: 'unmet', now };
  const ready = node.phase === 'Ready' ? 'True' : 'False';
  return ready === goal.status ? { kind: 'met' } : { kind: 'unmet', now };
}
