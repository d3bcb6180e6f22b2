/**
 * The end of a deleted cluster: when its last node is gone, its network and images go too, unless
 * another cluster of ours wants them or any domain still uses them. Pure.
 */

import { actionKey } from '../action.ts';
import type { Blocker, PlannedAction } from '../plan.ts';
import type { ClusterScope } from '../scope.ts';

export interface Cleanup {
  actions: PlannedAction[];
  blockers: Blocker[];
  finished: boolean;
}

export function planCleanup(scope: ClusterScope): Cleanup {
  const cleanup: Cleanup = { actions: [], blockers: [], finished: false };
  if (!scope.cluster.deleting || scope.nodes.length > 0) return cleanup;
  removeNetwork(scope, cleanup);
  removeImages(scope, cleanup);
  // No volume is listed of an inactive pool: then nothing says that all are gone.
  cleanup.finished = cleanup.actions.length === 0 && scope.inventory.pool.active;
  return cleanup;
}

function removeNetwork(scope: ClusterScope, cleanup: Cleanup): void {
  const { cluster, inventory, observed } = scope;
  const { name, uuid } = cluster.network;
  const network = inventory.networks.find((item) => item.name === name);
  const owner = network?.owner;
  if (network?.uuid !== uuid || owner?.installation !== cluster.installation) return;
  if (observed.others.networks.has(name)) return;
  if (inventory.domains.some((domain) => domain.networks.includes(name))) return;
  cleanup.actions.push({
    action: { host: cluster.host, kind: 'removeNetwork', network: { name, uuid, owner } },
    why: 'the last cluster on it is gone',
  });
}

function removeImages(scope: ClusterScope, cleanup: Cleanup): void {
  const { cluster, inventory, observed } = scope;
  for (const name of cluster.artifacts) {
    const volume = inventory.pool.volumes.find((item) => item.name === name);
    if (volume === undefined || observed.others.artifacts.has(name)) continue;
    const used =
      inventory.pool.volumes.some((other) => other.backingPath === volume.path) ||
      inventory.domains.some((domain) => domain.files.includes(volume.path));
    if (used) continue;
    const action = { host: cluster.host, kind: 'deleteVolume', name } as const;
    const busy = observed.operations.some(({ key }) => key === actionKey(action));
    if (!busy) cleanup.actions.push({ action, why: 'no cluster uses the image any more' });
  }
}
