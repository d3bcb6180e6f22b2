/**
 * Things on a host that carry our name and that no cluster of ours has any more: what a lost
 * record, a restored backup or an interrupted deletion left. What is found here is proven to be of
 * this installation; whether it may go is for the janitor. docs/decisions/ tells why. Pure.
 */
import { imageOfPart, partOf } from '../../lib/part-name.ts';
import type { DomainView, HostInventory, NetworkView, OwnerMark } from '../ports.ts';
import { clusterUid, controlPlanePool, networkUuid, nodeUuid, nodeVolume } from './desired.ts';
import { indexOf } from './inventory-index.ts';
import { looseDisks } from './loose-disks.ts';
import { isOverlayOfOurs } from './scope.ts';

export type Orphan = {
  /** Stable, for counting how often it was seen. */
  key: string;
  /** `namespace/name` of the cluster that it was of, or the name of the thing. */
  of: string;
  description: string;
  /** Absent: it may hold what somebody still needs, so only a person takes it away. */
  removal?: Removal;
};

export type Removal =
  | { kind: 'domain'; uuid: string; owner: OwnerMark; disk?: string }
  | { kind: 'volume'; name: string }
  | { kind: 'network'; name: string; uuid: string; owner: OwnerMark };

/** What is wanted, by whatever source or record; of it nothing is an orphan. */
export interface Wanted {
  installation: string;
  /** `namespace/name`. */
  clusters: ReadonlySet<string>;
  networks: ReadonlySet<string>;
  /** Volumes of images. */
  artifacts: ReadonlySet<string>;
}

export function findOrphans(inventory: HostInventory, wanted: Wanted): Orphan[] {
  return [
    ...inventory.domains.flatMap((domain) => orphanDomain(inventory, domain, wanted)),
    ...orphanOverlays(inventory, wanted),
    ...orphanParts(inventory, wanted),
    ...inventory.networks.flatMap((network) => orphanNetwork(inventory, network, wanted)),
  ];
}

/** Name, UUID and mark must agree: a copy of one of our machines is somebody's, and not ours. */
function orphanDomain(inventory: HostInventory, domain: DomainView, wanted: Wanted): Orphan[] {
  const { owner, name, uuid, state } = domain;
  const node = owner?.node;
  if (owner?.installation !== wanted.installation || node === undefined) return [];
  const of = `${node.namespace}/${node.cluster}`;
  const uid = clusterUid(wanted.installation, node.namespace, node.cluster);
  const isProven =
    node.clusterUid === uid &&
    name === `${node.cluster}-${node.pool}-${node.index}` &&
    uuid === nodeUuid(uid, name);
  if (!isProven || wanted.clusters.has(of)) return [];
  const key = `domain/${uuid}`;
  const what = `domain ${name} is of cluster ${of}, which is no more`;
  if (node.pool === controlPlanePool) {
    const description = `${what}, and was its head: look at what it holds, then virsh undefine it`;
    return [{ key, of, description }];
  }
  if (state !== 'shutoff') {
    const description = `${what}, and is ${state}: power it off if nobody needs it`;
    return [{ key, of, description }];
  }
  const volume = indexOf(inventory).volumes.get(nodeVolume(name, uuid));
  const disk = volume && isOverlayOfOurs(inventory, volume) ? volume.name : undefined;
  const removal = { kind: 'domain', uuid, owner, ...(disk && { disk }) } as const;
  return [{ key, of, description: `${what}, and is off`, removal }];
}

function orphanOverlays(inventory: HostInventory, wanted: Wanted): Orphan[] {
  const loose = looseDisks(inventory, wanted.installation, wanted.clusters);
  return loose.flatMap(({ of, pool, volume: { name } }): Orphan[] => {
    if (wanted.clusters.has(of)) return [];
    const key = `volume/${name}`;
    const what = `volume ${name} is a disk of cluster ${of}, which is no more`;
    if (pool === controlPlanePool) {
      return [{ key, of, description: `${what}, and was of its head: virsh vol-delete it` }];
    }
    return [{ key, of, description: what, removal: { kind: 'volume', name } }];
  });
}

/** Its name says whose upload it was. */
function orphanParts({ pool }: HostInventory, wanted: Wanted): Orphan[] {
  return pool.volumes.flatMap(({ name }): Orphan[] => {
    const final = imageOfPart(name);
    if (final === undefined || name !== partOf(final, wanted.installation)) return [];
    if (wanted.artifacts.has(final)) return [];
    const description = `volume ${name} is an upload that was cut, of an image no longer wanted`;
    const removal = { kind: 'volume', name } as const;
    return [{ key: `volume/${name}`, of: final, description, removal }];
  });
}

function orphanNetwork(
  { domains }: HostInventory,
  { name, uuid, owner }: NetworkView,
  wanted: Wanted,
): Orphan[] {
  if (owner?.installation !== wanted.installation) return [];
  if (uuid !== networkUuid(wanted.installation, name) || wanted.networks.has(name)) return [];
  if (domains.some(({ networks }) => networks.includes(name))) return [];
  const description = `network ${name} is ours, and no cluster wants it`;
  const removal = { kind: 'network', name, uuid, owner } as const;
  return [{ key: `network/${uuid}`, of: name, description, removal }];
}
