/**
 * Since when machines of a cluster are off, or in no listing, as this process has seen it. One
 * listing may be of before a machine was started or made; two that both begin after that are not.
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
  /** Unless it runs; by one listing only, that one and when it came. */
  off?: 'surely' | { listing: object; at: number };
}

/** Longer than a listing is given out again for: the same one later is another look at the host. */
const sharedMs = 500;

export class Sightings {
  readonly #clock: Clock;
  /** By name. */
  readonly #nodes: Map<string, Sighting>;

  /** A new process knows what the status says that the one before has left: which nodes, and which were off. */
  constructor(clock: Clock, before?: Pick<ClusterStatus, 'nodes'>) {
    this.#clock = clock;
    this.#nodes = new Map(
      before?.nodes.map(({ name, pool, role, phase }) => [
        name,
        { name, pool, role, isListed: false, ...(phase === 'Deleting' && { off: 'surely' }) },
      ]),
    );
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
    const now = this.#clock.now();
    // It is kept by all that is made of a listing, so it tells whether two are the same one.
    const listing = inventory.pool;
    for (const node of this.#nodes.values()) {
      const domain = owned.get(node.name);
      node.isListed = domain !== undefined;
      if (mayRun(domain)) delete node.off;
      else if (domain && ended.has(domain.uuid)) node.off = 'surely';
      else if (node.off === undefined) node.off = { listing, at: now };
      else if (isAnother(node.off, listing, now)) node.off = 'surely';
      if (node.off === 'surely' && !node.isListed) this.#nodes.delete(node.name);
    }
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

function isAnother(off: NonNullable<Sighting['off']>, listing: object, now: number): boolean {
  return off === 'surely' || off.listing !== listing || now - off.at >= sharedMs;
}

const nothing: SightingsView = { unsure: new Set(), vanished: [] };
