/**
 * What people changed in machines of ours behind our back: sizes, disk, network, the mark itself,
 * and copies that carry our mark. It is told and never undone: somebody may have had a reason, and
 * a machine is not rebuilt on a guess. Pure.
 */
import type { DesiredNode } from './desired.ts';
import { indexOf } from './inventory-index.ts';
import type { ClusterScope, NodeScope } from './scope.ts';

/** A message is bounded. */
const maxTold = 5;

/** One sentence for each machine that is not as it was defined. */
export function driftOf(scope: ClusterScope): string[] {
  const copies = indexOf(scope.inventory).copies(scope.cluster);
  return [
    ...scope.nodes.flatMap((node) => edited(scope, node)),
    ...copies.map(({ name }) => `${name} carries our mark and is a copy`),
  ].sort();
}

export function describeDrift(drift: readonly string[]): string {
  const more = drift.length > maxTold ? ` (and ${drift.length - maxTold} more)` : '';
  return `${drift.slice(0, maxTold).join('; ')}${more}; nothing is undone by itself`;
}

/** Of an older spec nothing is known but its digest, so only machines of the present one are told. */
function edited(scope: ClusterScope, { desired, domain, outdated }: NodeScope): string[] {
  if (desired === undefined) return [];
  if (domain === undefined) return unmarked(scope, desired);
  if (outdated) return [];
  const disk = `${scope.inventory.pool.path}/${desired.volume}`;
  const differences = [
    differs('CPUs', domain.cpus, desired.cpus),
    // libvirt counts in KiB.
    differs('MiB of memory', mebibytes(domain.memoryBytes), mebibytes(desired.memoryBytes)),
    differs('MAC', domain.macs.join(', '), desired.mac),
    differs('network', domain.networks.join(', '), scope.cluster.network.name),
    domain.files.includes(disk) ? undefined : 'has another disk',
  ].filter((difference) => difference !== undefined);
  return differences.length === 0 ? [] : [`${domain.name} ${differences.join(', ')}`];
}

function differs<T extends number | string>(
  what: string,
  found: T | undefined,
  wanted: T | undefined,
): string | undefined {
  if (found === undefined || found === wanted) return undefined;
  return `has ${what} ${found === '' ? 'none' : found} instead of ${wanted}`;
}

function mebibytes(bytes: number | undefined): number | undefined {
  return bytes === undefined ? undefined : Math.ceil(bytes / 2 ** 20);
}

/** It is not ours any more as far as anybody can prove, and so it is not touched. */
function unmarked({ inventory }: ClusterScope, { name, uuid }: DesiredNode): string[] {
  const isThere = inventory.domains.some(
    (domain) => domain.name === name && domain.uuid === uuid && domain.owner === undefined,
  );
  return isThere ? [`${name} has lost our mark`] : [];
}
