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
  #told = digestOf([true, undefined, []]);

  constructor(log: Log, onSource?: (reason: string | undefined, faults: Fault[]) => void) {
    this.#log = log;
    this.#onSource = onSource;
  }

  tell({ trusted, reason, faults }: SourceSnapshot): void {
    const state = digestOf([trusted, reason, faults]);
    if (state === this.#told) return;
    this.#told = state;
    if (faults.length > 0 || !trusted) {
      this.#log.warn({ trusted, reason, faults }, 'the source has faults');
    }
    this.#onSource?.(trusted ? undefined : reason, faults);
  }
}
