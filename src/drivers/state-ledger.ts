/**
 * The file of what the breaker against mass deletion remembers. It is read strictly: a hold that
 * was lost with an unreadable file would be a deletion that nobody confirmed.
 */
import { join } from 'node:path';
import { z } from 'zod';
import type { DeletionLedger } from '../controllers/ports.ts';
import { StateError } from './state-error.ts';
import { readState } from './state-files.ts';
import { jsonOf } from './state-records.ts';

const StoredRemoval = z.strictObject({
  cluster: z.string(),
  deletes: z.boolean(),
  pools: z.array(z.strictObject({ name: z.string(), from: z.int().min(0), to: z.int().min(0) })),
});

const StoredLedger = z.strictObject({
  held: z.array(StoredRemoval.extend({ since: z.iso.datetime() })),
  nodes: z.int().min(0),
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

/** See `revisionOf`. */
export function isRevision(text: string): boolean {
  return /^[0-9a-f]{12}$/.test(text);
}

export function ledgerFile(state: string): string {
  return join(state, 'deletion-ledger.json');
}

/** A confirmation is a file of its own, so that it needs no lock. */
export function confirmationFile(state: string, revision: string): string {
  if (!isRevision(revision)) throw new RangeError('not a revision of what is held');
  return join(state, 'confirmations', revision);
}

/** Empty when there is none yet. Throws `corrupt`. */
export async function readLedger(state: string): Promise<DeletionLedger> {
  const file = ledgerFile(state);
  const found = await readState(file);
  if (found === undefined) return { held: [], nodes: 0, confirmed: [], changes: [] };
  const parsed = StoredLedger.safeParse(jsonOf(found.content));
  if (parsed.success) return parsed.data;
  throw new StateError('corrupt', {
    file,
    reason: 'does not hold what the breaker remembers',
    hint: 'look at what the directory of manifests would delete (benchctl plan), then move it away',
  });
}
