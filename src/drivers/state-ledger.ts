/**
 * The file of what the breaker against mass deletion remembers. It is read strictly: a hold that
 * was lost with an unreadable file would be a deletion that nobody confirmed.
 */
import { join } from 'node:path';
import type { DeletionLedger } from '../controllers/ports.ts';
import { readState } from './state-files.ts';
import { parseLedger } from './state-texts.ts';

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
  return parseLedger(file, found.content);
}
