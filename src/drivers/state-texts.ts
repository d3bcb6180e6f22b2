/**
 * The texts that files of the state hold, and what they mean: strictly for what the controller must
 * trust. Only what can be read again is written. Pure.
 */
import { z } from 'zod';
import type { ClusterEvent, ClusterRecord, DeletionLedger } from '../controllers/ports.ts';
import { BenchCluster } from '../crd/bench-cluster.ts';
import { BenchHost } from '../crd/bench-host.ts';
import { BenchImage } from '../crd/bench-image.ts';
import { oneLine } from '../lib/printable.ts';
import { StateError } from './state-error.ts';

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

const StoredRemoval = z.strictObject({
  cluster: z.string(),
  deletes: z.boolean(),
  pools: z.array(z.strictObject({ name: z.string(), from: z.int().min(0), to: z.int().min(0) })),
});

const StoredLedger = z.strictObject({
  held: z.array(StoredRemoval.extend({ since: z.iso.datetime() })),
  nodes: z.int().min(0),
  goneBefore: z.int().min(1).exactOptional(),
  confirmed: z.array(StoredRemoval),
  doubtedSince: z.iso.datetime().exactOptional(),
  changes: z.array(
    z.strictObject({
      at: z.iso.datetime(),
      cluster: z.string(),
      pools: z.array(z.strictObject({ name: z.string(), replicas: z.int().min(0) })),
    }),
  ),
});

const StoredEvent = z.object({
  time: z.string(),
  cluster: z.string(),
  node: z.string().optional(),
  type: z.enum(['Normal', 'Warning']),
  reason: z.string(),
  message: z.string(),
});

/** Throws when it does not have the form of a record. */
export function recordText(record: ClusterRecord, createdAt: string): string {
  const { status: _status, ...kept } = record;
  const stored = StoredRecord.parse({ createdAt, ...kept });
  return `${JSON.stringify(stored, null, 2)}\n`;
}

/** Throws `corrupt`. */
export function parseRecord(file: string, content: string | Buffer): z.infer<typeof StoredRecord> {
  const json = jsonOf(content);
  if (json === undefined) throw corruptRecord(file, 'is not JSON');
  const parsed = StoredRecord.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  // It may quote what is in the file.
  const reason = oneLine(`has a wrong ${issue?.path.join('.')}: ${issue?.message}`);
  throw corruptRecord(file, reason.slice(0, 300));
}

/** Throws when it does not have the form of a ledger. */
export function ledgerText(ledger: DeletionLedger): string {
  return `${JSON.stringify(StoredLedger.parse(ledger), null, 2)}\n`;
}

/** Throws `corrupt`. */
export function parseLedger(file: string, content: string | Buffer): DeletionLedger {
  const parsed = StoredLedger.safeParse(jsonOf(content));
  if (parsed.success) return parsed.data;
  throw new StateError('corrupt', {
    file,
    reason: 'does not hold what the breaker remembers',
    hint:
      'end the controller, move the file away, and see what the directory of manifests would ' +
      'delete (benchctl plan) before you start it again',
  });
}

/** Oldest first. A line that a crash cut short is left out. */
export function parseEvents(text: string): ClusterEvent[] {
  return text.split('\n').flatMap((line) => {
    const parsed = StoredEvent.safeParse(jsonOf(line));
    if (!parsed.success) return [];
    const { node, ...event } = parsed.data;
    return [{ ...event, ...(node !== undefined && { node }) }];
  });
}

export function corruptRecord(file: string, reason: string): StateError {
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
