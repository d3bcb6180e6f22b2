/**
 * The end of a deleted cluster: when its last node is gone, its network and images go too, unless
 * another cluster of ours wants them or any domain still uses them. Pure.
 */

import { partOf } from '../../../lib/part-name.ts';
import { actionKey, uploadKey } from '../action.ts';
import { controlPlanePool } from '../desired.ts';
import { type LooseDisk, looseDisks } from '../loose-disks.ts';
import type { Blocker, PlannedAction } from '../plan.ts';
import type { ClusterScope } from '../scope.ts';
import { sharedMs } from '../sightings.ts';

export interface Cleanup {
  actions: PlannedAction[];
  blockers: Blocker[];
  /** Nothing of it is in this listing. */
  finished: boolean;
  /** When to look whether that is so for sure, in ms since the epoch. */
  dueAt: number;
}

export function planCleanup(scope: ClusterScope): Cleanup {
  const cleanup: Cleanup = {
    ...{ actions: [], blockers: [], finished: false },
    dueAt: Number.POSITIVE_INFINITY,
  };
  if (!scope.cluster.deleting || scope.nodes.length > 0) return cleanup;
  removeNetwork(scope, cleanup);
  removeImages(scope, cleanup);
  // No volume is listed of an inactive pool: then nothing says that all are gone.
  const waits = cleanup.actions.length + cleanup.blockers.length > 0;
  if (waits || !scope.inventory.pool.active) return cleanup;
  return { ...cleanup, finished: true, dueAt: scope.now + sharedMs };
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

/**
 * With what is left of an upload that was cut. Only this record tells that an image is ours: it
 * waits for disks of ours on it that are about to go, because after them nobody would know.
 */
function removeImages(scope: ClusterScope, cleanup: Cleanup): void {
  const { cluster, inventory, observed } = scope;
  const { volumes } = inventory.pool;
  const running = new Set(observed.operations.map(({ key }) => key));
  for (const name of cluster.artifacts) {
    const part = partOf(name, cluster.installation);
    const own = volumes.filter((item) => item.name === name || item.name === part);
    if (own.length === 0 || observed.others.artifacts.has(name)) continue;
    const used = own.some(
      ({ path }) =>
        volumes.some((other) => other.backingPath === path) ||
        inventory.domains.some((domain) => domain.files.includes(path)),
    );
    if (used) {
      const paths = new Set(own.map(({ path }) => path));
      cleanup.blockers.push(...leftovers(scope).flatMap((disk) => waitFor(name, disk, paths)));
      continue;
    }
    const action = { host: cluster.host, kind: 'deleteVolume', name } as const;
    const busy = running.has(actionKey(action)) || running.has(uploadKey(cluster.host, name));
    if (!busy) cleanup.actions.push({ action, why: 'no cluster uses the image any more' });
  }
}

/** Those of heads stay until a person has looked. */
function leftovers({ cluster, inventory }: ClusterScope): LooseDisk[] {
  const known = [`${cluster.namespace}/${cluster.name}`];
  const loose = looseDisks(inventory, cluster.installation, known);
  return loose.filter(({ pool }) => pool !== controlPlanePool);
}

function waitFor(image: string, disk: LooseDisk, paths: ReadonlySet<string>): Blocker[] {
  const { of, volume } = disk;
  if (volume.backingPath === undefined || !paths.has(volume.backingPath)) return [];
  const message = `waits for ${volume.name} to go, a disk on ${image} that is left of ${of}`;
  return [{ reason: 'ImageInUse', message, waiting: true }];
}
