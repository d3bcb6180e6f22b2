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

/** Only what can be read again is written: throws when it does not have the form of a ledger. */
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

/** Empty when there is none yet. Throws `corrupt`. */
export async function readLedger(state: string): Promise<DeletionLedger> {
  const file = ledgerFile(state);
  const found = await readState(file);
  if (found === undefined) return { held: [], nodes: 0, confirmed: [], changes: [] };
  return parseLedger(file, found.content);
}
