/**
 * (what the source holds, what was last good) → the records now in force. Pure. It decides what a
 * broken, half-written or missing file may cause: nothing. A record begins with a file that is
 * whole, changes only by a valid manifest, shrinks only by a settled one, and is marked deleted
 * only when its manifest is gone from a source that can be trusted as a whole, or when somebody
 * asked for it, and never while it is protected. What it gives is still to pass the breaker.
 */
import { isProtected, protectAnnotation } from '../../crd/annotations.ts';
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
  /**
   * What the source wants is not known now, or not for sure, and nothing is to be concluded: from
   * what is written, or from the absence of its manifest.
   */
  undecided?: 'written' | 'absent';
  /** Why nodes that the source does not want any more are kept. */
  hold?: Hold;
}

export interface Hold {
  reason: 'DeletionHeld' | 'DeletionProtected';
  message: string;
}

export function clusterKey(metadata: { namespace: string; name: string }): string {
  return `${metadata.namespace}/${metadata.name}`;
}

/** Clusters that the source has now, without those that it keeps until their absence is proven. */
export function writtenClusters({ manifests }: SourceSnapshot): Set<string> {
  const written = manifests.filter(
    ({ kind, origin }) => kind === 'BenchCluster' && !origin.missing,
  );
  return new Set(written.map(({ object }) => clusterKey(object.metadata)));
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
  // For a cluster that is not there yet: nothing is lost by a file that says that it is whole.
  const begun = { ...snapshot, manifests: snapshot.manifests.map(settledIfWhole) };
  return [...keys].sort().map((key) => {
    const manifest = clusters.get(key);
    const record = known.get(key);
    const faults = faultsOf(snapshot, key, manifest);
    if (manifest && record) return present(snapshot, key, manifest, record, faults);
    if (manifest) return present(begun, key, settledIfWhole(manifest), undefined, faults);
    if (record) return missing(snapshot, key, record, faults, now, requested.has(key));
    throw new Error(`cluster ${key} is neither written nor recorded`);
  });
}

function settledIfWhole<M extends Manifest>(manifest: M): M {
  const { origin } = manifest;
  return origin.whole ? { ...manifest, origin: { ...origin, settled: true } } : manifest;
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
  const settled = manifest.origin.settled && found.settled;
  const problems = [...found.problems.map((problem) => faultAt(manifest, problem)), ...faults];
  const keep = (more: Fault[] = []): CatalogEntry => ({
    key,
    ...(record && { record }),
    faults: [...problems, ...more],
    changed: false,
  });
  const undecided = (more: Fault[] = []): CatalogEntry => ({ ...keep(more), undecided: 'written' });
  if (found.host === undefined || found.problems.length > 0) return undecided();
  const next: ClusterRecord = {
    cluster,
    images: found.images,
    host: found.host,
    ...formerArtifacts(record, found.images),
    generation: record?.generation ?? 1,
    ...(record?.status && { status: record.status }),
  };
  if (record === undefined) {
    // A head is never made anew, so one made for the half of a file would stay outdated for ever.
    return settled ? { key, record: next, faults: problems, changed: true } : undecided();
  }
  // A manifest that is back ends the deletion of its cluster.
  const revived = record.deletionTimestamp !== undefined;
  if (!revived && isSameContent(next, record)) return keep();
  const fixed = immutableChanges(record, next);
  if (fixed.length > 0) return undecided(fixed.map((problem) => faultAt(manifest, problem)));
  // A half-written file can look like another cluster: until it has settled, it may only grow.
  if (!settled && !onlyGrows(record, next)) return undecided();
  const generation = nextGeneration(record, cluster);
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
  if (record.deletionTimestamp !== undefined) return { key, record, faults: [], changed: false };
  const unproven = requested ? [] : doubts(snapshot, faults);
  if (unproven.length > 0) {
    return { key, record, faults: unproven, changed: false, undecided: 'absent' };
  }
  if (isProtected(record.cluster.metadata)) {
    return { key, record, faults: [], changed: false, hold: protection };
  }
  const deletionTimestamp = new Date(now).toISOString();
  return { key, record: { ...record, deletionTimestamp }, faults: [], changed: true };
}

/** What keeps an absence from being believed. */
function doubts(snapshot: SourceSnapshot, faults: Fault[]): Fault[] {
  if (!snapshot.trusted) {
    const message = snapshot.reason ?? 'the source cannot be read';
    return [...faults, { file: 'source', message }];
  }
  return [...faults, ...snapshot.faults.filter(({ object }) => object === undefined)];
}

const protection: Hold = {
  reason: 'DeletionProtected',
  message:
    `its manifest is gone, but the cluster is protected by the annotation ${protectAnnotation}; ` +
    'apply the manifest again, without the annotation if the cluster is to go',
};

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

export function isSameContent(a: ClusterRecord, b: ClusterRecord): boolean {
  return digestOf(content(a)) === digestOf(content(b));
}

/** Counts the changes of the spec. */
export function nextGeneration({ cluster, generation }: ClusterRecord, next: BenchCluster): number {
  return digestOf(cluster.spec) === digestOf(next.spec) ? generation : generation + 1;
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
