/**
 * Which outdated workers may be replaced now, so that at most `maxUnavailable` of a pool's
 * `replicas` are missing. What has begun goes on, unless it still runs and as many are being made
 * by now; then nodes that are unusable anyway, those that were never at work first, unless as many
 * are being made; then as many others as the pool can spare. With `maxSurge`, nodes beyond
 * `replicas` stand in meanwhile. Head nodes are never replaced by themselves, because the
 * scheduler's state lives there. Pure.
 */
import type { NodePhase } from '../../crd/status.ts';
import type { DomainView } from '../ports.ts';
import type { AnyScheduler } from '../schedulers/scheduler.ts';
import type { DesiredCluster, DesiredNode } from './desired.ts';
import type { ClusterScope, NodeScope } from './scope.ts';

/**
 * The nodes beyond `replicas` that are wanted now: new ones while there is something to replace,
 * and those that run until every node of the pool is at work again. One that is off is on its way
 * out: a round that does not know the scheduler's view must not start it again.
 */
export function chooseStandIns(
  cluster: DesiredCluster,
  domains: ReadonlyMap<string, DomainView>,
  view: unknown,
  scheduler: AnyScheduler,
): DesiredNode[] {
  return cluster.pools.flatMap(({ name, maxSurge }) => {
    if (maxSurge === 0) return [];
    const own = cluster.nodes.filter(({ pool }) => pool === name);
    const outdated = own.filter(({ uuid, specHash }) => {
      const domain = domains.get(uuid);
      return domain !== undefined && domain.owner?.node?.specHash !== specHash;
    });
    const atWork = (node: DesiredNode) =>
      runs(domains.get(node.uuid)) && view !== undefined && scheduler.isReady(view, node.name);
    const settled = outdated.length === 0 && own.every(atWork);
    return cluster.surge
      .filter(({ pool }) => pool === name)
      .filter(
        ({ uuid }, index) => index < outdated.length || (!settled && runs(domains.get(uuid))),
      );
  });
}

type Phases = ReadonlySet<NodePhase | undefined>;
const leaving: Phases = new Set(['Draining', 'Deleting']);
const coming: Phases = new Set(['Pending', 'Creating', 'Booting', 'Configuring', 'Stalled']);

export function chooseReplacements(scope: ClusterScope): Set<string> {
  const { previous, scheduler } = scope.observed;
  // Nothing new begins on a guess: while the scheduler cannot be asked, only what has begun goes on,
  // and a VM that is off is not started for an old spec. One that runs and was told to go by the
  // listing of before has not begun to.
  const phases = new Map(previous?.nodes.map(({ name, phase }) => [name, phase]));
  const isLeaving = ({ name }: NodeScope) => leaving.has(phases.get(name));
  if (scheduler.view === undefined) {
    const going = scope.nodes.filter(
      (node) =>
        node.role === 'worker' &&
        node.outdated === true &&
        (phases.get(node.name) === 'Draining' ||
          node.domain?.state === 'shutoff' ||
          (isLeaving(node) && !runs(node.domain))),
    );
    return new Set(going.map(({ name }) => name));
  }
  const chosen = new Set<string>();
  for (const pool of scope.cluster.pools) {
    if (pool.role === 'controlPlane') continue;
    const nodes = scope.nodes.filter((node) => node.pool === pool.name && node.desired);
    const usable = nodes.filter((node) => isUsable(scope, node));
    const budget = usable.length - (pool.replicas - pool.maxUnavailable);
    const useless = nodes.filter((node) => !usable.includes(node));
    const most = pool.maxUnavailable + pool.maxSurge;
    // What was never at work, or is off, is missing whatever becomes of it.
    const isMissing = (node: NodeScope) => !runs(node.domain) || coming.has(phases.get(node.name));
    const made = useless.filter(({ outdated }) => !outdated);
    const begun = useless.filter((node) => node.outdated && isLeaving(node));
    const [off, running] = parted(begun, isMissing);
    const free = Math.max(0, most - off.length - made.filter(isMissing).length);
    const going = [...off, ...running.slice(0, free)];
    // One that is being made takes a place too: what is useless for a moment may come back first.
    const broken = useless.filter((node) => node.outdated && !isLeaving(node));
    const first = parted(broken, isMissing).flat();
    const mended = first.slice(0, Math.max(0, most - going.length - made.length));
    const healthy = usable.filter((node) => node.outdated).slice(0, Math.max(0, budget));
    for (const node of [...going, ...mended, ...healthy]) chosen.add(node.name);
  }
  return chosen;
}

/** Those of which it holds, and the others. */
function parted<T>(items: readonly T[], holds: (item: T) => boolean): [T[], T[]] {
  return [items.filter(holds), items.filter((item) => !holds(item))];
}

function runs(domain: DomainView | undefined): boolean {
  return domain?.state === 'running';
}

function isUsable(scope: ClusterScope, node: NodeScope): boolean {
  const { view } = scope.observed.scheduler;
  return node.domain?.state === 'running' && scope.scheduler.isReady(view, node.name);
}
