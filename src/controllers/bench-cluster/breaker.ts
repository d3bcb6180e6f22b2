/**
 * The breaker against mass deletion: (what a reading of the source asks for, what was held and done
 * before) → what of it may be done. A reading that takes away too much at once takes away nothing
 * until a person confirms exactly that; what it creates, changes and lets grow goes on. What is
 * held stays held, also when it would be little by itself, until it is confirmed or put back.
 * Pure; see docs/decisions/0006.
 */
import { confirmAnnotation } from '../../crd/annotations.ts';
import { digestOf } from '../../lib/hash.ts';
import type { ClusterRecord, DeletionLedger, HeldRemoval, PoolCount, Removal } from '../ports.ts';
import { type CatalogEntry, clusterKey } from './catalog.ts';
import { holdBack, summaryOf } from './hold-back.ts';
import {
  countsOf,
  isCoveredBy,
  isWithin,
  largerOf,
  nodesIn,
  removalOf,
  revisionOf,
  sumOf,
} from './removal.ts';

export const limits = {
  /** So few nodes in all, or so small a cluster by itself, are never held. */
  friendlyNodes: 3,
  friendlyClusterNodes: 32,
  /** More of all nodes are held, if more than one cluster is deleted; */
  partOfClusters: 0.2,
  /** and so they are whatever they are part of. */
  partOfNodes: 0.3,
  /**
   * What follows within this time is one burst: judged together, against what was before it. What
   * a doubt has kept from being believed is of the burst in which it was asked, too.
   */
  windowMs: 60_000,
};

export interface Reading {
  entries: readonly CatalogEntry[];
  /** As they were before the reading. */
  records: readonly ClusterRecord[];
  /** Clusters whose deletion somebody asked for by name: never held. */
  requested: ReadonlySet<string>;
  /** Revisions that a person has confirmed. */
  confirmations: ReadonlySet<string>;
  now: number;
}

export interface Verdict {
  /** What may be done; what is held has `hold`, and keeps what it would lose. */
  entries: CatalogEntry[];
  /** The same object when it need not be stored. */
  ledger: DeletionLedger;
}

/** What a reading asks of one cluster. */
interface Demand {
  entry: CatalogEntry;
  before: PoolCount[];
  after: PoolCount[];
  removal?: Removal;
}

export function breaker(reading: Reading, ledger: DeletionLedger): Verdict {
  const known = new Map(reading.records.map((each) => [clusterKey(each.cluster.metadata), each]));
  const demands = new Map(
    reading.entries.map((entry) => [entry.key, demandOf(entry, known.get(entry.key))]),
  );
  const agreed = byCluster([...ledger.confirmed, ...confirmedNow(reading, ledger)]);
  const heldBefore = byCluster(ledger.held);
  const kept: HeldRemoval[] = [];
  const fresh: Removal[] = [];
  const free = new Set(reading.requested);
  for (const [key, { entry, removal }] of demands) {
    const before = heldBefore.get(key);
    const shown = agreed.get(key);
    if (entry.undecided) {
      if (before && !(shown && isCoveredBy(before, shown))) kept.push(before);
      continue;
    }
    if (removal === undefined || free.has(key)) continue;
    if (shown && isCoveredBy(removal, shown)) free.add(key);
    else if (before && isWithin(before, removal))
      kept.push(stillHeld(before, removal, reading.now));
    else fresh.push(removal);
  }
  const excess = excessOf(reading, ledger, { demands, kept, fresh, free });
  const since = new Date(reading.now).toISOString();
  const held = excess ? [...kept, ...fresh.map((removal) => ({ ...removal, since }))] : kept;
  const goneBefore = Math.max(
    excess?.goneBefore ?? 0,
    kept.length > 0 ? (ledger.goneBefore ?? 0) : 0,
  );
  const next = nextLedger(reading, ledger, { demands, held, goneBefore, agreed, free });
  return { entries: holdBackAll(reading.entries, known, next), ledger: next };
}

function holdBackAll(
  entries: readonly CatalogEntry[],
  known: ReadonlyMap<string, ClusterRecord>,
  ledger: DeletionLedger,
): CatalogEntry[] {
  const held = byCluster(ledger.held);
  const summary = summaryOf(ledger);
  return entries.map((entry) => {
    const record = known.get(entry.key);
    const removal = held.get(entry.key);
    return record && removal ? holdBack(entry, record, removal, summary) : entry;
  });
}

function byCluster<R extends Removal>(removals: readonly R[]): Map<string, R> {
  return new Map(removals.map((removal) => [removal.cluster, removal]));
}

function demandOf(entry: CatalogEntry, record: ClusterRecord | undefined): Demand {
  const before = countsOf(record);
  const after = entry.changed ? countsOf(entry.record) : before;
  const removal = removalOf(entry.key, before, after);
  return { entry, before, after, ...(removal && { removal }) };
}

/** By the revision of all that is held, or of one cluster's part, or by that cluster's manifest. */
function confirmedNow({ entries, confirmations }: Reading, { held }: DeletionLedger): Removal[] {
  if (held.length === 0) return [];
  const all = confirmations.has(revisionOf(held));
  const written = new Map(entries.map((entry) => [entry.key, annotationOf(entry)]));
  const agreed = held.filter((each) => {
    const revision = revisionOf([each]);
    return all || confirmations.has(revision) || written.get(each.cluster) === revision;
  });
  return agreed.map(({ since: _, ...removal }) => removal);
}

function annotationOf({ record, undecided }: CatalogEntry): string | undefined {
  return undecided ? undefined : record?.cluster.metadata.annotations?.[confirmAnnotation];
}

/** More of the same cluster is taken away than before: that is news. */
function stillHeld(before: HeldRemoval, removal: Removal, now: number): HeldRemoval {
  const { since, ...shown } = before;
  const isSame = digestOf(shown) === digestOf(removal);
  return { ...removal, since: isSame ? since : new Date(now).toISOString() };
}

interface Judged {
  demands: ReadonlyMap<string, Demand>;
  kept: readonly HeldRemoval[];
  fresh: readonly Removal[];
  free: ReadonlySet<string>;
}

/** Why it is too much: with how many nodes that were let go just before. */
type Excess = Required<Pick<DeletionLedger, 'goneBefore'>>;

/** By itself, against what is in force; and with what came just before it, against what was. */
function excessOf(reading: Reading, ledger: DeletionLedger, judged: Judged): Excess | undefined {
  const { demands, fresh, free } = judged;
  if (fresh.length === 0) return undefined;
  const inForce = [...demands].filter(([key]) => !free.has(key));
  const nodes = inForce.reduce((sum, [, { before }]) => sum + sumOf(before), 0);
  if (exceeds(fresh, nodes)) return { goneBefore: 0 };
  const { doubtedSince, ...undoubted } = ledger;
  const excess = excessOfBurst(reading, undoubted, judged);
  if (excess || doubtedSince === undefined) return excess;
  // What grew when a doubt began and shrinks as it ends is no less a removal of this minute.
  return excessOfBurst(reading, ledger, judged);
}

function excessOfBurst(
  reading: Reading,
  ledger: DeletionLedger,
  judged: Judged,
): Excess | undefined {
  const { demands, kept, fresh, free } = judged;
  const heldLately = kept.filter(({ since }) => isOfBurst(since, reading, ledger));
  const asked = new Set([...fresh, ...heldLately].map(({ cluster }) => cluster));
  const earlier = new Map<string, DeletionLedger['changes'][number]>();
  for (const change of recentChanges(reading, ledger)) {
    if (!earlier.has(change.cluster)) earlier.set(change.cluster, change);
  }
  let nodes = 0;
  const removals = [...new Set([...demands.keys(), ...earlier.keys()])].flatMap((key) => {
    if (free.has(key)) return [];
    const { before = [], after = [] } = demands.get(key) ?? {};
    const { pools = before, at = '' } = earlier.get(key) ?? {};
    nodes += sumOf(pools);
    // Noted before the clock was set back: what had grown then may have done so long ago.
    const from = Date.parse(at) > reading.now ? largerOf(pools, before) : pools;
    return removalOf(key, from, asked.has(key) ? after : before) ?? [];
  });
  if (!exceeds(removals, nodes)) return undefined;
  const waiting = nodesIn([...fresh, ...heldLately]);
  return { goneBefore: Math.max(0, nodesIn(removals) - waiting) };
}

function exceeds(removals: readonly Removal[], nodes: number): boolean {
  const removed = nodesIn(removals);
  if (removed <= limits.friendlyNodes) return false;
  const deleted = removals.filter(({ deletes }) => deletes).length;
  const isOneCluster = removals.length === 1 && deleted === 1;
  if (isOneCluster && removed <= limits.friendlyClusterNodes) return false;
  return (
    (deleted > 1 && removed > limits.partOfClusters * nodes) || removed > limits.partOfNodes * nodes
  );
}

/** It came just before now, or about when the doubt began that may end now. */
function isOfBurst(time: string, { now }: Reading, { doubtedSince }: DeletionLedger): boolean {
  const at = Date.parse(time);
  if (at > now - limits.windowMs) return true;
  return doubtedSince !== undefined && Math.abs(at - Date.parse(doubtedSince)) < limits.windowMs;
}

/** Oldest first. */
function recentChanges(reading: Reading, ledger: DeletionLedger): DeletionLedger['changes'] {
  return ledger.changes.filter(({ at }) => isOfBurst(at, reading, ledger));
}

interface Decided {
  demands: ReadonlyMap<string, Demand>;
  held: HeldRemoval[];
  goneBefore: number;
  agreed: ReadonlyMap<string, Removal>;
  free: ReadonlySet<string>;
}

function nextLedger(reading: Reading, ledger: DeletionLedger, decided: Decided): DeletionLedger {
  const { demands, held, goneBefore, agreed, free } = decided;
  const confirmed = [...agreed.values()].filter(({ cluster }) => {
    const demand = demands.get(cluster);
    return demand?.entry.undecided || (demand?.removal && free.has(cluster));
  });
  const recent = recentChanges(reading, ledger).filter(({ cluster }) => !free.has(cluster));
  const added = changesMade(reading, recent, decided);
  const doubt = doubtOf(reading, ledger, byCluster(held));
  const holdsTheSame = digestOf(ledger.held) === digestOf(held);
  const isSame =
    holdsTheSame &&
    digestOf([ledger.confirmed, ledger.doubtedSince]) === digestOf([confirmed, doubt.doubtedSince]);
  if (isSame && added.length === 0) return ledger;
  const nodes = [...demands.values()].reduce((sum, { before }) => sum + sumOf(before), 0);
  return {
    held,
    // What people are told of what is held does not change with what else is done.
    nodes: holdsTheSame ? ledger.nodes : nodes,
    ...(goneBefore > 0 && { goneBefore }),
    confirmed,
    ...doubt,
    changes: [...recent, ...added],
  };
}

function doubtOf(
  { entries, now }: Reading,
  { doubtedSince = new Date(now).toISOString() }: DeletionLedger,
  held: ReadonlyMap<string, Removal>,
): Pick<DeletionLedger, 'doubtedSince'> {
  const isOpen = entries.some(({ key, undecided }) => undecided === 'absent' && !held.has(key));
  return isOpen ? { doubtedSince } : {};
}

/** What clusters have before that is done which this reading lets through. */
function changesMade(
  { now }: Reading,
  recent: DeletionLedger['changes'],
  { demands, held, free }: Decided,
): DeletionLedger['changes'] {
  // Before the first cluster there is nothing that a later reading could be judged against.
  if ([...demands.values()].every(({ before }) => before.length === 0)) return [];
  const last = new Map(recent.map(({ cluster, pools }) => [cluster, pools]));
  const isHeld = byCluster(held);
  const at = new Date(now).toISOString();
  return [...demands].flatMap(([cluster, { before, after }]) => {
    if (before === after || free.has(cluster) || isHeld.has(cluster)) return [];
    // After a crash in between, the same change is met a second time.
    const isKnown = digestOf(last.get(cluster)) === digestOf(before);
    return isKnown || digestOf(before) === digestOf(after) ? [] : [{ at, cluster, pools: before }];
  });
}
