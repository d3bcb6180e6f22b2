/**
 * What `get`, `describe`, `wait` and completion look at: the controller's state beside the
 * manifests of the directory. A cluster that is only in one of the two is shown as well, so that
 * nobody has to guess whether an `apply` arrived. It only reads.
 */
import { stat } from 'node:fs/promises';
import type { ManifestSource, SourceSnapshot } from '../controllers/ports.ts';
import type { Manifest } from '../crd/manifest.ts';
import { CliError } from './cli-error.ts';
import type { CliContext, Places } from './context.ts';
import type { StateView } from './state-view.ts';
import type { KnownCluster } from './view/cluster-summary.ts';
import type { KnownNode } from './view/object-tables.ts';

export interface World {
  state: StateView;
  snapshot(): SourceSnapshot;
  clusters(): Promise<KnownCluster[]>;
  onChange(listener: () => void): () => void;
}

const emptySnapshot: SourceSnapshot = {
  trusted: false,
  reason: 'the directory does not exist',
  manifests: [],
  faults: [],
};

/** Opens, works, and closes whatever happens. A missing directory counts as no manifests. */
export async function withWorld<T>(
  context: CliContext,
  places: Places,
  work: (world: World) => Promise<T>,
): Promise<T> {
  const state = await context.openState(places.state);
  let source: ManifestSource | undefined;
  try {
    source = (await isDirectory(places.dir)) ? await context.openSource(places.dir) : undefined;
    return await work(createWorld(state, source));
  } finally {
    await source?.close();
    await state.close();
  }
}

function createWorld(state: StateView, source: ManifestSource | undefined): World {
  const snapshot = () => source?.snapshot() ?? emptySnapshot;
  return {
    state,
    snapshot,
    clusters: async () => knownClusters(await state.clusters(), snapshot().manifests),
    onChange: (listener) => {
      const ends = [state.onChange(listener), source?.onChange(listener)];
      return () => {
        for (const end of ends) end?.();
      };
    },
  };
}

/** By name; the manifest's spec is the wanted one, the record's only the last good. */
export function knownClusters(
  views: Awaited<ReturnType<StateView['clusters']>>,
  manifests: readonly Manifest[],
): KnownCluster[] {
  const known = new Map<string, KnownCluster>();
  for (const manifest of manifests) {
    if (manifest.kind !== 'BenchCluster') continue;
    const { namespace, name } = manifest.object.metadata;
    known.set(`${namespace}/${name}`, { namespace, name, cluster: manifest.object });
  }
  for (const { record, ...times } of views) {
    const { namespace, name } = record.cluster.metadata;
    const key = `${namespace}/${name}`;
    const cluster = known.get(key)?.cluster ?? record.cluster;
    known.set(key, { namespace, name, cluster, record, ...times });
  }
  return [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cluster]) => cluster);
}

export function nodesOf(cluster: KnownCluster): KnownNode[] {
  const { namespace, name } = cluster;
  const nodes = cluster.record?.status?.nodes ?? [];
  return nodes.map((status) => ({ namespace, cluster: name, status }));
}

export function findCluster(
  clusters: readonly KnownCluster[],
  namespace: string,
  name: string,
): KnownCluster {
  const found = clusters.find((known) => known.namespace === namespace && known.name === name);
  if (found !== undefined) return found;
  throw notFound(`cluster/${name}`, namespace, 'benchctl get clusters -A');
}

export function findNode(
  clusters: readonly KnownCluster[],
  namespace: string,
  name: string,
): KnownNode {
  const found = clusters
    .filter((cluster) => cluster.namespace === namespace)
    .flatMap(nodesOf)
    .find((node) => node.status.name === name);
  if (found !== undefined) return found;
  throw notFound(`node/${name}`, namespace, 'benchctl get nodes -A');
}

export function notFound(what: string, namespace: string, next: string): CliError {
  return new CliError('notFound', `${what} not found in namespace ${namespace}`, next);
}

export async function isDirectory(path: string): Promise<boolean> {
  try {
    return (await stat(path)).isDirectory();
  } catch {
    // Absent or unreadable: whoever needs it says so.
    return false;
  }
}

export function missingDirectory(dir: string): CliError {
  return new CliError(
    'notFound',
    `the manifest directory ${dir} does not exist`,
    'benchctl apply -f FILE makes it; or say --dir DIRECTORY',
  );
}
