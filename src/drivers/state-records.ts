/**
 * What the files of the state hold, and how they are read back: strictly for what the controller
 * must trust (records), and forgivingly for what it derives anew (statuses, events).
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { ClusterEvent, ClusterRecord } from '../controllers/ports.ts';
import { BenchCluster } from '../crd/bench-cluster.ts';
import { BenchHost } from '../crd/bench-host.ts';
import { BenchImage } from '../crd/bench-image.ts';
import { namePattern } from '../crd/field.ts';
import { ClusterStatus } from '../crd/status.ts';
import { oneLine } from '../lib/printable.ts';
import { StateError } from './state-error.ts';
import { listState, readState } from './state-files.ts';

export interface StoredCluster {
  record: ClusterRecord;
  /** RFC 3339. */
  createdAt: string;
  statusAt?: string;
  /** Since when somebody asks for its deletion, whether or not the controller has taken it in. */
  requestedAt?: string;
}

// A field that nobody knows is a damaged one: its value must not be forgotten.
const StoredRecord = z.strictObject({
  createdAt: z.iso.datetime(),
  cluster: BenchCluster,
  images: z.array(BenchImage),
  host: BenchHost,
  generation: z.int().min(1),
  formerArtifacts: z.array(z.string()).exactOptional(),
  deletionTimestamp: z.iso.datetime().exactOptional(),
});

const StoredEvent = z.object({
  time: z.string(),
  cluster: z.string(),
  node: z.string().optional(),
  type: z.enum(['Normal', 'Warning']),
  reason: z.string(),
  message: z.string(),
});

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

/** Only what can be read again is written: throws when it does not have the form of a record. */
export function recordText(record: ClusterRecord, createdAt: string): string {
  const { status: _status, ...kept } = record;
  const stored = StoredRecord.parse({ createdAt, ...kept });
  return `${JSON.stringify(stored, null, 2)}\n`;
}

export async function readClusters(state: string): Promise<StoredCluster[]> {
  const clusters = join(state, 'clusters');
  const stored: StoredCluster[] = [];
  for (const namespace of await listState(clusters)) {
    for (const name of await listState(join(clusters, namespace))) {
      const directory = join(clusters, namespace, name);
      if (!namePattern.test(namespace) || !namePattern.test(name)) {
        throw corrupt(directory, 'is not the name of a cluster');
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
    throw corrupt(file, `is the record of ${inside}/${own}`);
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

/** Oldest first. A line that a crash cut short is left out. */
export async function readEvents(state: string): Promise<ClusterEvent[]> {
  const found = await readState(eventsFile(state));
  if (found === undefined) return [];
  return found.content
    .toString('utf8')
    .split('\n')
    .flatMap((line) => {
      const parsed = StoredEvent.safeParse(jsonOf(line));
      if (!parsed.success) return [];
      const { node, ...event } = parsed.data;
      return [{ ...event, ...(node !== undefined && { node }) }];
    });
}

/** Throws `corrupt`. */
export function parseRecord(file: string, content: string | Buffer): z.infer<typeof StoredRecord> {
  const json = jsonOf(content);
  if (json === undefined) throw corrupt(file, 'is not JSON');
  const parsed = StoredRecord.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  // It may quote what is in the file.
  const reason = oneLine(`has a wrong ${issue?.path.join('.')}: ${issue?.message}`);
  throw corrupt(file, reason.slice(0, 300));
}

function corrupt(file: string, reason: string): StateError {
  const hint = 'move it away: the cluster is then taken from its manifest again';
  return new StateError('corrupt', { file, reason, hint });
}

/** Damaged bytes are refused; they would be read as other characters. */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

export function jsonOf(content: string | Buffer): unknown {
  try {
    return JSON.parse(typeof content === 'string' ? content : utf8.decode(content));
  } catch {
    // Undefined is what no JSON text stands for; callers say what it means.
    return undefined;
  }
}
