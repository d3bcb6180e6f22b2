/**
 * One listing of a host, looked up by what rounds ask for. The clusters of a host share a listing,
 * so this is made once for all of them, and no round walks through what belongs to others. Pure.
 */
import { oncePer } from '../../lib/once-per.ts';
import type { DomainView, HostInventory, VolumeView } from '../ports.ts';
import { nodeUuid } from './desired.ts';

export interface InventoryIndex {
  /** Domains that carry the mark of a node of that cluster and are where the mark says. */
  owned(cluster: { installation: string; uid: string }): readonly DomainView[];
  /** Domains that carry such a mark and are not where it says: copies, made by somebody. */
  copies(cluster: { installation: string; uid: string }): readonly DomainView[];
  volumes: ReadonlyMap<string, VolumeView>;
  /** Overlays with a name like those of our disks that no domain refers to. */
  looseOverlays: readonly { nodeName: string; volume: VolumeView }[];
  /** Leases by MAC address, the newest first. */
  leases: ReadonlyMap<string, readonly { network: string; address: string }[]>;
}

/** `<node>-<first 8 digits of its UUID>.qcow2`. */
const overlayName = /^(.+)-[0-9a-f]{8}\.qcow2$/;

export const indexOf = oncePer(
  (inventory: HostInventory): InventoryIndex => ({
    ...markedDomains(inventory),
    volumes: new Map(inventory.pool.volumes.map((volume) => [volume.name, volume])),
    looseOverlays: looseOverlays(inventory),
    leases: leasesByMac(inventory),
  }),
);

/** Identity is name, UUID and mark together; that is checked once for the domains of a cluster. */
function markedDomains({ domains }: HostInventory): Pick<InventoryIndex, 'owned' | 'copies'> {
  const marked = new Map<string, DomainView[]>();
  for (const domain of domains) {
    const { installation, node } = domain.owner ?? {};
    if (node) append(marked, `${installation}/${node.clusterUid}`, domain);
  }
  const judged = new Map<string, { owned: DomainView[]; copies: DomainView[] }>();
  const judge = ({ installation, uid }: { installation: string; uid: string }) => {
    const key = `${installation}/${uid}`;
    const known = judged.get(key);
    if (known) return known;
    const result = { owned: [] as DomainView[], copies: [] as DomainView[] };
    for (const domain of marked.get(key) ?? []) {
      const isOwned = domain.uuid === nodeUuid(uid, domain.name);
      (isOwned ? result.owned : result.copies).push(domain);
    }
    judged.set(key, result);
    return result;
  };
  return { owned: (cluster) => judge(cluster).owned, copies: (cluster) => judge(cluster).copies };
}

function looseOverlays({ domains, pool }: HostInventory): InventoryIndex['looseOverlays'] {
  const used = new Set(domains.flatMap(({ files }) => files));
  return pool.volumes.flatMap((volume) => {
    const name = used.has(volume.path) ? undefined : overlayName.exec(volume.name)?.[1];
    return name === undefined ? [] : [{ nodeName: name, volume }];
  });
}

function leasesByMac({ networks }: HostInventory): InventoryIndex['leases'] {
  const found = new Map<string, { network: string; address: string; expiresAt: number }[]>();
  for (const { name: network, leases } of networks) {
    for (const { mac, address, expiresAt } of leases) {
      append(found, mac.toLowerCase(), { network, address, expiresAt });
    }
  }
  for (const leases of found.values()) leases.sort((a, b) => b.expiresAt - a.expiresAt);
  return found;
}

function append<K, V>(map: Map<K, V[]>, key: K, value: V): void {
  const values = map.get(key);
  if (values) values.push(value);
  else map.set(key, [value]);
}
