/**
 * The state of an installation as files: what must survive the process and cannot be observed.
 *
 *   installation               its UUID
 *   clusters/<ns>/<name>/      record.json (last good spec), status.json
 *   deletions/<ns>.<name>      somebody asked for the deletion
 *   deletion-ledger.json       what the breaker against mass deletion remembers
 *   confirmations/<revision>   somebody confirmed what it holds
 *   secrets/<name>             mode 0600
 *   events.jsonl               the newest events
 *   manifests.json             what files held when they were last good; see state-manifests.ts
 *   run/                       the lock
 */
import { randomUUID } from 'node:crypto';
import { type FSWatcher, watch } from 'node:fs';
import { mkdir, realpath, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type {
  ClusterEvent,
  ClusterRecord,
  DeletionLedger,
  StateStore,
} from '../controllers/ports.ts';
import type { ClusterStatus } from '../crd/status.ts';
import type { Clock } from '../lib/clock.ts';
import { codeOf } from '../lib/error.ts';
import { EventLog } from './event-log.ts';
import { StateError } from './state-error.ts';
import {
  checkPrivate,
  listState,
  readState,
  safeDirectory,
  sweep,
  writeOnce,
  writeWhole,
} from './state-files.ts';
import { confirmationFile, isRevision, ledgerFile, readLedger } from './state-ledger.ts';
import { takeLock } from './state-lock.ts';
import { clusterDirectory, deletionFile, readCluster, readClusters } from './state-records.ts';
import { ledgerText, recordText } from './state-texts.ts';

export interface StateDirectoryOptions {
  clock: Clock;
  /** True for the controller: at most one at a time, and it alone may write records. */
  exclusive: boolean;
}

/** How often requests are looked for that no watch has told of. */
const lookMs = 10_000;
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const secretName = /^[a-z0-9][a-z0-9_.-]{0,127}(\/[a-z0-9][a-z0-9_.-]{0,127}){0,4}$/;

/** Makes it where it is missing. Throws StateError, `locked` when another controller holds it. */
export async function openStateDirectory(
  directory: string,
  options: StateDirectoryOptions,
): Promise<StateDirectory> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: unknown) => {
    const reason = `cannot be made (${codeOf(cause)})`;
    throw new StateError('unwritable', { file: directory, reason, cause });
  });
  // The directory itself may be a link to another disk; nothing in it may be one.
  const state = await realpath(directory);
  await safeDirectory(state);
  for (const name of ['secrets', 'clusters', 'deletions', 'confirmations']) {
    await safeDirectory(join(state, name), name === 'secrets');
  }
  if (!options.exclusive) return new StateDirectory(state, options, async () => {});
  // Of a controller only: its place tells others that one was here, and when.
  await safeDirectory(join(state, 'run'));
  const release = await takeLock(join(state, 'run'));
  try {
    await sweep(state);
    await checkPrivate(join(state, 'secrets'));
  } catch (thrown) {
    await release();
    throw thrown;
  }
  return new StateDirectory(state, options, release);
}

export class StateDirectory implements StateStore {
  readonly #state: string;
  readonly #options: StateDirectoryOptions;
  readonly #release: () => Promise<void>;
  readonly #events: EventLog;
  readonly #queues = new Map<string, Promise<unknown>>();
  readonly #createdAt = new Map<string, string>();
  readonly #watches = new Set<() => void>();

  constructor(state: string, options: StateDirectoryOptions, release: () => Promise<void>) {
    this.#state = state;
    this.#options = options;
    this.#release = release;
    this.#events = new EventLog(state);
  }

  async installation(): Promise<string> {
    const file = join(this.#state, 'installation');
    const known = await readState(file);
    if (known === undefined) {
      await writeOnce(file, Buffer.from(`${randomUUID()}\n`));
      return await this.installation();
    }
    const text = known.content.toString('utf8').trim();
    if (uuid.test(text)) return text;
    const hint = 'put the UUID of this installation there: all VMs are marked with it';
    throw new StateError('corrupt', { file, reason: 'does not hold a UUID', hint });
  }

  async clusters(): Promise<ClusterRecord[]> {
    return (await readClusters(this.#state)).map(({ record }) => record);
  }

  async putCluster(record: ClusterRecord): Promise<void> {
    const { namespace, name } = record.cluster.metadata;
    const directory = clusterDirectory(this.#state, namespace, name);
    await this.#inOrder(directory, async () => {
      const createdAt = await this.#createdAtOf(namespace, name);
      await writeWhole(join(directory, 'record.json'), recordText(record, createdAt));
    });
  }

  /** With its status, and the secrets named `<namespace>/<name>/…`. */
  async removeCluster(namespace: string, name: string): Promise<void> {
    const directory = clusterDirectory(this.#state, namespace, name);
    await this.#inOrder(directory, async () => {
      // The record last: after a crash before that the cluster is removed again.
      const secrets = join(this.#state, 'secrets', namespace, name);
      await rm(secrets, { recursive: true, force: true });
      await rm(deletionFile(this.#state, namespace, name), { force: true });
      await rm(directory, { recursive: true, force: true });
      this.#createdAt.delete(directory);
    });
  }

  async putStatus(namespace: string, name: string, status: ClusterStatus): Promise<void> {
    const directory = clusterDirectory(this.#state, namespace, name);
    const text = `${JSON.stringify(status, null, 2)}\n`;
    await this.#inOrder(directory, () => writeWhole(join(directory, 'status.json'), text));
  }

  appendEvent(event: ClusterEvent): Promise<void> {
    return this.#events.append(event);
  }

  events(): Promise<ClusterEvent[]> {
    return this.#events.events();
  }

  async secret(name: string, create: () => Promise<Uint8Array>): Promise<Uint8Array> {
    if (!secretName.test(name)) throw new RangeError('not a name of a secret');
    const file = join(this.#state, 'secrets', name);
    return await this.#inOrder(file, async () => {
      const known = await readState(file, { secret: true });
      if (known) return known.content;
      const made = await create();
      // Another process may have been first; then its secret is the one.
      if (await writeOnce(file, made)) return made;
      return (await readState(file, { secret: true }))?.content ?? made;
    });
  }

  /** Clusters whose deletion somebody asked for, whether or not a record says so already. */
  async deletionRequests(): Promise<{ namespace: string; name: string }[]> {
    const names = await listState(join(this.#state, 'deletions'));
    return names.map((text) => {
      const [namespace = '', name = ''] = text.split('.');
      return { namespace, name };
    });
  }

  /** For a cluster whose manifest is there again. */
  async forgetDeletionRequest(namespace: string, name: string): Promise<void> {
    await rm(deletionFile(this.#state, namespace, name), { force: true });
  }

  /** Calls back when somebody may have asked for a deletion; returns the unsubscribe. */
  onDeletionRequest(listener: () => void): () => void {
    return this.#watch('deletions', listener);
  }

  deletionLedger(): Promise<DeletionLedger> {
    return readLedger(this.#state);
  }

  async putDeletionLedger(ledger: DeletionLedger): Promise<void> {
    const file = ledgerFile(this.#state);
    await this.#inOrder(file, () => writeWhole(file, ledgerText(ledger)));
  }

  async confirmations(): Promise<string[]> {
    return (await listState(join(this.#state, 'confirmations'))).filter(isRevision);
  }

  async forgetConfirmation(revision: string): Promise<void> {
    await rm(confirmationFile(this.#state, revision), { force: true });
  }

  /** Calls back when somebody may have confirmed something; returns the unsubscribe. */
  onConfirmation(listener: () => void): () => void {
    return this.#watch('confirmations', listener);
  }

  /** Lets writes under way end, and gives the lock back. */
  async close(): Promise<void> {
    for (const end of this.#watches) end();
    await Promise.allSettled([...this.#queues.values(), this.#events.idle()]);
    await this.#release();
  }

  async #createdAtOf(namespace: string, name: string): Promise<string> {
    const directory = clusterDirectory(this.#state, namespace, name);
    const known =
      this.#createdAt.get(directory) ??
      (await readCluster(this.#state, namespace, name))?.createdAt ??
      new Date(this.#options.clock.now()).toISOString();
    this.#createdAt.set(directory, known);
    return known;
  }

  /**
   * The kernel may have no watches left, or the directory be taken away and made anew: so what it
   * holds is also told from time to time.
   */
  #watch(name: string, listener: () => void): () => void {
    const directory = join(this.#state, name);
    const watcher = watchIfPossible(directory, listener);
    let ended = false;
    let cancel = () => {};
    const tellWhatIsThere = async () => {
      const names = await listState(directory).catch(() => []);
      if (ended) return;
      if (names.length > 0) listener();
      cancel = this.#options.clock.after(lookMs, tellWhatIsThere);
    };
    cancel = this.#options.clock.after(lookMs, tellWhatIsThere);
    const end = () => {
      ended = true;
      cancel();
      watcher?.close();
      this.#watches.delete(end);
    };
    this.#watches.add(end);
    return end;
  }

  /** Writes of one file never overtake each other. */
  #inOrder<T>(key: string, work: () => Promise<T>): Promise<T> {
    const result = (this.#queues.get(key) ?? Promise.resolve()).then(work, work);
    const settled = result
      .catch(() => {})
      .then(() => {
        if (this.#queues.get(key) === settled) this.#queues.delete(key);
      });
    this.#queues.set(key, settled);
    return result;
  }
}

function watchIfPossible(directory: string, listener: () => void): FSWatcher | undefined {
  try {
    return watch(directory, { persistent: false }, listener).on('error', () => {});
  } catch {
    return undefined;
  }
}
