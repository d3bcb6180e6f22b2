/**
 * The kinds that commands speak of, their spellings, and references such as `cluster/slurm-a`.
 * Nodes are not objects of the API, but people name them like ones.
 */
import type { Manifest } from '../crd/manifest.ts';

export const kinds = ['cluster', 'node', 'image', 'host'] as const;
export type Kind = (typeof kinds)[number];

const spellings: Record<string, Kind> = {
  bc: 'cluster',
  no: 'node',
  bi: 'image',
  bh: 'host',
};

/** The kind of `clusters`, `BenchCluster`, `bc` and so on; undefined when it is none. */
export function parseKind(text: string): Kind | undefined {
  const word = text.toLowerCase();
  const short = spellings[word];
  if (short !== undefined) return short;
  const plain = word.replace(/^bench/, '').replace(/s$/, '');
  return kinds.find((kind) => kind === plain);
}

export interface Ref {
  kind: Kind;
  name: string;
}

/** `cluster/slurm-a`; undefined when it is no reference. */
export function parseRef(text: string): Ref | undefined {
  const slash = text.indexOf('/');
  if (slash <= 0) return undefined;
  const kind = parseKind(text.slice(0, slash));
  const name = text.slice(slash + 1);
  return kind === undefined || name === '' || name.includes('/') ? undefined : { kind, name };
}

export function printRef(ref: Ref): string {
  return `${ref.kind}/${ref.name}`;
}

/** Kinds that manifests define. */
export type ManifestKind = Exclude<Kind, 'node'>;

const byManifest: Record<Manifest['kind'], ManifestKind> = {
  BenchCluster: 'cluster',
  BenchImage: 'image',
  BenchHost: 'host',
};

export function kindOf(manifest: Manifest): ManifestKind {
  return byManifest[manifest.kind];
}

export function isObject(manifest: Manifest, namespace: string, ref: Ref): boolean {
  const { metadata } = manifest.object;
  return (
    kindOf(manifest) === ref.kind && metadata.namespace === namespace && metadata.name === ref.name
  );
}
