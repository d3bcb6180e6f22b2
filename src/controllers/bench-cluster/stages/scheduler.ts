/**
 * Gives the scheduler's module its plain values and takes its verdicts and actions. Pure; the
 * only stage that knows that there is a scheduler, and it does not know which.
 */
import type { SchedulerNode, Verdict } from '../../schedulers/scheduler.ts';
import type { PlannedAction } from '../plan.ts';
import { type ClusterScope, countedFrom, mayRun, type NodeScope, recordedAt } from '../scope.ts';

export interface SchedulerStage {
  actions: PlannedAction[];
  verdicts: Map<string, Verdict>;
  /** The earliest retry of failed guest work or end of a drain, in ms since the epoch. */
  dueAt: number;
}

export function planScheduler(scope: ClusterScope): SchedulerStage {
  const { cluster, observed, now } = scope;
  const gone = vanished(scope);
  const isUnknown = gone.length > 0 || scope.nodes.some((node) => isUnsure(scope, node));
  const result = scope.scheduler.plan({
    cluster: { namespace: cluster.namespace, name: cluster.name, uid: cluster.uid },
    config: cluster.scheduler.config,
    pools: cluster.pools.filter(({ role }) => role === 'worker').map(({ name }) => name),
    nodes: [...scope.nodes.map((node) => schedulerNode(scope, node)), ...gone],
    ...(observed.scheduler.view !== undefined && { view: observed.scheduler.view }),
    ...(observed.scheduler.error !== undefined && { viewError: observed.scheduler.error }),
    now,
  });
  const due = [...result.verdicts.values()].flatMap((verdict) => {
    const at = verdict.kind === 'draining' ? verdict.deadline : undefined;
    // Of a deadline that has passed there is nothing to wait for.
    if (at !== undefined) return at > now ? [at] : [];
    return 'retryAt' in verdict && verdict.retryAt !== undefined ? [verdict.retryAt] : [];
  });
  return {
    actions: result.actions.map(({ node, action, why }) => ({
      action: { node, ...action },
      node,
      why,
    })),
    verdicts: result.verdicts,
    dueAt: Math.min(isUnknown ? now : Number.POSITIVE_INFINITY, ...due),
  };
}

function removalTimes({ observed, now }: ClusterScope, since: string) {
  const told = Date.parse(since);
  return {
    removalSince: countedFrom(told, observed, now),
    removalTold: recordedAt(told, observed, now),
  };
}

function schedulerNode(scope: ClusterScope, node: NodeScope): SchedulerNode<unknown> {
  const pool = scope.cluster.pools.find(({ name }) => name === node.pool);
  const before = scope.observed.previous?.nodes.find(({ name }) => name === node.name);
  const guest = node.guest?.kind === 'proven' ? node.guest : undefined;
  // In a pause nothing leaves, and the scheduler is asked what becomes of the node as it is.
  const removal = scope.cluster.paused ? undefined : node.removal;
  return {
    name: node.name,
    role: node.role,
    pool: node.pool,
    wanted: removal ? 'removed' : 'present',
    ...(removal && { removalReason: removal.reason }),
    ...(removal && before?.phase === 'Draining' && removalTimes(scope, before.since)),
    drain: pool?.drain ?? { timeoutMs: 0, onTimeout: 'Wait' },
    running: node.domain?.state === 'running',
    off: !mayRun(node.domain) && !isUnsure(scope, node),
    ...(!node.domain && { unlisted: true as const }),
    ...(guest && { address: guest.address }),
    ...(guest?.facts && { facts: guest.facts }),
    ...(guest?.factsBefore && { factsBefore: guest.factsBefore }),
    ...(scope.observed.operations.some((unit) => unit.guest === node.name) && { unitRuns: true }),
  };
}

/**
 * One listing may be of before the machine was started. Until another one says so too, nothing is
 * powered off because of it, and no scheduler told to give up its jobs.
 */
function isUnsure({ observed }: ClusterScope, { name }: NodeScope): boolean {
  return observed.sightings?.unsure.has(name) === true;
}

/** Nodes that only the last listing has nothing of; of a cluster that goes. */
function vanished({ cluster, nodes, observed }: ClusterScope): SchedulerNode<unknown>[] {
  if (!cluster.deleting) return [];
  const known = new Set(nodes.map(({ name }) => name));
  const missing = observed.sightings?.vanished.filter(({ name }) => !known.has(name)) ?? [];
  return missing.map((node) => ({
    ...{ ...node, wanted: 'removed', running: false, off: false, unlisted: true },
    drain: { timeoutMs: 0, onTimeout: 'Wait' },
  }));
}
