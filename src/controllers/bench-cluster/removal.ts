/**
 * What is taken away from clusters, counted: replicas by pool in force and afterwards, and the
 * revision by which a person confirms exactly that. Pure.
 */
import { reservedPoolName } from '../../crd/cluster-rules.ts';
import { digestOf } from '../../lib/hash.ts';
import type { ClusterRecord, HeldRemoval, PoolCount, Removal } from '../ports.ts';

/** Nothing for a cluster that is not there, or on its way out. */
export function countsOf(record: ClusterRecord | undefined): PoolCount[] {
  if (record === undefined || record.deletionTimestamp !== undefined) return [];
  const { controlPlane, workers } = record.cluster.spec;
  return [
    { name: reservedPoolName, replicas: controlPlane.replicas },
    ...workers.map(({ name, replicas }) => ({ name, replicas })),
  ];
}

export function sumOf(counts: readonly PoolCount[]): number {
  return counts.reduce((sum, { replicas }) => sum + replicas, 0);
}

/** Undefined when nothing is taken away. Growth of another pool makes up for nothing. */
export function removalOf(
  cluster: string,
  before: readonly PoolCount[],
  after: readonly PoolCount[],
): Removal | undefined {
  const pools = before.flatMap(({ name, replicas: from }) => {
    const to = replicasIn(after, name);
    return from > to ? [{ name, from, to }] : [];
  });
  if (pools.length === 0) return undefined;
  return { cluster, deletes: after.length === 0, pools };
}

/** Of both, pool by pool. */
export function largerOf(a: readonly PoolCount[], b: readonly PoolCount[]): PoolCount[] {
  const names = new Set([...a, ...b].map(({ name }) => name));
  return [...names].map((name) => {
    return { name, replicas: Math.max(replicasIn(a, name), replicasIn(b, name)) };
  });
}

export function nodesIn(removals: readonly Removal[]): number {
  return removals.flatMap(({ pools }) => pools).reduce((sum, { from, to }) => sum + from - to, 0);
}

/** Whether everything that `part` takes away is taken away by `whole`, too. */
export function isWithin(part: Removal, whole: Removal): boolean {
  return (
    (whole.deletes || !part.deletes) &&
    part.pools.every(({ name, to }) => to >= (poolOf(whole, name)?.to ?? Number.POSITIVE_INFINITY))
  );
}

/** Whether a person who agreed to `shown` has agreed to this: not to a node more. */
export function isCoveredBy(removal: Removal, shown: Removal): boolean {
  return (
    removal.cluster === shown.cluster &&
    isWithin(removal, shown) &&
    removal.pools.every(({ name, from }) => from <= (poolOf(shown, name)?.from ?? 0))
  );
}

/**
 * Names what is held, with the time since when it is: the same edit, made another day, is another
 * revision, so no confirmation is ever used a second time.
 */
export function revisionOf(held: readonly HeldRemoval[]): string {
  const sorted = held.toSorted((a, b) => (a.cluster < b.cluster ? -1 : 1));
  return digestOf(sorted).slice(0, 12);
}

function replicasIn(counts: readonly PoolCount[], name: string): number {
  return counts.find((pool) => pool.name === name)?.replicas ?? 0;
}

function poolOf({ pools }: Removal, name: string) {
  return pools.find((pool) => pool.name === name);
}
