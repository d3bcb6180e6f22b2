/**
 * What failed lately, by action, with the time of the next try. It is memory of this process only:
 * a new start tries at once. Success forgets.
 */
import { backoffMs } from '../loop/backoff.ts';
import { PortError } from '../ports.ts';
import type { FailureView } from './observed.ts';

export class Failures {
  readonly #byKey = new Map<string, FailureView>();
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  record(key: string, error: Error, now: number): void {
    const attempts = (this.#byKey.get(key)?.attempts ?? 0) + 1;
    this.#byKey.set(key, {
      code: error instanceof PortError ? error.code : 'failed',
      message: error.message,
      attempts,
      retryAt: now + backoffMs(attempts, this.#random()),
    });
  }

  forget(key: string): void {
    this.#byKey.delete(key);
  }

  view(): ReadonlyMap<string, FailureView> {
    return new Map(this.#byKey);
  }

  /** The spec changed: everything may be tried at once. */
  clear(): void {
    this.#byKey.clear();
  }
}
