/**
 * The state as commands see it while a controller may be writing it: never torn, perhaps a moment
 * old. All that it writes are requests, a file each: to delete a cluster, to confirm what is held.
 */
import { existsSync, type FSWatcher, watch } from 'node:fs';
import { join } from 'node:path';
import type { ClusterEvent, DeletionLedger } from '../controllers/ports.ts';
import { listState, writeWhole } from './state-files.ts';
import { confirmationFile, readLedger } from './state-ledger.ts';
import { findHolder, lockChangedAt } from './state-lock.ts';
import {
  deletionFile,
  readCluster,
  readClusters,
  readEvents,
  type StoredCluster,
} from './state-records.ts';

export type ControllerLife =
  | { running: true; pid: number }
  /** `lastSeen` (RFC 3339) is absent when none ever ran on this state. */
  | { running: false; lastSeen?: string };

export interface StateReader {
  clusters(): Promise<StoredCluster[]>;
  /** Oldest first. */
  events(): Promise<ClusterEvent[]>;
  controller(): Promise<ControllerLife>;
  /** Repeating it, and asking for a cluster without a record, is success. */
  requestDeletion(namespace: string, name: string): Promise<void>;
  /** What waits for a confirmation, and what else the breaker remembers. */
  deletionLedger(): Promise<DeletionLedger>;
  /** Confirms what has that revision; of something else, it counts for nothing. */
  confirm(revision: string): Promise<void>;
  /** Calls back after changes; returns the unsubscribe. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}

const absentRetryMs = 500;

/** How often a listener is called without a change that was told. */
const lookDefaultMs = 5_000;

/** Works, and is empty, when there is no state yet. */
export function openStateReader(state: string, lookMs = lookDefaultMs): StateReader {
  const ends = new Set<() => void>();
  return {
    clusters: async () => (await readClusters(state)).map(withRequest),
    events: () => readEvents(state),
    controller: () => controllerLife(state),
    async requestDeletion(namespace, name) {
      if ((await readCluster(state, namespace, name)) === undefined) return;
      await writeWhole(deletionFile(state, namespace, name), '');
    },
    deletionLedger: () => readLedger(state),
    confirm: (revision) => writeWhole(confirmationFile(state, revision), ''),
    onChange(listener) {
      let watcher: FSWatcher | undefined;
      let retry: NodeJS.Timeout | undefined;
      const begin = () => {
        watcher = watchTree(state, listener);
        // A controller that is started later makes the directory; nobody tells us of that.
        if (watcher === undefined) retry = setTimeout(again, absentRetryMs);
      };
      const again = () => {
        begin();
        if (watcher !== undefined) listener();
      };
      begin();
      // Where the kernel has no watches left, a watch fails without a word. A watch does not keep
      // the process either, and whoever waits for a change must live to see it.
      const looking = setInterval(listener, lookMs);
      const end = () => {
        clearInterval(looking);
        clearTimeout(retry);
        watcher?.close();
        ends.delete(end);
      };
      ends.add(end);
      return end;
    },
    async close() {
      for (const end of ends) end();
    },
  };
}

/** A deletion that was asked for shows at once, also while no controller runs. */
function withRequest({ record, ...stored }: StoredCluster): StoredCluster {
  const deletionTimestamp = record.deletionTimestamp ?? stored.requestedAt;
  return { ...stored, record: { ...record, ...(deletionTimestamp && { deletionTimestamp }) } };
}

/** Since when a controller runs, in ms since the epoch; undefined when none does. */
export async function controllerSince(state: string): Promise<number | undefined> {
  return (await findHolder(join(state, 'run')))?.since;
}

async function controllerLife(state: string): Promise<ControllerLife> {
  const run = join(state, 'run');
  const holder = await findHolder(run);
  if (holder !== undefined) return { running: true, pid: holder.pid };
  const [changed, clusters] = await Promise.all([lockChangedAt(run), readStatusTimes(state)]);
  const times = [...clusters, ...(changed ? [changed.toISOString()] : [])].sort();
  const lastSeen = times.at(-1);
  return { running: false, ...(lastSeen !== undefined && { lastSeen }) };
}

async function readStatusTimes(state: string): Promise<string[]> {
  if ((await listState(join(state, 'clusters'))).length === 0) return [];
  return (await readClusters(state)).flatMap(({ statusAt }) => statusAt ?? []);
}

/** Many events of one write are one call. */
function watchTree(state: string, listener: () => void): FSWatcher | undefined {
  let waiting = false;
  const notify = () => {
    if (waiting) return;
    waiting = true;
    setImmediate(() => {
      waiting = false;
      listener();
    });
  };
  // A recursive watch of what is not there does not fail: it is deaf for ever.
  if (!existsSync(state)) return undefined;
  try {
    const watcher = watch(state, { recursive: true, persistent: false }, notify);
    watcher.on('error', notify);
    return watcher;
  } catch {
    // Gone again, or no watches left in the kernel.
    return undefined;
  }
}
