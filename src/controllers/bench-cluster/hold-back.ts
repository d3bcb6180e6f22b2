/**
 * What becomes of a cluster that a reading would take nodes from, and that is held: it keeps what
 * it would lose and gets the rest of its edit; and the words that tell people. Pure.
 */
import { confirmAnnotation } from '../../crd/annotations.ts';
import { BenchCluster } from '../../crd/bench-cluster.ts';
import type { ClusterRecord, DeletionLedger, HeldRemoval, Removal } from '../ports.ts';
import { type CatalogEntry, type Hold, isSameContent, nextGeneration } from './catalog.ts';
import { artifactVolumes } from './desired.ts';
import { nodesIn, revisionOf } from './removal.ts';

/** Of all that is held, made once for the messages of all clusters. */
export interface HoldSummary {
  revision: string;
  text: string;
}

export function summaryOf({ held, nodes, goneBefore }: DeletionLedger): HoldSummary {
  const deleted = held.filter(({ deletes }) => deletes).length;
  const smaller = held.length - deleted;
  const parts = [
    ...(deleted > 0 ? [`${count(deleted, 'cluster')} deleted`] : []),
    ...(smaller > 0 ? [`${count(smaller, 'cluster')} made smaller`] : []),
  ];
  const burst = goneBefore ? `, and ${goneBefore} went within a minute of it` : '';
  const text = `${nodesIn(held)} of ${count(nodes, 'node')} would go (${parts.join(', ')})${burst}`;
  return { revision: revisionOf(held), text };
}

/** `compute 12 -> 1, gpu 4 -> 0`, or `all 13 nodes`. */
export function describeRemoval(removal: Removal): string {
  if (removal.deletes) return `all ${count(nodesIn([removal]), 'node')}`;
  return removal.pools.map(({ name, from, to }) => `${name} ${from} -> ${to}`).join(', ');
}

export function holdBack(
  entry: CatalogEntry,
  record: ClusterRecord,
  held: HeldRemoval,
  summary: HoldSummary,
): CatalogEntry {
  const hold: Hold = { reason: 'DeletionHeld', message: messageOf(held, summary) };
  if (entry.undecided || held.deletes || entry.record === undefined) {
    return { ...entry, record, changed: false, hold };
  }
  const kept = withKeptNodes(record, entry.record);
  return { ...entry, record: kept, changed: !isSameContent(record, kept), hold };
}

function messageOf(held: HeldRemoval, { revision, text }: HoldSummary): string {
  const next = `benchctl confirm --revision ${revision}`;
  if (held.deletes) {
    return `its manifest is gone; ${describeRemoval(held)} stay until a person confirms, because ${text}: ${next}`;
  }
  const annotation = `annotate its manifest with ${confirmAnnotation}: "${revisionOf([held])}"`;
  return `${describeRemoval(held)} waits until a person confirms, because ${text}: ${next}, or ${annotation}`;
}

/** The edit, with every node that it would take away. */
function withKeptNodes(record: ClusterRecord, wanted: ClusterRecord): ClusterRecord {
  const former = record.cluster.spec.workers;
  const workers = wanted.cluster.spec.workers.map((pool) => {
    const before = former.find(({ name }) => name === pool.name);
    return { ...pool, replicas: Math.max(before?.replicas ?? 0, pool.replicas) };
  });
  const lost = former.filter(({ name }) => !workers.some((pool) => pool.name === name));
  const spec = { ...wanted.cluster.spec, workers: [...workers, ...lost] };
  const cluster = BenchCluster.safeParse({ ...wanted.cluster, spec });
  // Both together may be more than a subnet has room for: then the whole edit waits.
  if (!cluster.success) return record;
  const names = new Set(lost.map(({ image }) => image));
  const images = [
    ...wanted.images,
    ...record.images.filter(
      ({ metadata }) =>
        names.has(metadata.name) && !wanted.images.some((image) => isNamesake(image, metadata)),
    ),
  ];
  const inUse = new Set(artifactVolumes(images));
  const { formerArtifacts = [], ...rest } = wanted;
  const artifacts = formerArtifacts.filter((volume) => !inUse.has(volume));
  return {
    ...rest,
    cluster: cluster.data,
    images,
    ...(artifacts.length > 0 && { formerArtifacts: artifacts }),
    generation: nextGeneration(record, cluster.data),
  };
}

function isNamesake({ metadata }: { metadata: { name: string } }, { name }: { name: string }) {
  return metadata.name === name;
}

function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? '' : 's'}`;
}
