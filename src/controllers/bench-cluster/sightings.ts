/**
 * Since when machines of a cluster are off, or in no listing, as this process has seen it, and
 * whether anything is left of it. One listing may be of before a machine was started or made; two
 * that both begin after that are not.
 */
import type { ClusterStatus } from '../../crd/status.ts';
import type { Clock } from '../../lib/clock.ts';
import type { HostInventory } from '../ports.ts';
import type { DesiredCluster } from './desired.ts';
import type { Run } from './ended-runs.ts';
import { indexOf } from './inventory-index.ts';
import { mayRun } from './scope.ts';

/** Of how a cluster was seen before it was seen last. */
export interface SightingsView {
  /** Off or missing, by one listing only. */
  unsure: ReadonlySet<string>;
  /** Those of them that the last listing has not at all. */
  vanished: readonly Node[];
}

interface Node {
  name: string;
  pool: string;
  role: 'controlPlane' | 'worker';
}

interface Sighting extends Node {
  isListed: boolean;
  /** Unless it runs; by one listing only, that one. */
  off?: 'surely' | Look;
}

interface Look {
  /** Kept by all that is made of a listing, so it tells whether two are the same one. */
  listing: object;
  /** When it came, in ms since the epoch. */
  at: number;
}

/** Longer than a listing is given out again for: the same one later is another look at the host. */
export const sharedMs = 500;

export class Sightings {
  readonly #clock: Clock;
  /** By name. */
  readonly #nodes: Map<string, Sighting>;
  /** The first of those at the end that have found nothing of the cluster. */
  #nothing: Look | undefined;

  /** A new process knows what the status says that the one before has left: which nodes, and which were off. */
  constructor(clock: Clock, before?: Pick<ClusterStatus, 'nodes'>) {
    this.#clock = clock;
    this.#nodes = new Map(
      before?.nodes.map(({ name, pool, role, phase }) => [
        name,
        { name, pool, role, isListed: false, ...(phase === 'Deleting' && { off: 'surely' }) },
      ]),
    );
    // It had seen the last of them go, or there never was one.
    if (before?.nodes.length === 0) this.#nothing = { listing: before, at: 0 };
  }

  /** At the moment when the listing comes. A run that we have ended ourselves is surely off. */
  listed(
    cluster: DesiredCluster,
    inventory: HostInventory,
    ended: ReadonlyMap<string, Run> = new Map(),
  ): void {
    const owned = new Map(
      indexOf(inventory)
        .owned(cluster)
        .map((domain) => [domain.name, domain]),
    );
    for (const { name, owner } of owned.values()) {
      if (this.#nodes.has(name)) continue;
      const pool = owner?.node?.pool ?? '';
      const role = cluster.pools.find((each) => each.name === pool)?.role ?? 'worker';
      this.#nodes.set(name, { name, pool, role, isListed: true });
    }
    const look = this.#look(inventory);
    for (const node of this.#nodes.values()) {
      const domain = owned.get(node.name);
      node.isListed = domain !== undefined;
      if (mayRun(domain)) delete node.off;
      else if (domain && ended.has(domain.uuid)) node.off = 'surely';
      else if (node.off === undefined) node.off = look;
      else if (node.off !== 'surely' && isAnother(look, node.off)) node.off = 'surely';
      if (node.off === 'surely' && !node.isListed) this.#nodes.delete(node.name);
    }
  }

  /** Whether nothing of the cluster is left for sure, of a listing that has nothing of it, if any. */
  isGone(nothing: HostInventory | undefined): boolean {
    const look = nothing && this.#look(nothing);
    const before = this.#nothing;
    this.#nothing = look && (before ?? look);
    return look !== undefined && before !== undefined && isAnother(look, before);
  }

  #look({ pool }: HostInventory): Look {
    return { listing: pool, at: this.#clock.now() };
  }

  view(): SightingsView {
    const unsure = [...this.#nodes.values()].filter(({ off }) => off && off !== 'surely');
    if (unsure.length === 0) return nothing;
    return {
      unsure: new Set(unsure.map(({ name }) => name)),
      vanished: unsure
        .filter(({ isListed }) => !isListed)
        .map(({ name, pool, role }) => ({ name, pool, role })),
    };
  }
}

function isAnother(look: Look, before: Look): boolean {
  return look.listing !== before.listing || look.at - before.at >= sharedMs;
}

const nothing: SightingsView = { unsure: new Set(), vanished: [] };
