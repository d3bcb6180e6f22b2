/**
 * Which outdated workers may be replaced now: at most `maxUnavailable` of a pool at a time. What
 * has begun goes on, then nodes that are unusable anyway, then as many others as the pool can
 * spare. Head nodes are never replaced by themselves, because the scheduler's state lives there.
 * Pure.
 */
import type { ClusterScope, NodeScope } from './scope.ts';

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
    const budget = pool.maxUnavailable - (nodes.length - usable.length);
    const broken = nodes
      .filter((node) => node.outdated && !usable.includes(node))
      .sort((a, b) => Number(names.has(b.name)) - Number(names.has(a.name)))
      .slice(0, pool.maxUnavailable);
    const healthy = usable.filter((node) => node.outdated).slice(0, Math.max(0, budget));
    for (const node of [...broken, ...healthy]) chosen.add(node.name);
  }
  return chosen;
}

function isUsable(scope: ClusterScope, node: NodeScope): boolean {
  const { view } = scope.observed.scheduler;
  return node.domain?.state === 'running' && scope.scheduler.isReady(view, node.name);
}
