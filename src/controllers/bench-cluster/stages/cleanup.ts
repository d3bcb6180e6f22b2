/**
 * The end of a deleted cluster: when its last node is gone, its network and images go too, unless
 * another cluster of ours wants them or any domain still uses them. Pure.
 */

import { actionKey, uploadKey } from '../action.ts';
import { partSuffix } from '../desired.ts';
import type { Blocker, PlannedAction } from '../plan.ts';
import type { ClusterScope } from '../scope.ts';

export interface Cleanup {
  actions: PlannedAction[];
  blockers: Blocker[];
  finished: boolean;
  /** When to look whether all is gone for sure, in ms since the epoch. */
  dueAt: number;
}

/** Between the two looks that must both find nothing. */
const betweenLooksMs = 1_000;

export function planCleanup(scope: ClusterScope): Cleanup {
  const cleanup: Cleanup = {
    ...{ actions: [], blockers: [], finished: false },
    dueAt: Number.POSITIVE_INFINITY,
  };
  if (!scope.cluster.deleting || scope.nodes.length > 0) return cleanup;
  removeNetwork(scope, cleanup);
  removeImages(scope, cleanup);
  // No volume is listed of an inactive pool: then nothing says that all are gone.
  if (cleanup.actions.length > 0 || !scope.inventory.pool.active) return cleanup;
  // A listing may be one of before, and with the record goes all that knows of what it missed.
  cleanup.finished = scope.observed.previous?.nodes.length === 0;
  if (!cleanup.finished) cleanup.dueAt = scope.now + betweenLooksMs;
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

/** With what is left of an upload that was cut. */
function removeImages(scope: ClusterScope, cleanup: Cleanup): void {
  const { cluster, inventory, observed } = scope;
  const { volumes } = inventory.pool;
  const running = new Set(observed.operations.map(({ key }) => key));
  for (const name of cluster.artifacts) {
    const own = volumes.filter((item) => item.name === name || item.name === name + partSuffix);
    if (own.length === 0 || observed.others.artifacts.has(name)) continue;
    const used = own.some(
      ({ path }) =>
        volumes.some((other) => other.backingPath === path) ||
        inventory.domains.some((domain) => domain.files.includes(path)),
    );
    if (used) continue;
    const action = { host: cluster.host, kind: 'deleteVolume', name } as const;
    const busy = running.has(actionKey(action)) || running.has(uploadKey(cluster.host, name));
    if (!busy) cleanup.actions.push({ action, why: 'no cluster uses the image any more' });
  }
}
