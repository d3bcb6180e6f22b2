/**
 * Readings of a source, one after the other, as the controller makes them: each is judged by the
 * catalog and the breaker, and what they let through is in force for the next.
 */
import { breaker } from '../../../src/controllers/bench-cluster/breaker.ts';
import {
  type CatalogEntry,
  catalog,
  clusterKey,
} from '../../../src/controllers/bench-cluster/catalog.ts';
import { nodesIn, revisionOf } from '../../../src/controllers/bench-cluster/removal.ts';
import type {
  ClusterRecord,
  DeletionLedger,
  SourceSnapshot,
} from '../../../src/controllers/ports.ts';
import type { BenchCluster } from '../../../src/crd/bench-cluster.ts';
import type { Manifest } from '../../../src/crd/manifest.ts';
import { manifestOf } from '../../../src/sim/memory-source.ts';
import { clusterOf, hostOf, imageOf, recordOf } from '../../fakes/builders.ts';

export const emptyLedger: DeletionLedger = { held: [], nodes: 0, confirmed: [], changes: [] };

interface Asked {
  requested?: string[];
  confirmations?: string[];
  /** Of the snapshot: not trusted, faults. */
  more?: Partial<SourceSnapshot>;
}

export class Installation {
  records: ClusterRecord[];
  ledger = emptyLedger;
  entries: CatalogEntry[] = [];
  now = Date.parse('2026-01-01T00:00:00Z');

  constructor(...clusters: BenchCluster[]) {
    this.records = clusters.map((cluster) => recordOf(cluster));
  }

  /** Seconds. */
  wait(seconds: number): void {
    this.now += seconds * 1000;
  }

  /** Reads a source that holds these clusters; what is let through is done. */
  read(clusters: (BenchCluster | Manifest)[], asked: Asked = {}): void {
    this.judge(clusters, asked);
    this.commit();
  }

  /** Only stores the ledger, as a process that dies just after that. */
  judge(clusters: (BenchCluster | Manifest)[], asked: Asked = {}): void {
    const manifests = [hostOf(), imageOf(), ...clusters].map((item) =>
      'origin' in item ? item : manifestOf(item),
    );
    const snapshot = { trusted: true, faults: [], manifests, ...asked.more };
    const requested = new Set(asked.requested?.map((name) => `default/${name}`));
    const { now, records } = this;
    const entries = catalog(snapshot, records, now, requested);
    const confirmations = new Set(asked.confirmations);
    const reading = { entries, records, requested, confirmations, now };
    const verdict = breaker(reading, this.ledger);
    this.entries = verdict.entries;
    this.ledger = verdict.ledger;
  }

  commit(): void {
    for (const { key, record, changed } of this.entries) {
      if (!changed || record === undefined) continue;
      const others = this.records.filter((each) => clusterKey(each.cluster.metadata) !== key);
      this.records = [...others, record];
    }
  }

  /** Nodes in force by cluster, without those that are being deleted. */
  get nodes(): Record<string, number> {
    const living = this.records.filter(({ deletionTimestamp }) => deletionTimestamp === undefined);
    return Object.fromEntries(
      living
        .map(({ cluster: { metadata, spec } }): [string, number] => [
          metadata.name,
          spec.workers.reduce((sum, { replicas }) => sum + replicas, 1),
        ])
        .sort(([a], [b]) => (a < b ? -1 : 1)),
    );
  }

  get held(): string[] {
    return this.ledger.held.map(({ cluster }) => cluster.replace('default/', '')).sort();
  }

  get heldNodes(): number {
    return nodesIn(this.ledger.held);
  }

  get revision(): string {
    return revisionOf(this.ledger.held);
  }

  entry(name: string): CatalogEntry | undefined {
    return this.entries.find(({ key }) => key === `default/${name}`);
  }
}

/** So many clusters `c0`, `c1` … of so many nodes each, the head among them. */
export function clustersOf(count: number, nodes: number, name = 'c'): BenchCluster[] {
  return Array.from({ length: count }, (_, index) =>
    clusterOf({ name: `${name}${index}`, replicas: nodes - 1 }),
  );
}

/** The same cluster with another number of nodes. */
export function resized({ metadata }: BenchCluster, nodes: number): BenchCluster {
  return clusterOf({ name: metadata.name, replicas: nodes - 1 });
}
