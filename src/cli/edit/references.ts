/** Which clusters need an image or a host, so that nothing is taken away under them. Pure. */
import type { BenchCluster } from '../../crd/bench-cluster.ts';
import type { ObjectMeta } from '../../crd/field.ts';
import type { Manifest } from '../../crd/manifest.ts';
import { searchedNamespaces } from '../../crd/references.ts';
import { kindOf } from '../kind.ts';
import type { ObjectId } from './edit.ts';

/** `manifests` need not hold the object itself. */
export function usersOf(id: ObjectId, manifests: readonly Manifest[]): ObjectMeta[] {
  return manifests
    .flatMap((manifest) => (manifest.kind === 'BenchCluster' ? [manifest.object] : []))
    .filter((cluster) => names(cluster, id) && means(cluster, id, manifests))
    .map(({ metadata }) => metadata);
}

function names({ spec }: BenchCluster, id: ObjectId): boolean {
  if (id.kind === 'image') {
    const images = [spec.image, spec.controlPlane.image, ...spec.workers.map(({ image }) => image)];
    return images.includes(id.name);
  }
  // Without a placement it may be the only host.
  return id.kind === 'host' && (spec.placement?.hosts.includes(id.name) ?? true);
}

/** No namesake in a namespace that the cluster looks at before. */
function means(cluster: BenchCluster, id: ObjectId, manifests: readonly Manifest[]): boolean {
  const searched = searchedNamespaces(cluster.metadata.namespace);
  const rank = searched.indexOf(id.namespace);
  const before = searched.slice(0, rank);
  return (
    rank >= 0 &&
    !manifests.some((item) => {
      const { namespace, name } = item.object.metadata;
      return kindOf(item) === id.kind && name === id.name && before.includes(namespace);
    })
  );
}
