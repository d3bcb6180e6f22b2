/**
 * The files of clusters in the state, and how they are read back: strictly for what the controller
 * must trust (records), and forgivingly for what it derives anew (statuses, events).
 */
import { join } from 'node:path';
import type { ClusterEvent, ClusterRecord } from '../controllers/ports.ts';
import { namePattern } from '../crd/field.ts';
import { ClusterStatus } from '../crd/status.ts';
import { listState, readState } from './state-files.ts';
import { corruptRecord, jsonOf, parseEvents, parseRecord } from './state-texts.ts';

export interface StoredCluster {
  record: ClusterRecord;
  /** RFC 3339. */
  createdAt: string;
  statusAt?: string;
  /** Since when somebody asks for its deletion, whether or not the controller has taken it in. */
  requestedAt?: string;
}

export function clusterDirectory(state: string, namespace: string, name: string): string {
  for (const part of [namespace, name]) {
    if (!namePattern.test(part)) throw new RangeError(`not a name: ${JSON.stringify(part)}`);
  }
  return join(state, 'clusters', namespace, name);
}

/** A request to delete a cluster is a file of its own, so that it needs no lock. */
export function deletionFile(state: string, namespace: string, name: string): string {
  clusterDirectory(state, namespace, name);
  return join(state, 'deletions', `${namespace}.${name}`);
}

export function eventsFile(state: string): string {
  return join(state, 'events.jsonl');
}

export async function readClusters(state: string): Promise<StoredCluster[]> {
  const clusters = join(state, 'clusters');
  const stored: StoredCluster[] = [];
  for (const namespace of await listState(clusters)) {
    for (const name of await listState(join(clusters, namespace))) {
      const directory = join(clusters, namespace, name);
      if (!namePattern.test(namespace) || !namePattern.test(name)) {
        throw corruptRecord(directory, 'is not the name of a cluster');
      }
      const cluster = await readCluster(state, namespace, name);
      if (cluster) stored.push(cluster);
    }
  }
  return stored;
}

/** Undefined where there is no record. Throws `corrupt`: what must be trusted is never guessed. */
export async function readCluster(
  state: string,
  namespace: string,
  name: string,
): Promise<StoredCluster | undefined> {
  const directory = clusterDirectory(state, namespace, name);
  const file = join(directory, 'record.json');
  const found = await readState(file);
  if (found === undefined) return undefined;
  const parsed = parseRecord(file, found.content);
  const { namespace: inside, name: own } = parsed.cluster.metadata;
  if (inside !== namespace || own !== name) {
    throw corruptRecord(file, `is the record of ${inside}/${own}`);
  }
  const status = await readStatus(state, namespace, name);
  const request = await readState(deletionFile(state, namespace, name));
  const { createdAt, ...record } = parsed;
  return {
    record: { ...record, ...(status && { status: status.status }) },
    createdAt,
    ...(status && { statusAt: status.at }),
    ...(request && { requestedAt: request.modifiedAt.toISOString() }),
  };
}

/** A status that cannot be read is absent: the next round writes it anew. */
export async function readStatus(
  state: string,
  namespace: string,
  name: string,
): Promise<{ status: ClusterStatus; at: string } | undefined> {
  const file = join(clusterDirectory(state, namespace, name), 'status.json');
  const found = await readState(file);
  const parsed = ClusterStatus.safeParse(found && jsonOf(found.content));
  if (found === undefined || !parsed.success) return undefined;
  return { status: parsed.data, at: found.modifiedAt.toISOString() };
}

/** Oldest first. */
export async function readEvents(state: string): Promise<ClusterEvent[]> {
  const found = await readState(eventsFile(state));
  return parseEvents(found?.content.toString('utf8') ?? '');
}
