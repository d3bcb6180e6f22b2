/**
 * Who needs a volume: overlays in the pool and domains on the host. libvirt gives a path as it was
 * written, and people write the same one in many ways. Pure.
 */
import { posix } from 'node:path';
import type { OpenPool } from './pool.ts';
import type { DomainConfig } from './read-domain.ts';
import type { VolumeConfig } from './read-host.ts';

/** Whose base has that name, be it `./name`, behind a link, or in one of QEMU's own notations. */
export function overlayOf(
  name: string,
  volumes: readonly VolumeConfig[],
): VolumeConfig | undefined {
  return volumes.find(({ backingPath }) => backingPath?.split(/[/:\\"]/).includes(name));
}

export function usesVolume(pool: OpenPool, name: string, domain: DomainConfig): boolean {
  return (
    domain.files.some((file) => posix.normalize(file) === posix.join(pool.path, name)) ||
    domain.volumes.some((disk) => disk.pool === pool.handle.name && disk.volume === name)
  );
}
