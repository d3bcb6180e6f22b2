/**
 * Faults of a fake port: calls that fail, answers that are lost, a side that does not answer, and
 * time that each call takes on the injected clock.
 */
import { PortError } from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';

export class FaultPlan<Call extends string> {
  /** Every call that came through, for counting. */
  readonly calls: Call[] = [];
  unreachable = false;
  delayMs = 0;
  readonly #clock: Clock;
  readonly #failures = new Map<Call, PortError[]>();
  readonly #lostReplies = new Map<Call, number>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  failNext(call: Call, error: PortError): void {
    this.#failures.set(call, [...(this.#failures.get(call) ?? []), error]);
  }

  loseReplyOfNext(call: Call): void {
    this.#lostReplies.set(call, (this.#lostReplies.get(call) ?? 0) + 1);
  }

  async perform<T>(call: Call, signal: AbortSignal, effect: () => T | Promise<T>): Promise<T> {
    this.calls.push(call);
    if (this.delayMs > 0) await this.#wait(this.delayMs, signal);
    if (signal.aborted) throw new PortError('cancelled', `${call} was cancelled`);
    if (this.unreachable) throw new PortError('unreachable', 'The host does not answer');
    const failure = this.#failures.get(call)?.shift();
    if (failure !== undefined) throw failure;
    const result = await effect();
    const lost = this.#lostReplies.get(call) ?? 0;
    if (lost === 0) return result;
    this.#lostReplies.set(call, lost - 1);
    throw new PortError('timeout', `${call}: the answer was lost`);
  }

  #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#clock.after(milliseconds, resolve);
      const onAbort = (): void => {
        cancel();
        resolve();
      };
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
