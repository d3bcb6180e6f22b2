/**
 * What must be held back, because one revision of the source, or what came within half a minute,
 * takes away too much at once: an independent reading of docs/decisions/0006. It errs on the side
 * of letting go: the controller may see two revisions as one, or see one late, so only what is too
 * much however it was read is held here, and the whole is taken to be as large as it can be.
 */
import { keyOf, type Ledger } from './ledger.ts';
import type { SourceTruth, StatusTruth } from './truth.ts';
import { poolOf, type Version } from './version.ts';

/** Replicas by pool; nothing for a cluster that is to go. */
type Counts = ReadonlyMap<string, number>;

export interface Hold {
  /** What stays. */
  from: Counts;
  /** What is asked for instead. */
  to: Counts;
  since: number;
  /** When it last became another removal: what was told before is not about it. */
  changedAt: number;
}

interface Removal {
  nodes: number;
  deletes: boolean;
}

/** As the decision has it. */
const friendlyNodes = 3;
const friendlyClusterNodes = 32;
const partOfClusters = 0.2;
const partOfNodes = 0.3;
const windowMs = 60_000;
/** By so much the controller may see a change late. */
const lateMs = 30_000;

const confirmAnnotation = 'benchcluster.io/confirm-deletion';
const nothing: Counts = new Map();

export class Holds {
  /** What the controller has on record for sure and may not take away yet. */
  readonly #kept = new Map<string, Counts>();
  readonly #held = new Map<string, Hold>();
  /** What the source asks for. */
  #orders: ReadonlyMap<string, Counts> = new Map();
  /** What was kept before each change that nobody asked for by name, oldest first. */
  #changes: { at: number; cluster: string; before: Counts }[] = [];
  /** Revisions that a status named, and since when: a person can confirm no others. */
  readonly #told = new Map<string, number>();

  of(cluster: string): Hold | undefined {
    return this.#held.get(cluster);
  }

  /** The source holds something else, or a person asked for a deletion or confirmed one. */
  changed(ledger: Ledger, source: SourceTruth, now: number): void {
    this.#changes = this.#changes.filter(({ at }) => at > now - windowMs - lateMs);
    const orders = new Map(ledger.clusters().map((key) => [key, countsOf(ledger.inForce(key))]));
    // What was put back at once may never have been read as gone.
    const eased = [...this.#orders].some(([key, last]) => takesFrom(orders.get(key), last));
    this.#orders = orders;
    const fresh = new Map<string, Counts>();
    for (const [cluster, order] of orders) {
      const hold = this.#held.get(cluster);
      const named = source.requests.includes(cluster);
      if (named) this.#changes = this.#changes.filter((each) => each.cluster !== cluster);
      if (!takesFrom(this.#keptOf(cluster), order)) this.#held.delete(cluster);
      else if (named || (hold && this.#isConfirmed(cluster, hold, order, source)))
        this.#release(cluster, order);
      else if (hold && isStillAsked(hold, order) && !(eased && now - hold.since < lateMs))
        this.#hold(cluster, order, now);
      else fresh.set(cluster, order);
    }
    const tooMuch = fresh.size > 0 && this.#isTooMuch(fresh, largestSum(ledger), now);
    for (const [cluster, order] of fresh) {
      if (tooMuch) this.#hold(cluster, order, now);
      else {
        this.#note(cluster, now);
        this.#release(cluster, order);
      }
    }
  }

  /** The controller has stored its record: what has grown can be taken away from now on. */
  recorded(cluster: string, version: Version | undefined, now: number): void {
    const kept = this.#keptOf(cluster);
    const grown = larger(kept, countsOf(version));
    if (sumOf(grown) === sumOf(kept)) return;
    this.#note(cluster, now);
    this.#kept.set(cluster, grown);
  }

  /** A process of another time cannot tell what came just before it. */
  clockJumped(now: number): void {
    this.#changes = [];
    for (const [cluster, { since, to }] of this.#held) {
      if (now - since < lateMs) this.#release(cluster, to);
    }
  }

  told({ conditions }: StatusTruth, now: number): void {
    for (const { reason, message } of conditions) {
      if (reason !== 'DeletionHeld') continue;
      for (const [revision] of message.matchAll(/\b[0-9a-f]{12}\b/g)) {
        if (!this.#told.has(revision)) this.#told.set(revision, now);
      }
    }
  }

  /** The order with what it may not take away yet. */
  kept(version: Version, ledger: Ledger): Version {
    const hold = this.#held.get(version.cluster);
    if (hold === undefined || version.from < hold.since) return version;
    const versions = ledger.versions(version.cluster);
    const pools = new Map(version.spec.workers.map((pool) => [pool.name, pool]));
    const images = new Map(version.images);
    for (const [name, replicas] of hold.from) {
      const before = versions.findLast((each) => poolOf(each, name) !== undefined);
      const pool = pools.get(name) ?? (before && poolOf(before, name));
      if (pool === undefined) continue;
      pools.set(name, { ...pool, replicas: Math.max(pool.replicas, replicas) });
      for (const [image, spec] of before?.images ?? []) {
        if (!images.has(image)) images.set(image, spec);
      }
    }
    const spec = { ...version.spec, workers: [...pools.values()] };
    return { ...version, spec, images, deleting: false };
  }

  #keptOf(cluster: string): Counts {
    return this.#kept.get(cluster) ?? nothing;
  }

  #hold(cluster: string, order: Counts, now: number): void {
    const before = this.#held.get(cluster);
    const { since = now } = before ?? {};
    const next = { from: this.#keptOf(cluster), to: order, since, changedAt: now };
    const isSame = before !== undefined && textOf(before) === textOf(next);
    this.#held.set(cluster, { ...next, ...(isSame && { changedAt: before.changedAt }) });
  }

  #release(cluster: string, order: Counts): void {
    this.#held.delete(cluster);
    this.#kept.set(cluster, smaller(this.#keptOf(cluster), order));
  }

  #note(cluster: string, at: number): void {
    this.#changes.push({ at, cluster, before: this.#keptOf(cluster) });
  }

  /** By a word for all that is held, or by one in its manifest; that was told of just this. */
  #isConfirmed(cluster: string, hold: Hold, order: Counts, source: SourceTruth): boolean {
    const { from, to, changedAt } = hold;
    if (takesFrom(smaller(from, to), order)) return false;
    const manifest = source.manifests.find(
      (each) => each.kind === 'BenchCluster' && keyOf(each) === cluster,
    );
    const written = manifest?.object.metadata.annotations?.[confirmAnnotation];
    return [...source.confirmations, ...(written === undefined ? [] : [written])].some(
      (revision) => (this.#told.get(revision) ?? Number.NEGATIVE_INFINITY) >= changedAt,
    );
  }

  /** By itself, or with what came just before it, from whatever moment that is counted. */
  #isTooMuch(fresh: ReadonlyMap<string, Counts>, nodes: number, now: number): boolean {
    const tooMuchSince = (start: number) => {
      const removals = [...this.#orders].flatMap(([cluster, order]) => {
        const kept = this.#keptOf(cluster);
        const first = this.#changes.find((each) => each.cluster === cluster && each.at > start);
        const after = fresh.has(cluster) ? order : larger(kept, order);
        return removalOf(first?.before ?? kept, after) ?? [];
      });
      return exceeds(removals, nodes);
    };
    const [longest, shortest] = [now - windowMs - lateMs, now - lateMs];
    const between = this.#changes.map(({ at }) => at).filter((at) => at < shortest);
    return tooMuchSince(now) || [longest, ...between, shortest].every(tooMuchSince);
  }
}

/** It is held, whatever else is ordered, and a machine of this node would stay with it. */
export function isKept({ from }: Hold, { pool, index }: { pool: string; index: number }): boolean {
  return index < (from.get(pool) ?? 0);
}

function countsOf(version: Version | undefined): Counts {
  if (version === undefined || version.deleting) return nothing;
  const { controlPlane, workers } = version.spec;
  return new Map([
    ['head', controlPlane.replicas],
    ...workers.map(({ name, replicas }): [string, number] => [name, replicas]),
  ]);
}

function sumOf(counts: Counts): number {
  return [...counts.values()].reduce((sum, replicas) => sum + replicas, 0);
}

function removalOf(from: Counts, to: Counts): Removal | undefined {
  const lost = [...from].map(([pool, replicas]) => Math.max(0, replicas - (to.get(pool) ?? 0)));
  const nodes = lost.reduce((sum, each) => sum + each, 0);
  return nodes === 0 ? undefined : { nodes, deletes: to.size === 0 };
}

/** Of both, pool by pool. */
function larger(a: Counts, b: Counts): Counts {
  const pools = new Set([...a.keys(), ...b.keys()]);
  return new Map([...pools].map((pool) => [pool, Math.max(a.get(pool) ?? 0, b.get(pool) ?? 0)]));
}

function smaller(a: Counts, b: Counts): Counts {
  const pools = [...a.keys()].filter((pool) => b.has(pool));
  return new Map(pools.map((pool) => [pool, Math.min(a.get(pool) ?? 0, b.get(pool) ?? 0)]));
}

function takesFrom(from: Counts | undefined, to: Counts): boolean {
  return removalOf(from ?? nothing, to) !== undefined;
}

/** All that is held back is asked for, and perhaps more. */
function isStillAsked({ from, to }: Hold, order: Counts): boolean {
  if (to.size === 0) return order.size === 0;
  return [...from].every(([pool, replicas]) => {
    const left = to.get(pool) ?? 0;
    return left >= replicas || (order.get(pool) ?? 0) <= left;
  });
}

/** The same for two that hold back the same. */
function textOf({ from, to }: Hold): string {
  const lost = [...from].filter(([pool, replicas]) => (to.get(pool) ?? 0) < replicas);
  return JSON.stringify([
    to.size === 0,
    lost.map(([pool, replicas]) => [pool, replicas, to.get(pool)]),
  ]);
}

/** Of all clusters that are not gone, each as large as it ever was. */
function largestSum(ledger: Ledger): number {
  const whole = ledger.clusters().filter((cluster) => !ledger.isOver(cluster));
  const largest = whole.map((key) =>
    Math.max(...ledger.versions(key).map((version) => sumOf(countsOf(version)))),
  );
  return largest.reduce((sum, each) => sum + each, 0);
}

function exceeds(removals: readonly Removal[], nodes: number): boolean {
  const removed = removals.reduce((sum, each) => sum + each.nodes, 0);
  const deleted = removals.filter(({ deletes }) => deletes).length;
  if (removed <= friendlyNodes) return false;
  if (removals.length === 1 && deleted === 1 && removed <= friendlyClusterNodes) return false;
  return (deleted > 1 && removed > partOfClusters * nodes) || removed > partOfNodes * nodes;
}
