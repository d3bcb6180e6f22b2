/**
 * What an order of the source means for one node: whether it is to exist, what machine it is to
 * be, and whether it may be taken down. Worked out from the documents of the API alone.
 */
import { bytes } from './derived.ts';
import { imagesOf, type PoolSpec, poolOf, type Version } from './version.ts';

export interface Machine {
  cpus: number;
  memoryBytes: number;
  diskBytes: number;
  /** Name of the volume that its disk is on top of. */
  backing: string;
  /** All that needs another VM when it changes, as text. */
  print: string;
}

/** Nodes beyond `replicas` that may stand in for a while. */
function surgeOf(pool: PoolSpec): number {
  return pool.rollout.maxSurge ?? 0;
}

export function isWanted(version: Version, pool: string, index: number): boolean {
  if (version.deleting) return false;
  if (pool === 'head') return index < version.spec.controlPlane.replicas;
  return index < (poolOf(version, pool)?.replicas ?? 0);
}

/** Wanted, or standing in for one that is replaced. */
export function mayExist(version: Version, pool: string, index: number): boolean {
  if (isWanted(version, pool, index)) return true;
  const spec = version.deleting ? undefined : poolOf(version, pool);
  return spec !== undefined && index < spec.replicas + surgeOf(spec);
}

export function machineOf(version: Version, pool: string): Machine | undefined {
  const { spec, images } = version;
  const machine = pool === 'head' ? spec.controlPlane : poolOf(version, pool);
  if (machine === undefined) return undefined;
  const name = machine.image ?? spec.image;
  const image = images.get(name);
  if (image === undefined) return undefined;
  const size = {
    cpus: machine.cpus,
    memoryBytes: bytes(machine.memory),
    diskBytes: bytes(machine.disk),
  };
  const { source, boot } = image;
  const print = JSON.stringify([
    size,
    [source.sha256, boot?.kernel.sha256, boot?.initrd?.sha256, boot?.cmdline ?? ''],
    spec.access.authorizedKeys,
    spec.network.name,
    [...version.hosts.values()].map((host) => (host as { domainType?: string }).domainType),
  ]);
  return { ...size, backing: imageVolume(name, source.sha256), print };
}

export function imageVolume(image: string, sha256: string, kind = 'qcow2'): string {
  return `${image}-${sha256.slice(0, 12)}.${kind}`;
}

/** All volumes that a version's images are. */
export function imageVolumes({ spec, images }: Version): { volume: string; sha256: string }[] {
  return [...imagesOf(spec)].flatMap((name) => {
    const image = images.get(name);
    if (image === undefined) return [];
    const files: [string, string | undefined][] = [
      ['qcow2', image.source.sha256],
      ['vmlinuz', image.boot?.kernel.sha256],
      ['initrd', image.boot?.initrd?.sha256],
    ];
    return files.flatMap(([kind, sha256]) =>
      sha256 === undefined ? [] : [{ volume: imageVolume(name, sha256, kind), sha256 }],
    );
  });
}
