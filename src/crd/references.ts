/**
 * Which image or host a cluster means by a name: the one of its own namespace, or else the one of
 * the namespace `default`, which all share. Objects of other namespaces are never meant. Pure.
 */
import type { BenchHost } from './bench-host.ts';
import type { BenchImage } from './bench-image.ts';
import type { Manifest } from './manifest.ts';

const sharedNamespace = 'default';

export function searchedNamespaces(namespace: string): string[] {
  return namespace === sharedNamespace ? [namespace] : [namespace, sharedNamespace];
}

export function imagesOf(manifests: readonly Manifest[]): BenchImage[] {
  return manifests.flatMap((item) => (item.kind === 'BenchImage' ? [item.object] : []));
}

export function hostsOf(manifests: readonly Manifest[]): BenchHost[] {
  return manifests.flatMap((item) => (item.kind === 'BenchHost' ? [item.object] : []));
}

/** The object that a cluster of the namespace means; undefined when there is none. */
export function meant<T extends BenchImage | BenchHost>(
  objects: readonly T[],
  namespace: string,
  name: string,
): T | undefined {
  for (const place of searchedNamespaces(namespace)) {
    const found = objects.find(
      ({ metadata }) => metadata.namespace === place && metadata.name === name,
    );
    if (found) return found;
  }
  return undefined;
}

/** Hosts for a cluster that names none: those of its namespace, or else the shared ones. */
export function hostsFor(hosts: readonly BenchHost[], namespace: string): BenchHost[] {
  for (const place of searchedNamespaces(namespace)) {
    const found = hosts.filter(({ metadata }) => metadata.namespace === place);
    if (found.length > 0) return found;
  }
  return [];
}

/** A name by which a host is told from its namesakes: `rhodey`, or `lab/rhodey`. */
export function qualifiedName({ namespace, name }: { namespace: string; name: string }): string {
  return namespace === sharedNamespace ? name : `${namespace}/${name}`;
}
