/**
 * What the source said over time, and what of it may be in force: an independent reading of the
 * rules for broken, half-written and missing files. The controller takes a little while to see a
 * change, so a version stays `recent` for some seconds, and for as long as the controller's own
 * record is still of it.
 */
import type { ManifestTruth, SourceTruth } from './truth.ts';
import {
  type ClusterSpec,
  grows,
  hasSameMachines,
  type ImageSpec,
  imagesOf,
  isForbidden,
  type StoredCluster,
  sameOrder,
  type Version,
} from './version.ts';

/** As the documents of the API name it. */
const protect = 'benchcluster.io/protect';
const paused = 'benchcluster.io/paused';

/** How long the controller may take to see a change, in milliseconds. */
export const graceMs = 5000;

export class Ledger {
  /** All versions of each cluster, the one in force last. */
  readonly #versions = new Map<string, Version[]>();
  /** Which version the controller's record is of. */
  readonly #recorded = new Map<string, Version>();
  /** And which one it was of before, until then: at that moment a round may still go by it. */
  readonly #recordedBefore = new Map<string, { version: Version; until: number }>();
  /** By `namespace/name`; what is gone stays known. */
  readonly #images = new Map<string, ImageSpec>();
  readonly #hosts = new Map<string, unknown>();
  /** Clusters whose record was removed at the end of their deletion. */
  readonly #over = new Map<string, Version>();
  /** Clusters that are kept although their manifest goes. */
  readonly #protected = new Set<string>();
  /** Requests that a manifest which came back has taken back. */
  readonly #void = new Set<string>();

  /** When the source was last looked at: it could be read, and a file may have been half written. */
  trusted = true;
  half = false;

  /** The source holds something else now. */
  changed(source: SourceTruth, now: number): void {
    this.trusted = source.trusted;
    this.half = source.manifests.some(({ origin }) => !origin.settled);
    for (const cluster of this.#void) {
      if (!source.requests.includes(cluster)) this.#void.delete(cluster);
    }
    for (const { kind, object } of source.manifests) {
      const { namespace, name } = object.metadata;
      if (kind === 'BenchImage') {
        this.#images.set(`${namespace}/${name}`, object.spec as ImageSpec);
      }
      if (kind === 'BenchHost') this.#hosts.set(object.metadata.name, object.spec);
    }
    const written = new Map(
      source.manifests
        .filter(({ kind }) => kind === 'BenchCluster')
        .map((manifest) => [keyOf(manifest), manifest]),
    );
    for (const [cluster, manifest] of written) this.#present(cluster, manifest, source, now);
    for (const cluster of this.#versions.keys()) {
      if (!written.has(cluster)) this.#missing(cluster, source, now);
    }
  }

  /** The controller has stored its record of the cluster; a deletion that is held is not in it. */
  recorded(cluster: string, stored: StoredCluster, now: number): void {
    const isDeleting = stored.deletionTimestamp !== undefined;
    const versions = this.versions(cluster);
    const last = isDeleting ? versions.at(-1) : versions.findLast(({ deleting }) => !deleting);
    // A file that was written and broken at once was never read.
    const read = this.#recent(cluster, now).filter(
      ({ deleting, spec }) => !deleting && hasSameMachines(spec, stored.cluster?.spec),
    );
    const version = isDeleting || read.length === 0 ? last : read.at(-1);
    const before = this.#recorded.get(cluster);
    if (before) this.#recordedBefore.set(cluster, { version: before, until: now });
    if (version) this.#recorded.set(cluster, this.#asRead(version, stored.images));
  }

  removed(cluster: string): void {
    const last = this.inForce(cluster);
    if (last?.deleting) this.#over.set(cluster, last);
    this.#recorded.delete(cluster);
  }

  /** The version that the controller's record is of, as long as it has one. */
  recordedOf(cluster: string): Version | undefined {
    return this.#recorded.get(cluster);
  }

  clusters(): string[] {
    return [...this.#versions.keys()];
  }

  inForce(cluster: string): Version | undefined {
    return this.#versions.get(cluster)?.at(-1);
  }

  /** It was deleted, and the controller has put its record away. */
  isOver(cluster: string): boolean {
    return (
      this.#over.get(cluster) !== undefined && this.#over.get(cluster) === this.inForce(cluster)
    );
  }

  /** Every version that an effect of now may be founded on. */
  recent(cluster: string, now: number): Version[] {
    const recent = this.#recent(cluster, now);
    const before = this.#recordedBefore.get(cluster);
    const isRecent = before !== undefined && before.until >= now;
    const recorded = [this.#recorded.get(cluster), isRecent ? before.version : undefined];
    return [...new Set([...recorded, ...recent])].filter((version) => version !== undefined);
  }

  #recent(cluster: string, now: number): Version[] {
    const versions = this.versions(cluster);
    return versions.filter((_, index) => {
      const until = versions[index + 1]?.from ?? Number.POSITIVE_INFINITY;
      return until + graceMs >= now;
    });
  }

  versions(cluster: string): readonly Version[] {
    return this.#versions.get(cluster) ?? [];
  }

  #present(cluster: string, manifest: ManifestTruth, source: SourceTruth, now: number): void {
    const before = this.inForce(cluster);
    if (manifest.origin.missing) this.#void.delete(cluster);
    else this.#void.add(cluster);
    const { annotations = {} } = manifest.object.metadata;
    if (annotations[protect] === 'true') this.#protected.add(cluster);
    else this.#protected.delete(cluster);
    const spec = manifest.object.spec as ClusterSpec;
    const named = imagesOf(spec);
    const images = this.#meant(manifest.object.metadata.namespace, named);
    if (images.size < named.size) return;
    const next: Version = {
      cluster,
      from: now,
      spec: { ...structuredClone(spec), paused: spec.paused || annotations[paused] === 'true' },
      images,
      hosts: new Map(this.#hosts),
      deleting: false,
    };
    if (before === undefined) {
      if (manifest.origin.settled || manifest.origin.whole) this.#add(next);
      return;
    }
    if (!before.deleting && sameOrder(before, next)) return;
    if (isForbidden(before.spec, next.spec) && !this.isOver(cluster)) return;
    const settled =
      manifest.origin.settled &&
      source.manifests.every(
        ({ kind, object, origin }) =>
          origin.settled ||
          (kind === 'BenchImage' ? !named.has(object.metadata.name) : kind !== 'BenchHost'),
      );
    if (!settled && !this.isOver(cluster) && !grows(before, next)) return;
    this.#add(next);
  }

  /** An image that came and went at once was never read: the one that was ordered before stays. */
  #asRead(version: Version, images: StoredCluster['images'] = []): Version {
    const stayed = [...version.images].flatMap(([name, { source }]) => {
      const { spec } = images.find(({ metadata }) => metadata.name === name) ?? {};
      if (spec === undefined || spec.source.sha256 === source.sha256) return [];
      const ordered = this.versions(version.cluster).map((each) => each.images.get(name));
      const known = ordered.find((each) => each?.source.sha256 === spec.source.sha256);
      return known ? [[name, known] as const] : [];
    });
    if (stayed.length === 0) return version;
    return { ...version, images: new Map([...version.images, ...stayed]) };
  }

  /** The image of the cluster's own namespace, or else the one that all share. */
  #meant(namespace: string, names: ReadonlySet<string>): Map<string, ImageSpec> {
    const found = new Map<string, ImageSpec>();
    for (const name of names) {
      const image = this.#images.get(`${namespace}/${name}`) ?? this.#images.get(`default/${name}`);
      if (image) found.set(name, image);
    }
    return found;
  }

  #missing(cluster: string, source: SourceTruth, now: number): void {
    const before = this.inForce(cluster);
    if (before === undefined || before.deleting) return;
    const faulty = source.faults.some(
      ({ object }) =>
        object === undefined ||
        (object.kind === 'BenchCluster' && `${object.namespace}/${object.name}` === cluster),
    );
    const requested = source.requests.includes(cluster) && !this.#void.has(cluster);
    if (this.#protected.has(cluster)) return;
    if (!requested && (!source.trusted || faulty)) return;
    this.#add({ ...before, from: now, deleting: true });
  }

  #add(version: Version): void {
    const known = this.#versions.get(version.cluster) ?? [];
    this.#versions.set(version.cluster, [...known, version]);
  }
}

export function keyOf({ object }: ManifestTruth): string {
  return `${object.metadata.namespace}/${object.metadata.name}`;
}
