/**
 * The state store in memory. It keeps what the files of a real one would give back, so that nobody's
 * later change to an object leaks in, and nothing that the next process could not read is taken.
 * It outlives the controllers that a test starts and kills.
 */

import { clusterKey } from '../controllers/bench-cluster/catalog.ts';
import type {
  ClusterEvent,
  ClusterRecord,
  DeletionLedger,
  StateStore,
} from '../controllers/ports.ts';
import { ClusterStatus } from '../crd/status.ts';
import { memoryText, parseMemory, type RememberedFile } from '../drivers/manifest-memory.ts';
import { ledgerText, parseLedger, parseRecord, recordText } from '../drivers/state-texts.ts';
import { copyOf } from './copy.ts';

const maxEvents = 1000;

export class MemoryState implements StateStore {
  readonly #installation: string;
  readonly #records = new Map<string, ClusterRecord>();
  readonly #secrets = new Map<string, Uint8Array>();
  readonly #requests = new Map<string, { namespace: string; name: string }>();
  readonly #confirmations = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #ledger: DeletionLedger = { held: [], nodes: 0, confirmed: [], changes: [] };
  #events: ClusterEvent[] = [];
  #manifests = memoryText([]);
  #failures = 0;
  /** Status writes so far. */
  statusWrites = 0;

  constructor(installation: string) {
    this.#installation = installation;
  }

  /** The next so many writes fail, as on a full disk. */
  failNext(writes = 1): void {
    this.#failures = writes;
  }

  async installation(): Promise<string> {
    return this.#installation;
  }

  async clusters(): Promise<ClusterRecord[]> {
    return copyOf([...this.#records.values()]);
  }

  async putCluster(record: ClusterRecord): Promise<void> {
    this.#write();
    const key = clusterKey(record.cluster.metadata);
    const createdAt = new Date(0).toISOString();
    const { createdAt: _, ...stored } = parseRecord(key, recordText(record, createdAt));
    const { status } = this.#records.get(key) ?? {};
    this.#records.set(key, { ...stored, ...(status && { status }) });
  }

  async removeCluster(namespace: string, name: string): Promise<void> {
    this.#write();
    this.#records.delete(`${namespace}/${name}`);
    this.#requests.delete(`${namespace}/${name}`);
  }

  async deletionRequests(): Promise<{ namespace: string; name: string }[]> {
    return [...this.#requests.values()];
  }

  async forgetDeletionRequest(namespace: string, name: string): Promise<void> {
    this.#write();
    this.#requests.delete(`${namespace}/${name}`);
  }

  onDeletionRequest(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** What `benchctl delete` does, whatever the source holds. */
  requestDeletion(namespace: string, name: string): void {
    this.#requests.set(`${namespace}/${name}`, { namespace, name });
    for (const listener of this.#listeners) listener();
  }

  async deletionLedger(): Promise<DeletionLedger> {
    return copyOf(this.#ledger);
  }

  async putDeletionLedger(ledger: DeletionLedger): Promise<void> {
    this.#write();
    this.#ledger = parseLedger('the ledger', ledgerText(ledger));
  }

  async confirmations(): Promise<string[]> {
    return this.confirmed();
  }

  async forgetConfirmation(revision: string): Promise<void> {
    this.#write();
    this.#confirmations.delete(revision);
  }

  onConfirmation(listener: () => void): () => void {
    return this.onDeletionRequest(listener);
  }

  /** What `benchctl confirm` does. */
  confirm(revision: string): void {
    this.#confirmations.add(revision);
    for (const listener of this.#listeners) listener();
  }

  /** What the reader of manifest files remembers. */
  async remembered(): Promise<RememberedFile[]> {
    return parseMemory(this.#manifests);
  }

  async remember(files: readonly RememberedFile[]): Promise<void> {
    this.#write();
    this.#manifests = memoryText(files);
  }

  async putStatus(namespace: string, name: string, status: ClusterStatus): Promise<void> {
    this.#write();
    this.statusWrites += 1;
    const record = this.#records.get(`${namespace}/${name}`);
    if (record !== undefined) record.status = ClusterStatus.parse(copyOf(status));
  }

  async appendEvent(event: ClusterEvent): Promise<void> {
    this.#write();
    this.#events.push(event);
    if (this.#events.length > 2 * maxEvents) this.#events = this.#events.slice(-maxEvents);
  }

  async events(): Promise<ClusterEvent[]> {
    return this.#events.slice(-maxEvents);
  }

  async secret(name: string, create: () => Promise<Uint8Array>): Promise<Uint8Array> {
    const known = this.#secrets.get(name);
    if (known !== undefined) return known;
    this.#write();
    const made = await create();
    // Of two that ask at once, both get the one that was first, as with a file made exclusively.
    const first = this.#secrets.get(name) ?? made;
    this.#secrets.set(name, first);
    return first;
  }

  /** The record as it would be read after a restart. */
  record(key: string): ClusterRecord | undefined {
    return copyOf(this.#records.get(key));
  }

  /** Not a copy, because tests look often; never written to. */
  status(key: string): Readonly<ClusterStatus> | undefined {
    return this.#records.get(key)?.status;
  }

  /** Names of the clusters on record. */
  names(): string[] {
    return [...this.#records.values()].map(({ cluster }) => cluster.metadata.name);
  }

  /** Clusters that a person asked to delete, as `namespace/name`. */
  requested(): string[] {
    return [...this.#requests.keys()];
  }

  /** Revisions that a person confirmed. */
  confirmed(): string[] {
    return [...this.#confirmations];
  }

  has(key: string): boolean {
    return this.#records.has(key);
  }

  #write(): void {
    if (this.#failures === 0) return;
    this.#failures -= 1;
    throw new Error('no space left on device');
  }
}
