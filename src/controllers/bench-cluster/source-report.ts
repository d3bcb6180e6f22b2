/**
 * Tells what is wrong with the source as a whole, and with its files, once per change. A cluster
 * that never had a good spec has no status, so this is where its faults are heard of.
 */
import type { Fault } from '../../crd/fault.ts';
import { digestOf } from '../../lib/hash.ts';
import type { Log } from '../../lib/log.ts';
import type { SourceSnapshot } from '../ports.ts';

export class SourceReport {
  readonly #log: Log;
  readonly #onSource: ((reason: string | undefined, faults: Fault[]) => void) | undefined;
  #told = digestOf([undefined, []]);

  constructor(log: Log, onSource?: (reason: string | undefined, faults: Fault[]) => void) {
    this.#log = log;
    this.#onSource = onSource;
  }

  tell({ trusted, settling, reason: why, faults }: SourceSnapshot): void {
    const reason = trusted || settling ? undefined : (why ?? 'the source cannot be read');
    const state = digestOf([reason, faults]);
    if (state === this.#told) return;
    this.#told = state;
    if (faults.length > 0 || reason !== undefined) {
      this.#log.warn({ trusted, reason, faults }, 'the source has faults');
    }
    this.#onSource?.(reason, faults);
  }
}
