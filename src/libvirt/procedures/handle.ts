// Handles: plain values that name an object. The daemon finds domains, networks and pools by uuid
// and volumes by pool and name; the other fields are decoration on the way in, so what is written
// asks for less than what is read. Also the shape shared by all list calls.

import { array, type Codec, i32, mapped, str, struct, u32, uuid } from '../codec.ts';

export interface DomainHandle {
  readonly name: string;
  readonly uuid: string;
}

/** As the daemon returns it: `id` is -1 while the domain is off. */
export interface FoundDomain extends DomainHandle {
  readonly id: number;
}

export interface NetworkHandle {
  readonly name: string;
  readonly uuid: string;
}

export interface PoolHandle {
  readonly name: string;
  readonly uuid: string;
}

export interface VolumeHandle {
  readonly pool: string;
  readonly name: string;
}

/** As the daemon returns it; the key of a volume in a directory pool is its path. */
export interface FoundVolume extends VolumeHandle {
  readonly key: string;
}

export const foundDomain: Codec<FoundDomain> = struct({ name: str, uuid, id: i32 });
export const domain: Codec<DomainHandle> = mapped(
  foundDomain,
  ({ name, uuid: id }) => ({ name, uuid: id }),
  (handle) => ({ name: handle.name, uuid: handle.uuid, id: -1 }),
);
export const network: Codec<NetworkHandle> = struct({ name: str, uuid });
export const pool: Codec<PoolHandle> = struct({ name: str, uuid });
export const foundVolume: Codec<FoundVolume> = struct({ pool: str, name: str, key: str });
export const volume: Codec<VolumeHandle> = mapped(
  foundVolume,
  ({ pool: poolName, name }) => ({ pool: poolName, name }),
  (handle) => ({ pool: handle.pool, name: handle.name, key: '' }),
);

/** libvirt's limit on the entries of one listing. */
export const LIST_LIMIT = 16_384;

export const listArgs = struct({ needResults: i32, flags: u32 });

export function listOf<T>(item: Codec<T>): Codec<readonly T[]> {
  return mapped(
    struct({ items: array(item, LIST_LIMIT), total: u32 }),
    ({ items }) => items,
    (items) => ({ items, total: items.length }),
  );
}
