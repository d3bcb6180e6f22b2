/**
 * (desired, observed, now) → what to do, what is waited for, and when to look again. Pure: it
 * decides everything and does nothing. `benchctl plan` prints the same value that the controller
 * executes. One node stops at its first unmet stage; the others go on.
 */
import type { ClusterStatus, NodePhase, NodeStatus } from '../../crd/status.ts';
import type { AnyScheduler } from '../schedulers/scheduler.ts';
import { type Action, actionKey, describeAction } from './action.ts';
import type { DesiredCluster } from './desired.ts';
import { driftOf } from './drift.ts';
import type { Illness, Remediation } from './health.ts';
import { nextLook, nextTry, notAtOnce } from './next-look.ts';
import type { FailureView, Observed, RepairKind } from './observed.ts';
import { remediate } from './remediate.ts';
import { healthyAfterMs, nodeOf, repairsOf } from './repairs.ts';
import { clusterScope, countedFrom, type NodeScope } from './scope.ts';
import { planCleanup } from './stages/cleanup.ts';
import { onHold, planPostponed, stay } from './stages/paused.ts';
import { planPresent } from './stages/present.ts';
import { planRemoval } from './stages/removal.ts';
import { planScheduler } from './stages/scheduler.ts';
import { planShared } from './stages/shared.ts';
import type { StagedNode } from './stages/staged.ts';

/** Where a node is and why; becomes its status. */
export interface NodeOutcome {
  phase: NodePhase;
  reason: string;
  message: string;
  /** Since when its phase counts, in ms since the epoch; absent: since it was first told. */
  since?: number;
  /** The VM alone tells, whatever guest and scheduler say. */
  byHost?: true;
}

export interface PlannedAction {
  action: Action;
  /** The node it serves, if one. */
  node?: string;
  why: string;
  /** It mends what was well before, and is counted. */
  repair?: RepairKind;
}

/** What keeps the whole cluster from going on; needs a person unless `waiting`. */
export interface Blocker {
  reason: string;
  message: string;
  waiting: boolean;
}

export interface Plan {
  actions: PlannedAction[];
  nodes: { scope: NodeScope; outcome: NodeOutcome }[];
  blockers: Blocker[];
  remediation: Remediation;
  /** What people changed in machines; absent when they could not be looked at. */
  drift?: string[];
  /** Keys of all actions that were considered, also of those that are not due. */
  considered: ReadonlySet<string>;
  /** Nodes whose guests run and told nothing: what is to be done in them is not known. */
  unseen: ReadonlySet<string>;
  /** Nodes whose earlier repairs count no more. */
  recovered: string[];
  /** The listing has nothing of a deleted cluster any more. */
  finished: boolean;
  /** Look again then at the latest, in ms since the epoch. */
  wakeAt: number;
}

export function plan(
  cluster: DesiredCluster,
  seen: Observed,
  scheduler: AnyScheduler,
  now: number,
): Plan {
  if ('error' in seen.host) return hostUnreachable(cluster, seen, seen.host.error, now);
  const repairs = seen.repairs ?? repairsOf(seen.previous?.repairs ?? [], now);
  const healthy = longHealthy(seen, now);
  const counting = [...repairs].filter(
    ([key, { lastAt }]) => !healthy.has(nodeOf(key)) || now - lastAt < healthyAfterMs,
  );
  const observed = { ...seen, repairs: new Map(counting) };
  const scope = clusterScope(cluster, observed, seen.host.inventory, scheduler, now);
  remediate(scope);
  if (cluster.paused) stay(scope.nodes);
  const shared = planShared(scope);
  const joined = planScheduler(scope);
  const nodes = scope.nodes.map((node) => {
    const verdict = joined.verdicts.get(node.name);
    if (node.removal === undefined) {
      return { node, staged: planPresent(scope, node, shared, verdict) };
    }
    const leave = cluster.paused ? planPostponed : planRemoval;
    return { node, staged: leave(scope, node, node.removal, verdict) };
  });
  const cleanup = planCleanup(scope);
  const actions = [
    ...shared.actions,
    ...nodes.flatMap(({ node, staged }) =>
      staged.actions.map((item) => ({ ...item, node: node.name })),
    ),
    ...joined.actions,
    ...cleanup.actions,
  ];
  const ahead = nodes.flatMap(({ staged }) => staged.ahead ?? []);
  const begun = new Set(observed.operations.map(({ key }) => key));
  const held = cluster.paused ? actions.filter(({ action }) => !begun.has(actionKey(action))) : [];
  const waiting = new Set(held.map(({ node }) => node));
  const outcomes = nodes.map(({ node, staged: { outcome } }) => ({
    scope: node,
    outcome: waiting.has(node.name) ? onHold(outcome) : outcome,
  }));
  const due = withoutBackedOff(actions, observed, now);
  const working = new Set([
    ...observed.operations.map(({ guest }) => guest),
    ...due.actions.map(({ action, node }) => (action.kind === 'startUnit' ? node : undefined)),
  ]);
  return {
    actions: cluster.paused ? [] : due.actions,
    nodes: outcomes,
    blockers: [...shared.blockers, ...cleanup.blockers, ...due.blockers],
    remediation: scope.remediation,
    drift: driftOf(scope),
    considered: new Set([
      ...[...actions.map(({ action }) => action), ...ahead].map(actionKey),
      // What was under way when the plan was made may have failed since.
      ...begun,
    ]),
    unseen: new Set(nodes.filter(isUnseen).map(({ node }) => node.name)),
    recovered: outcomes
      .filter(({ scope, outcome }) => healthy.has(scope.name) && outcome.phase !== 'Ready')
      .map(({ scope }) => scope.name),
    finished: cleanup.finished,
    wakeAt: notAtOnce(
      now,
      ...[due.retryAt, joined.dueAt, cleanup.dueAt],
      nextLook(outcomes, working, observed, now),
    ),
  };
}

/** One that the scheduler calls ready need not be asked. */
function isUnseen({ node, staged }: { node: NodeScope; staged: StagedNode }): boolean {
  const { domain, guest } = node;
  if (domain?.state !== 'running' || staged.outcome.phase === 'Ready') return false;
  return guest?.kind !== 'proven' || guest.facts === undefined;
}

/** What is done by the VMs alone, before any guest is asked. */
export function hostActions({ actions }: Plan): PlannedAction[] {
  return actions.filter(({ action }) => 'host' in action);
}

/**
 * What a plan made without asking any guest may say: it overrules the status before only where
 * the VM alone tells, and where it acts. Nothing else of a node is known to have changed.
 */
export function hostPlan(planned: Plan, previous: ClusterStatus | undefined): Plan {
  const before = new Map(previous?.nodes.map((node) => [node.name, node]));
  const acts = new Set(hostActions(planned).map(({ node }) => node));
  const nodes = planned.nodes.map(({ scope, outcome }) => {
    const old = before.get(scope.name);
    if (acts.has(scope.name)) return { scope, outcome: { ...outcome, byHost: true as const } };
    if (outcome.byHost || old === undefined) return { scope, outcome };
    const { phase, reason, message } = old;
    const { illness: _, ...known } = scope;
    return { scope: { ...known, ...toldIllness(old) }, outcome: { phase, reason, message } };
  });
  const byHost = new Set(nodes.flatMap(({ scope, outcome }) => (outcome.byHost ? scope.name : [])));
  const recovered = planned.recovered.filter((name) => byHost.has(name));
  return { ...planned, nodes, recovered };
}

/** What ails a node, as its status tells. */
function toldIllness(node: NodeStatus | undefined): Pick<NodeScope, 'illness'> {
  if (node?.unhealthy === undefined) return {};
  const { reason, since } = node.unhealthy;
  return { illness: { reason: reason as Illness['reason'], since: Date.parse(since) } };
}

/** Ready for so long that what was mended before has no part in what comes now. */
function longHealthy(observed: Observed, now: number): Set<string> {
  const ready = observed.previous?.nodes.filter(({ phase, since }) => {
    const readyMs = now - countedFrom(Date.parse(since), observed, now);
    return phase === 'Ready' && readyMs >= healthyAfterMs;
  });
  return new Set(ready?.map(({ name }) => name));
}

/** Drops actions that failed lately; each such failure is a blocker that says when it is retried. */
function withoutBackedOff(actions: PlannedAction[], observed: Observed, now: number) {
  const blockers: Blocker[] = [];
  let retryAt = Number.POSITIVE_INFINITY;
  const due = actions.filter(({ action }) => {
    const failure = observed.failures.get(actionKey(action));
    if (failure === undefined) return true;
    const waiting = failure.code !== 'conflict' && failure.code !== 'rejected';
    const message = `${describeAction(action)}: ${failure.message}`;
    const isNews = failure.code !== 'noEffect' || failure.attempts > 1;
    if (isNews) blockers.push({ reason: reasonOf(failure), message, waiting });
    if (failure.retryAt <= now) return true;
    retryAt = Math.min(retryAt, failure.retryAt);
    return false;
  });
  return { actions: due, blockers, retryAt };
}

function reasonOf({ code }: FailureView): string {
  return code === 'noEffect' ? 'ActionWithoutEffect' : 'ActionFailed';
}

function hostUnreachable(
  cluster: DesiredCluster,
  observed: Observed,
  error: string,
  now: number,
): Plan {
  const message = `BenchHost ${cluster.host}: ${error}`;
  const before = new Map(observed.previous?.nodes.map((node) => [node.name, node]));
  const wanted = cluster.nodes.map((desired) => ({ ...desired, desired }));
  const names = new Set(wanted.map(({ name }) => name));
  const surplus = [...before.values()].filter(({ name }) => !names.has(name));
  const told = [...before.values()].filter(({ reason }) => reason === 'HostUnreachable');
  const unreachableMs = now - Math.min(now, ...told.map(({ since }) => Date.parse(since)));
  return {
    actions: [],
    nodes: [...wanted, ...surplus].map(({ name, pool, role, uuid, ...rest }) => ({
      scope: {
        ...{ name, pool, role, uuid, ...toldIllness(before.get(name)) },
        ...('desired' in rest && { desired: rest.desired }),
      },
      outcome: {
        phase: phaseUnseen(before.get(name)?.phase),
        reason: 'HostUnreachable',
        message,
      },
    })),
    blockers: [{ reason: 'HostUnreachable', message, waiting: true }],
    remediation: { allowed: false, reason: 'HostUnreachable', message },
    considered: new Set(observed.failures.keys()),
    unseen: new Set(),
    recovered: [],
    finished: false,
    wakeAt: nextTry(unreachableMs, now),
  };
}

/**
 * Of a node that cannot be looked at. One that was leaving is still on its way out, and goes on
 * counting the time that it has been; one that boots is not known to have been up; one that was at
 * work can no longer be called so.
 */
function phaseUnseen(before: NodePhase | undefined): NodePhase {
  if (before === undefined) return 'Pending';
  return before === 'Ready' || before === 'Configuring' ? 'NotReady' : before;
}
