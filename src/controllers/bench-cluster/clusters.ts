/**
 * The clusters that this process knows, found by key, by host and by domain, so that no round and
 * no event costs more because there are others. All of it can be lost at any time.
 */
import type { Fault } from '../../crd/fault.ts';
import { qualifiedName } from '../../crd/references.ts';
import type { ClusterStatus } from '../../crd/status.ts';
import type { ClusterRecord } from '../ports.ts';
import type { Hold } from './catalog.ts';
import { type DesiredCluster, desiredCluster, type Identity } from './desired.ts';
import { DomainOwners } from './domain-owners.ts';
import type { Effects } from './effects.ts';
import type { Observed } from './observed.ts';
import { othersOf } from './others.ts';
import type { RoundError } from './round-error.ts';
import type { Sightings } from './sightings.ts';

/** What is kept for one cluster. */
export interface Cluster {
  record?: ClusterRecord;
  /** What `record` asks for; made once for each record. */
  desired?: { of: ClusterRecord; value: DesiredCluster };
  faults: Fault[];
  hold?: Hold;
  status?: ClusterStatus;
  /** It has had its first round since the start of this process. */
  seen?: true;
  /** What its last round threw. */
  error?: RoundError;
  effects: Effects;
  sightings: Sightings;
}

export class Clusters {
  readonly #identity: Identity;
  readonly #make: (key: string, record?: ClusterRecord) => Cluster;
  readonly #clusters = new Map<string, Cluster>();
  readonly #byHost = new Map<string, Set<string>>();
  readonly #owners = new DomainOwners();

  constructor(identity: Identity, make: (key: string, record?: ClusterRecord) => Cluster) {
    this.#identity = identity;
    this.#make = make;
  }

  get(key: string): Cluster | undefined {
    return this.#clusters.get(key);
  }

  /** The cluster of that key, made when it is new. */
  of(key: string, record?: ClusterRecord): Cluster {
    const known = this.#clusters.get(key);
    if (known) return known;
    const cluster = this.#make(key, record);
    this.#clusters.set(key, cluster);
    if (record) this.take(key, cluster, record);
    return cluster;
  }

  /** That record is in force from now on. */
  take(key: string, cluster: Cluster, record: ClusterRecord): void {
    cluster.record = record;
    const host = qualifiedName(record.host.metadata);
    const keys = this.#byHost.get(host) ?? new Set();
    this.#byHost.set(host, keys.add(key));
  }

  delete(key: string): void {
    const { record } = this.#clusters.get(key) ?? {};
    if (record) this.#byHost.get(qualifiedName(record.host.metadata))?.delete(key);
    this.#clusters.delete(key);
    this.#owners.forget(key);
  }

  all(): Cluster[] {
    return [...this.#clusters.values()];
  }

  entries(): [string, Cluster][] {
    return [...this.#clusters];
  }

  /** With the status of now, not of the last edit. */
  records(): ClusterRecord[] {
    return this.all().flatMap(({ record, status }) =>
      record ? [{ ...record, ...(status && { status }) }] : [],
    );
  }

  /** Throws ReferenceError where an image is missing. */
  desired(key: string, cluster: Cluster, record: ClusterRecord): DesiredCluster {
    if (cluster.desired?.of === record) return cluster.desired.value;
    const value = desiredCluster(record, this.#identity);
    cluster.desired = { of: record, value };
    const domains = [...value.nodes, ...value.surge, ...(cluster.status?.nodes ?? [])];
    this.#owners.note(
      key,
      domains.map(({ uuid }) => uuid),
    );
    return value;
  }

  others(key: string, record: ClusterRecord): Observed['others'] {
    const keys = [...this.#keysOf(record)].filter((each) => each !== key);
    return othersOf(
      record,
      keys.flatMap((each) => this.#clusters.get(each) ?? []),
    );
  }

  /** Whom an event of the host concerns: one cluster where the domain is one of ours, or all. */
  concernedBy(host: string, domain: string | undefined): string[] {
    const owner = domain === undefined ? undefined : this.#owners.of(domain);
    return owner === undefined ? [...(this.#byHost.get(host) ?? [])] : [owner];
  }

  #keysOf(record: ClusterRecord): ReadonlySet<string> {
    return this.#byHost.get(qualifiedName(record.host.metadata)) ?? new Set();
  }
}
