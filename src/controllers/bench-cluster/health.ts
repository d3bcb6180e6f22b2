/**
 * Which machines run and are of no use, since when, and which of them may be restarted or replaced
 * now; docs/repair.md has the table. The head is never touched: the scheduler's state is there.
 * When many are ill at once the cause is elsewhere, and nothing is restarted or replaced. Pure.
 */
import type { NodeStatus } from '../../crd/status.ts';
import { actionKey, changeOf } from './action.ts';
import type { RepairView } from './observed.ts';
import { maxRepairs, repairKey } from './repairs.ts';
import { type ClusterScope, countedFrom, type NodeScope } from './scope.ts';

/** What is wrong with a machine that runs; `reason` is one word of its condition. */
export interface Illness {
  reason: 'NotBooting' | 'Unreachable' | 'Suspended' | 'ShuttingDown' | 'DiskMissing';
  /** In ms since the epoch. */
  since: number;
}

/** Whether nodes may be restarted or replaced for their health, and why not. */
export interface Remediation {
  allowed: boolean;
  reason: string;
  message: string;
}

/** A guest may boot so long, or be silent so long. Under software emulation a boot takes a minute. */
export const patienceMs = 600_000;
/** Fewer than this are never a sign of something larger: one of two workers is still mended. */
const fewest = 2;
const clusterShare = 0.4;
const hostShare = 0.5;
/** Of the workers of a cluster, those that are mended at the same time. */
const inFlightShare = 0.1;

/** Phases and reasons of a machine whose guest has not been up since it was started. */
const notUp = ['Pending', 'Creating', 'Booting', 'Deleting'];
export const powerReasons: ReadonlySet<string> = new Set([
  'Crashed',
  'ShutOffByGuest',
  'PoweredOff',
  'CrashLoopBackOff',
  'Restarting',
]);

/** Notes on each wanted node what ails it, as long as it does. */
export function assessHealth(scope: ClusterScope): void {
  const before = new Map(scope.observed.previous?.nodes.map((node) => [node.name, node]));
  for (const node of scope.nodes) {
    const illness = node.desired && illnessOf(scope, node, before.get(node.name));
    if (illness) node.illness = illness;
  }
}

function illnessOf(
  scope: ClusterScope,
  node: NodeScope,
  before: NodeStatus | undefined,
): Illness | undefined {
  const known = before?.unhealthy;
  // A guest that boots is counted from the beginning of its phase.
  const begun = known?.since ?? (before?.phase === 'Booting' ? before.since : undefined);
  const since = begun === undefined ? scope.now : Date.parse(begun);
  switch (node.domain?.state) {
    case 'pmsuspended':
      return { reason: 'Suspended', since };
    case 'shutdown':
      return { reason: 'ShuttingDown', since };
    case 'running':
      break;
    default:
      return undefined;
  }
  const { view } = scope.observed.scheduler;
  if (node.volume === undefined && scope.inventory.pool.active) {
    return { reason: 'DiskMissing', since };
  }
  if (node.guest?.kind === 'proven') return undefined;
  if (view !== undefined && scope.scheduler.isReady(view, node.name)) return undefined;
  // It was not visited in this round: nothing new is known.
  if (node.guest === undefined && known === undefined) return undefined;
  const reason = known?.reason === 'NotBooting' || !wasUp(before) ? 'NotBooting' : 'Unreachable';
  return { reason, since };
}

function wasUp(before: NodeStatus | undefined): boolean {
  if (before === undefined) return true;
  return !notUp.includes(before.phase) && !powerReasons.has(before.reason);
}

/** Whether most of the cluster, or of what its host carries, is ill at once. */
export function judgeRemediation(scope: ClusterScope): Remediation {
  const nodes = scope.nodes.filter(({ desired }) => desired !== undefined);
  const ill = nodes.filter(({ illness }) => illness && countsAtOnce(scope, illness));
  if (ill.length >= fewest && ill.length > clusterShare * nodes.length) {
    return {
      allowed: false,
      reason: 'MostNodesUnhealthy',
      message:
        `${ill.length} of ${nodes.length} nodes are unhealthy at once, which is more than 40 %: ` +
        'no node is restarted or replaced; look for what they have in common',
    };
  }
  const others = scope.observed.others.guests ?? { nodes: 0, silent: 0 };
  const silent = ill.length + others.silent;
  const total = nodes.length + others.nodes;
  if (silent >= fewest && silent > hostShare * total) {
    return {
      allowed: false,
      reason: 'MostGuestsUnreachable',
      message:
        `${silent} of ${total} guests on ${scope.cluster.host} cannot be reached: ` +
        'no node is restarted or replaced; look at the host and its networks',
    };
  }
  return {
    allowed: true,
    reason: 'Allowed',
    message: 'nodes are restarted or replaced if need be',
  };
}

/** A machine that is new has its time to boot; one that was up and is silent tells at once. */
function countsAtOnce(scope: ClusterScope, illness: Illness): boolean {
  return illness.reason !== 'NotBooting' || isIllForLong(scope, illness);
}

/** Its patience is over. */
export function isIllForLong({ observed, now }: ClusterScope, { since }: Illness): boolean {
  return now - countedFrom(since, observed, now) >= patienceMs;
}

/** When all could be reached again, each gets its whole time anew. */
export function restartTimers(scope: ClusterScope): void {
  for (const { illness } of scope.nodes) if (illness) illness.since = scope.now;
}

export type Cure = 'restart' | 'replace';

/** A guest that was up is restarted with its disk; one that never came up, or lost it, is made anew. */
export function cureOf({ reason }: Illness): Cure {
  return reason === 'NotBooting' || reason === 'DiskMissing' ? 'replace' : 'restart';
}

/** Why an ill node waits, or that it is its turn. */
export type Turn = 'yes' | 'Early' | 'Head' | 'Frozen' | 'NotAsked' | 'Exhausted' | 'Queued';

/** For each ill node whether it is to be mended now. What has begun goes first. */
export function turns(scope: ClusterScope, remediation: Remediation): Map<string, Turn> {
  const ill = scope.nodes.filter(({ illness, removal }) => illness && !removal);
  const result = new Map(
    ill.map((node): [string, Turn] => [node.name, turnOf(scope, node, remediation)]),
  );
  const before = new Map(scope.observed.previous?.nodes.map(({ name, phase }) => [name, phase]));
  const begun = ({ name }: NodeScope) => ['Draining', 'Deleting'].includes(before.get(name) ?? '');
  const due = ill
    .filter(({ name }) => result.get(name) === 'yes')
    .sort(
      (a, b) =>
        Number(begun(b)) - Number(begun(a)) ||
        (a.illness?.since ?? 0) - (b.illness?.since ?? 0) ||
        (a.name < b.name ? -1 : 1),
    );
  const workers = scope.nodes.filter(({ role, desired }) => role === 'worker' && desired).length;
  const free = Math.max(1, Math.floor(workers * inFlightShare)) - recovering(scope, due, before);
  for (const { name } of due.slice(Math.max(0, free))) result.set(name, 'Queued');
  return result;
}

/** Nodes that were mended a moment ago and are not at work again yet. */
function recovering(
  scope: ClusterScope,
  due: NodeScope[],
  before: ReadonlyMap<string, NodeStatus['phase']>,
): number {
  return scope.nodes.filter((node) => {
    const repair = judgement(scope, node);
    if (repair === undefined) return false;
    const lastAt = countedFrom(repair.lastAt, scope.observed, scope.now);
    const recent = scope.now - lastAt < patienceMs;
    return recent && before.get(node.name) !== 'Ready' && !due.includes(node);
  }).length;
}

function turnOf(scope: ClusterScope, node: NodeScope, remediation: Remediation): Turn {
  const repair = judgement(scope, node);
  if (node.role === 'controlPlane') return 'Head';
  if (isPoweringOff(scope, node)) return 'yes';
  if ((repair?.count ?? 0) >= maxRepairs) return 'Exhausted';
  if (scope.now < dueAt(scope, node, repair)) return 'Early';
  if (!remediation.allowed) return 'Frozen';
  return scope.observed.scheduler.view === undefined ? 'NotAsked' : 'yes';
}

/** What has begun to be mended is not thought over while its power-off is under way. */
function isPoweringOff({ cluster, observed }: ClusterScope, { domain }: NodeScope): boolean {
  if (domain?.owner === undefined) return false;
  const action = changeOf('destroy', domain, domain.owner);
  const key = actionKey({ host: cluster.host, ...action });
  return observed.operations.some((operation) => operation.key === key);
}

export function judgement(scope: ClusterScope, node: NodeScope): RepairView | undefined {
  return scope.observed.repairs?.get(repairKey(node.name, 'restart'));
}

/** When an ill node is to be mended, if nothing speaks against it; ms since the epoch. */
export function dueAt(
  { observed, now }: ClusterScope,
  { illness }: NodeScope,
  repair: RepairView | undefined,
): number {
  const since = illness ? countedFrom(illness.since, observed, now) : 0;
  return Math.max(since + patienceMs, repair?.retryAt ?? 0);
}
