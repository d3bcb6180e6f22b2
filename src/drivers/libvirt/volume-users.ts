/** Who needs a volume: overlays in the pool and domains on the host. Pure. */
import type { OpenPool } from './pool.ts';
import type { DomainConfig } from './read-domain.ts';
import type { VolumeConfig } from './read-host.ts';

export function overlayOf(
  pool: OpenPool,
  name: string,
  volumes: readonly VolumeConfig[],
): VolumeConfig | undefined {
  return volumes.find(({ backingPath }) => backingPath === `${pool.path}/${name}`);
}

export function usesVolume(pool: OpenPool, name: string, domain: DomainConfig): boolean {
  return (
    domain.files.includes(`${pool.path}/${name}`) ||
    domain.volumes.some((disk) => disk.pool === pool.handle.name && disk.volume === name)
  );
}
