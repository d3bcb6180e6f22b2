/**
 * (what the source holds, what was last good) → the records now in force. Pure. It decides what a
 * broken, half-written or missing file may cause: nothing. A record changes only by a valid
 * manifest, shrinks only by a settled one, and is marked deleted only when its manifest is gone
 * from a source that can be trusted as a whole, or when somebody asked for it.
 */
import type { BenchCluster } from '../../crd/bench-cluster.ts';
import type { BenchImage } from '../../crd/bench-image.ts';
import { changesOf } from '../../crd/changes.ts';
import type { Fault } from '../../crd/fault.ts';
import type { Manifest } from '../../crd/manifest.ts';
import { digestOf } from '../../lib/hash.ts';
import type { ClusterRecord, SourceSnapshot } from '../ports.ts';
import { artifactVolumes } from './desired.ts';
import { type Problem, references } from './references.ts';

export interface CatalogEntry {
  key: string;
  /** Absent while no good spec was ever seen. */
  record?: ClusterRecord;
  faults: Fault[];
  /** The record differs from the one given and is to be stored. */
  changed: boolean;
}

export function clusterKey(metadata: { namespace: string; name: string }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

export function catalog(
  snapshot: SourceSnapshot,
  records: readonly ClusterRecord[],
  now: number,
  requested: ReadonlySet<string> = new Set(),
): CatalogEntry[] {
  const known = new Map(records.map((record) => [clusterKey(record.cluster.metadata), record]));
  const clusters = new Map<string, Manifest & { kind: 'BenchCluster' }>();
  for (const manifest of snapshot.manifests) {
    if (manifest.kind === 'BenchCluster') {
      clusters.set(clusterKey(manifest.object.metadata), manifest);
    }
  }
  const keys = new Set([...known.keys(), ...clusters.keys()]);
  return [...keys].sort().map((key) => {
    const manifest = clusters.get(key);
    const record = known.get(key);
    const faults = faultsOf(snapshot, key, manifest);
    if (manifest) return present(snapshot, key, manifest, record, faults);
    if (record) return missing(snapshot, key, record, faults, now, requested.has(key));
    throw new Error(`cluster ${key} is neither written nor recorded`);
  });
}

/** Faults that name the object, and those of its file that name none. */
function faultsOf(snapshot: SourceSnapshot, key: string, manifest: Manifest | undefined): Fault[] {
  return snapshot.faults.filter(({ object, file }) =>
    object
      ? object.kind === 'BenchCluster' && clusterKey(object) === key
      : file === manifest?.origin.file,
  );
}

function present(
  snapshot: SourceSnapshot,
  key: string,
  manifest: Manifest & { kind: 'BenchCluster' },
  record: ClusterRecord | undefined,
  faults: Fault[],
): CatalogEntry {
  const cluster = manifest.object;
  const found = references(snapshot, cluster, record);
  const problems = [...found.problems.map((problem) => faultAt(manifest, problem)), ...faults];
  const keep = (more: Fault[] = []): CatalogEntry => ({
    key,
    ...(record && { record }),
    faults: [...problems, ...more],
    changed: false,
  });
  if (found.host === undefined || found.problems.length > 0) return keep();
  const next: ClusterRecord = {
    cluster,
    images: found.images,
    host: found.host,
    ...formerArtifacts(record, found.images),
    generation: record?.generation ?? 1,
    ...(record?.status && { status: record.status }),
  };
  if (record === undefined) return { key, record: next, faults: problems, changed: true };
  // A manifest that is back ends the deletion of its cluster.
  const revived = record.deletionTimestamp !== undefined;
  if (!revived && digestOf(content(next)) === digestOf(content(record))) return keep();
  const fixed = immutableChanges(record, next);
  if (fixed.length > 0) return keep(fixed.map((problem) => faultAt(manifest, problem)));
  // A half-written file can look like another cluster: until it has settled, it may only grow.
  const settled = manifest.origin.settled && found.settled;
  if (!settled && !onlyGrows(record, next)) return keep();
  const generation = record.generation + (sameSpec(record.cluster, cluster) ? 0 : 1);
  return { key, record: { ...next, generation }, faults: problems, changed: true };
}

/** The manifest is gone. Only a source that is whole and readable makes that an order. */
function missing(
  snapshot: SourceSnapshot,
  key: string,
  record: ClusterRecord,
  faults: Fault[],
  now: number,
  requested: boolean,
): CatalogEntry {
  const unnamed = snapshot.faults.filter(({ object }) => object === undefined);
  if (record.deletionTimestamp !== undefined) return { key, record, faults: [], changed: false };
  const deletionTimestamp = new Date(now).toISOString();
  const deleted = { key, record: { ...record, deletionTimestamp }, faults: [], changed: true };
  if (requested) return deleted;
  if (!snapshot.trusted) {
    const message = snapshot.reason ?? 'the source cannot be read';
    return { key, record, faults: [...faults, { file: 'source', message }], changed: false };
  }
  if (faults.length > 0 || unnamed.length > 0) {
    return { key, record, faults: [...faults, ...unnamed], changed: false };
  }
  return deleted;
}

function faultAt(manifest: Manifest, problem: Problem): Fault {
  const { namespace, name } = manifest.object.metadata;
  const { file, line } = manifest.origin;
  return { file, line, ...problem, object: { kind: manifest.kind, namespace, name } };
}

/** What an earlier spec had uploaded is still in the pool, and ours to delete. */
function formerArtifacts(record: ClusterRecord | undefined, images: BenchImage[]) {
  if (record === undefined) return {};
  const present = new Set(artifactVolumes(images));
  const earlier = [...(record.formerArtifacts ?? []), ...artifactVolumes(record.images)];
  const former = [...new Set(earlier)].filter((volume) => !present.has(volume));
  return former.length > 0 ? { formerArtifacts: former } : {};
}

function content({ cluster, images, host }: ClusterRecord) {
  return { cluster, images, host };
}

function sameSpec(a: BenchCluster, b: BenchCluster): boolean {
  return digestOf(a.spec) === digestOf(b.spec);
}

function immutableChanges(from: ClusterRecord, to: ClusterRecord): Problem[] {
  const host = to.host.metadata.name;
  const changes = [
    ...changesOf(from.cluster, to.cluster),
    // Its VMs would be left behind on the old host, and made a second time on the new one.
    ...changesOf(from.host, to.host).map((change) => ({
      ...change,
      path: `BenchHost ${host}: ${change.path}`,
    })),
  ];
  return changes
    .filter(({ effect }) => effect === 'immutable')
    .map(({ path }) => ({
      path,
      message: 'cannot be changed once the cluster exists',
      hint: 'write the old value again, or delete the cluster and apply it anew',
    }));
}

/** Nothing but more replicas and new pools: whatever else a file may say later, no node is lost. */
function onlyGrows(from: ClusterRecord, to: ClusterRecord): boolean {
  const pools = from.cluster.spec.workers;
  const workers = to.cluster.spec.workers.map((pool) => {
    const before = pools.find(({ name }) => name === pool.name);
    const grows = before !== undefined && before.replicas <= pool.replicas;
    return grows ? { ...before, replicas: pool.replicas } : pool;
  });
  const kept = pools.every(({ name, replicas }) =>
    workers.some((pool) => pool.name === name && pool.replicas >= replicas),
  );
  const grown = { ...from.cluster, spec: { ...from.cluster.spec, workers } };
  return kept && digestOf(content({ ...from, cluster: grown })) === digestOf(content(to));
}
