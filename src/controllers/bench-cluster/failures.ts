/**
 * What failed lately, by action, with the time of the next try; also what succeeded and changed
 * nothing, which would otherwise be done again in every round. It goes into the status, so that a
 * new process waits as the old one did, and is forgotten when the action is no longer planned.
 */
import type { AttemptStatus } from '../../crd/status.ts';
import { backoffMs, recordedRetry, retryText } from '../loop/backoff.ts';
import { PortError, type PortErrorCode } from '../ports.ts';
import type { FailureView } from './observed.ts';

/** A status is bounded. What is left out is tried early after a restart, and nothing worse. */
const maxKept = 100;
const maxMessage = 500;
const codes: ReadonlySet<string> = new Set<PortErrorCode | 'noEffect'>([
  'unreachable',
  'conflict',
  'rejected',
  'failed',
  'timeout',
  'cancelled',
  'noEffect',
]);

export class Failures {
  readonly #byKey: Map<string, FailureView>;
  readonly #random: () => number;

  /** `now` is when the process begins that goes on with what the status says. */
  constructor(random: () => number, now: number, before: readonly AttemptStatus[] = []) {
    this.#random = random;
    this.#byKey = failuresOf(before, now);
  }

  record(key: string, error: Error, now: number): void {
    this.#add(key, error instanceof PortError ? error.code : 'failed', error.message, now);
  }

  /** It was done. When the next round plans it again, it had no effect. */
  succeeded(key: string, now: number): void {
    if (this.#byKey.get(key)?.code !== 'noEffect') this.#byKey.delete(key);
    this.#add(key, 'noEffect', 'it succeeded and changed nothing', now);
  }

  /** Forgets the keys for which `isOver` holds. */
  prune(isOver: (key: string, failure: FailureView) => boolean): void {
    for (const [key, failure] of [...this.#byKey]) {
      if (isOver(key, failure)) this.#byKey.delete(key);
    }
  }

  view(): ReadonlyMap<string, FailureView> {
    return new Map(this.#byKey);
  }

  /** For the status. A first success is no news: the next round tells whether it had an effect. */
  report(): AttemptStatus[] {
    return [...this.#byKey]
      .filter(([, { code, attempts }]) => code !== 'noEffect' || attempts > 1)
      .slice(0, maxKept)
      .map(([action, failure]) => ({
        ...{ action, count: failure.attempts, code: failure.code, message: failure.message },
        retryAt: retryText(failure),
      }));
  }

  /** The spec changed: everything may be tried at once. */
  clear(): void {
    this.#byKey.clear();
  }

  #add(key: string, code: FailureView['code'], message: string, now: number): void {
    const attempts = (this.#byKey.get(key)?.attempts ?? 0) + 1;
    const retryAt = now + backoffMs(attempts, this.#random());
    this.#byKey.set(key, { code, message: message.slice(0, maxMessage), attempts, retryAt });
  }
}

/** What a status says of earlier attempts. */
export function failuresOf(
  attempts: readonly AttemptStatus[],
  now: number,
): Map<string, FailureView> {
  return new Map(
    attempts.map(({ action, count, code, message, retryAt }) => [
      action,
      {
        code: codes.has(code) ? (code as FailureView['code']) : 'failed',
        ...{ message, attempts: count, ...recordedRetry(retryAt, now) },
      },
    ]),
  );
}
