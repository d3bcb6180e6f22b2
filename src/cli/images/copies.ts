/**
 * Where images are: built ones in the cache of this machine, and volumes in the pools of hosts;
 * who needs each, and which may go. Pure.
 *
 * A volume counts as ours when its name is the one that an image of ours has by its content: one of
 * the manifests, of a cluster's record, or of the cache. What only looks like an image is shown and
 * never removed.
 */
import { catalog } from '../../controllers/bench-cluster/catalog.ts';
import { artifactVolumes } from '../../controllers/bench-cluster/desired.ts';
import type {
  ClusterRecord,
  HostInventory,
  SourceSnapshot,
  VolumeView,
} from '../../controllers/ports.ts';
import type { BenchHost } from '../../crd/bench-host.ts';
import { imagesOf, qualifiedName } from '../../crd/references.ts';
import { isReached, type ReachedHost, type SeenHost } from '../hosts/look.ts';
import type { CachedImage } from '../image-tools.ts';

/** `used`: by a disk; `wanted`: by a manifest or cluster; `current`: the newest build of its name. */
export type CopyState = 'used' | 'wanted' | 'current' | 'unused' | 'foreign';

export interface ImageCopy {
  name: string;
  /** The beginning of the file's SHA-256, as the name of its volume has it. */
  digest: string;
  /** `cache`, or the name of a BenchHost. */
  where: string;
  /** A path in the cache, a volume on a host. */
  file: string;
  /** Bytes of the file; absent where the host does not say. */
  bytes?: number;
  /** Disks over it, and domains that use it directly. */
  usedBy: string[];
  state: CopyState;
  /** RFC 3339 where it is known. */
  createdAt?: string;
}

/** A copy with what is needed to remove it. */
export type PlacedCopy = ImageCopy & ({ cached: CachedImage } | { host: BenchHost });

export interface ImageWorld {
  snapshot: SourceSnapshot;
  records: readonly ClusterRecord[];
  cached: readonly CachedImage[];
  seen: readonly SeenHost[];
  now: number;
}

export function allCopies(world: ImageWorld): PlacedCopy[] {
  const records = recordsOf(world);
  const images = [...imagesOf(world.snapshot.manifests), ...records.flatMap((item) => item.images)];
  const ours = new Set([
    ...artifactVolumes(images),
    ...records.flatMap(({ formerArtifacts }) => formerArtifacts ?? []),
    ...world.cached.flatMap(({ volumes }) => volumes),
  ]);
  const named = new Set(
    images.flatMap(({ spec: { source, boot } }) =>
      [source, boot?.kernel, boot?.initrd].flatMap((file) => file?.path ?? []),
    ),
  );
  const onHosts = world.seen
    .filter(isReached)
    .flatMap((seen) => hostCopies(seen, ours, wantedOn(seen, world.seen, records)));
  const staying = onHosts.filter(({ state }) => state !== 'unused').map(({ file }) => file);
  return [...cacheCopies(world.cached, new Set([...named, ...staying])), ...onHosts];
}

/** As they are in force, and as they will be when the manifests are taken in. */
function recordsOf({ snapshot, records, now }: ImageWorld): ClusterRecord[] {
  const next = catalog(snapshot, records, now).flatMap(({ record }) => record ?? []);
  return [...records, ...next];
}

/** `needed`: files that something names, and volumes that stay on a host: by the cache they are ours. */
function cacheCopies(cached: readonly CachedImage[], needed: ReadonlySet<string>): PlacedCopy[] {
  const newest = new Set<string>();
  return cached.map((image) => {
    const isNewest = !newest.has(image.name);
    newest.add(image.name);
    const state = [...image.files, ...image.volumes].some((item) => needed.has(item))
      ? 'wanted'
      : isNewest
        ? 'current'
        : 'unused';
    const { name, bytes, createdAt, files } = image;
    const digest = image.sha256.slice(0, 12);
    const file = files[0] ?? image.dir;
    return {
      name,
      digest,
      where: 'cache',
      file,
      bytes,
      usedBy: [],
      state,
      createdAt,
      cached: image,
    };
  });
}

/** Names that artifacts have; a node's disk has eight digits. */
const volumeName = /^(.+)-([0-9a-f]{12})\.(?:qcow2|vmlinuz|initrd)$/;

function hostCopies(
  { host, inventory }: ReachedHost,
  ours: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): PlacedCopy[] {
  return inventory.pool.volumes.flatMap((volume) => {
    const [, name, digest] = volumeName.exec(volume.name) ?? [];
    if (name === undefined || digest === undefined) return [];
    const usedBy = usersOf(volume, inventory);
    return [
      {
        ...{ name, digest, where: qualifiedName(host.metadata), file: volume.name, usedBy, host },
        ...(volume.fileBytes !== undefined && { bytes: volume.fileBytes }),
        state: stateOf(volume.name, usedBy, ours, wanted),
      },
    ];
  });
}

function stateOf(
  volume: string,
  usedBy: readonly string[],
  ours: ReadonlySet<string>,
  wanted: ReadonlySet<string>,
): CopyState {
  if (!ours.has(volume)) return 'foreign';
  if (usedBy.length > 0) return 'used';
  return wanted.has(volume) ? 'wanted' : 'unused';
}

/** Disks over it; and domains that name it, but not those that do so only by such a disk. */
function usersOf(volume: VolumeView, { pool, domains }: HostInventory): string[] {
  const disks = pool.volumes.filter(({ backingPath }) => backingPath === volume.path);
  const direct = domains.filter(
    ({ files }) => files.includes(volume.path) && !disks.some(({ path }) => files.includes(path)),
  );
  return [...disks, ...direct].map(({ name }) => name);
}

/** A machine may be known by several names; one that was not reached may be any. */
function wantedOn(
  { inventory }: ReachedHost,
  seen: readonly SeenHost[],
  records: readonly ClusterRecord[],
): Set<string> {
  const here = records.filter((record) => {
    const name = qualifiedName(record.host.metadata);
    const its = seen.find(({ host }) => qualifiedName(host.metadata) === name);
    return its === undefined || !isReached(its) || isSamePool(its.inventory, inventory);
  });
  return new Set(here.flatMap(({ images }) => artifactVolumes(images)));
}

function isSamePool(a: HostInventory, b: HostInventory): boolean {
  return a.hostname === b.hostname && a.pool.path === b.pool.path;
}
