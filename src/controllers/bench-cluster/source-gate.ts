/**
 * Between the source and the records: reads the source, what people asked for and confirmed, and
 * gives what of it may be done. What the breaker has to remember is stored before that, so that a
 * crash in between holds too much rather than too little.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { ClusterRecord, DeletionLedger, SourceSnapshot, StateStore } from '../ports.ts';
import { breaker } from './breaker.ts';
import { type CatalogEntry, catalog, clusterKey, writtenClusters } from './catalog.ts';

/**
 * How long the source may take to see that a manifest is gone, once somebody asked for the deletion
 * of its cluster; a source looks again every ten seconds also when nothing tells it to.
 */
const requestGraceMs = 15_000;

interface GatePorts {
  state: StateStore;
  clock: Clock;
  log: Log;
}

export class SourceGate {
  readonly #ports: GatePorts;
  /** Asks for another reading at that time. */
  readonly #readAt: (time: number) => void;
  #ledger: DeletionLedger | undefined;
  /** Requests for clusters whose manifest is there, and since when. */
  readonly #contradicted = new Map<string, number>();

  constructor(ports: GatePorts, readAt: (time: number) => void) {
    this.#ports = ports;
    this.#readAt = readAt;
  }

  async read(snapshot: SourceSnapshot, records: readonly ClusterRecord[]): Promise<CatalogEntry[]> {
    const { state, clock } = this.#ports;
    const before = this.#ledger ?? (await state.deletionLedger());
    const requested = await this.#deletionRequests(snapshot);
    const asked = await state.confirmations();
    const now = clock.now();
    const entries = catalog(snapshot, records, now, requested);
    const reading = { entries, records, requested, confirmations: new Set(asked), now };
    const verdict = breaker(reading, before);
    if (verdict.ledger !== before) await state.putDeletionLedger(verdict.ledger);
    this.#ledger = verdict.ledger;
    // What was confirmed is in the ledger now; what was not held any more counts for nothing.
    for (const revision of asked) await state.forgetConfirmation(revision);
    this.#tell(before, verdict.ledger, asked);
    return verdict.entries;
  }

  /**
   * A manifest that is there again takes a request back; not at once, because the source may not
   * have seen yet that it is gone.
   */
  async #deletionRequests(snapshot: SourceSnapshot): Promise<Set<string>> {
    const { state, clock } = this.#ports;
    const written = writtenClusters(snapshot);
    const requests = new Set<string>();
    const now = clock.now();
    for (const request of await state.deletionRequests()) {
      const key = clusterKey(request);
      if (!written.has(key)) {
        requests.add(key);
        this.#contradicted.delete(key);
        continue;
      }
      const since = this.#contradicted.get(key) ?? now;
      this.#contradicted.set(key, since);
      if (now < since + requestGraceMs) this.#readAt(since + requestGraceMs);
      else {
        await state.forgetDeletionRequest(request.namespace, request.name);
        this.#contradicted.delete(key);
      }
    }
    return requests;
  }

  #tell(before: DeletionLedger, { held, nodes, confirmed }: DeletionLedger, asked: string[]): void {
    const { log } = this.#ports;
    if (asked.length > 0) log.info({ asked, confirmed }, 'what was held is confirmed');
    const known = new Set(before.held.map(({ cluster }) => cluster));
    const clusters = held.map(({ cluster }) => cluster);
    if (clusters.some((cluster) => !known.has(cluster))) {
      log.warn({ clusters, nodes }, 'the source takes away too much at once: it is held');
    }
  }
}
