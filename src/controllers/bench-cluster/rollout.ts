/**
 * Which outdated workers may be replaced now, so that at most `maxUnavailable` of a pool's
 * `replicas` are missing. What has begun goes on, then nodes that are unusable anyway, unless as
 * many are being made, then as many others as the pool can spare. With `maxSurge`, nodes beyond
 * `replicas` stand in meanwhile. Head nodes are never replaced by themselves, because the
 * scheduler's state lives there. Pure.
 */
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

export function chooseReplacements(scope: ClusterScope): Set<string> {
  const { previous, scheduler } = scope.observed;
  // Nothing new begins on a guess: while the scheduler cannot be asked, only what has begun goes on,
  // and a VM that is off is not started for an old spec.
  const leaving = previous?.nodes.filter(
    ({ phase }) => phase === 'Draining' || phase === 'Deleting',
  );
  const names = new Set(leaving?.map(({ name }) => name));
  if (scheduler.view === undefined) {
    const going = scope.nodes.filter(
      ({ name, role, outdated, domain }) =>
        role === 'worker' && outdated === true && (names.has(name) || domain?.state === 'shutoff'),
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
    const begun = useless
      .filter(({ outdated, name }) => outdated && names.has(name))
      .slice(0, most);
    // One that is being made takes a place too: what is useless for a moment may come back first.
    const made = useless.filter(({ outdated }) => !outdated).length;
    const broken = useless
      .filter(({ outdated, name }) => outdated && !names.has(name))
      .slice(0, Math.max(0, most - begun.length - made));
    const healthy = usable.filter((node) => node.outdated).slice(0, Math.max(0, budget));
    for (const node of [...begun, ...broken, ...healthy]) chosen.add(node.name);
  }
  return chosen;
}

function runs(domain: DomainView | undefined): boolean {
  return domain?.state === 'running';
}

function isUsable(scope: ClusterScope, node: NodeScope): boolean {
  const { view } = scope.observed.scheduler;
  return node.domain?.state === 'running' && scope.scheduler.isReady(view, node.name);
}
