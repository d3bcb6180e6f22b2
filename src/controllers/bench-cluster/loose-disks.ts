/**
 * Disks of ours that no domain has. Part of the derived UUID is in their names, so a name tells the
 * cluster, if its namespace is known. Pure.
 */
import type { HostInventory, VolumeView } from '../ports.ts';
import { clusterUid, nodeUuid, nodeVolume } from './desired.ts';
import { indexOf } from './inventory-index.ts';
import { isOverlayOfOurs } from './scope.ts';

export interface LooseDisk {
  /** `namespace/name` of its cluster. */
  of: string;
  pool: string;
  volume: VolumeView;
}

/** `clusters`: those that are known, for their namespaces. */
export function looseDisks(
  inventory: HostInventory,
  installation: string,
  clusters: Iterable<string>,
): LooseDisk[] {
  const namespaces = new Set(['default']);
  for (const cluster of clusters) namespaces.add(cluster.slice(0, cluster.indexOf('/')));
  for (const { owner } of inventory.domains) {
    if (owner?.node && owner.installation === installation) namespaces.add(owner.node.namespace);
  }
  return indexOf(inventory).looseOverlays.flatMap(({ nodeName, volume }): LooseDisk[] => {
    if (!isOverlayOfOurs(inventory, volume)) return [];
    for (const { cluster, pool } of splits(nodeName)) {
      for (const namespace of namespaces) {
        const uid = clusterUid(installation, namespace, cluster);
        if (volume.name !== nodeVolume(nodeName, nodeUuid(uid, nodeName))) continue;
        return [{ of: `${namespace}/${cluster}`, pool, volume }];
      }
    }
    return [];
  });
}

/** `<cluster>-<pool>-<index>`, where both names may hold dashes. */
function splits(nodeName: string): { cluster: string; pool: string }[] {
  const [, stem] = /^(.+)-\d+$/.exec(nodeName) ?? [];
  if (stem === undefined) return [];
  return [...stem.matchAll(/-/g)]
    .map(({ index }) => ({ cluster: stem.slice(0, index), pool: stem.slice(index + 1) }))
    .filter(({ cluster, pool }) => cluster !== '' && pool !== '');
}
