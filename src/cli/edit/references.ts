/** Which clusters need an image or a host, so that nothing is taken away under them. Pure. */
import type { BenchCluster } from '../../crd/bench-cluster.ts';
import type { Manifest } from '../../crd/manifest.ts';
import type { ObjectId } from './edit.ts';

export function usersOf(id: ObjectId, manifests: readonly Manifest[]): string[] {
  return manifests
    .flatMap((manifest) => (manifest.kind === 'BenchCluster' ? [manifest.object] : []))
    .filter((cluster) => cluster.metadata.namespace === id.namespace && uses(cluster, id))
    .map((cluster) => cluster.metadata.name);
}

function uses({ spec }: BenchCluster, id: ObjectId): boolean {
  if (id.kind === 'image') {
    const images = [spec.image, spec.controlPlane.image, ...spec.workers.map(({ image }) => image)];
    return images.includes(id.name);
  }
  // Without a placement it is the only host.
  return id.kind === 'host' && (spec.placement?.hosts.includes(id.name) ?? true);
}
