/**
 * Faults of a simulated port: calls that fail, answers that are lost, a side that does not answer,
 * and time that each call takes on the injected clock. A test orders them one by one; a swarm gives
 * a source of mishaps that is asked at every call.
 */
import { PortError } from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';

/** What happens to one call beside itself. */
export interface Mishap {
  /** On the way there. */
  delayMs?: number;
  /** It does not take place; the caller is told this. */
  refusal?: PortError;
  /** Happens as soon as it has taken place. */
  after?: () => void;
  /** On the way back. */
  answerMs?: number;
  /** What is answered instead of the truth. */
  answer?: (truth: unknown) => unknown;
  /** It took place, and the caller is told this instead of the answer. */
  lost?: PortError;
}

export class FaultPlan<Call extends string> {
  /** Every call that came through, for counting. */
  readonly calls: Call[] = [];
  unreachable = false;
  delayMs = 0;
  /** Asked at every call. */
  mishap: ((call: Call) => Mishap | undefined) | undefined;
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
    const mishap = this.mishap?.(call);
    await this.#wait(this.delayMs + (mishap?.delayMs ?? 0), signal);
    if (signal.aborted) throw new PortError('cancelled', `${call} was cancelled`);
    if (this.unreachable) throw new PortError('unreachable', 'The host does not answer');
    const failure = mishap?.refusal ?? this.#failures.get(call)?.shift();
    if (failure !== undefined) throw failure;
    const truth = await effect();
    mishap?.after?.();
    await this.#wait(mishap?.answerMs ?? 0, signal);
    if (mishap?.lost) throw mishap.lost;
    const result = mishap?.answer ? (mishap.answer(truth) as T) : truth;
    const lost = this.#lostReplies.get(call) ?? 0;
    if (lost === 0) return result;
    this.#lostReplies.set(call, lost - 1);
    throw new PortError('timeout', `${call}: the answer was lost`);
  }

  async #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (milliseconds === 0) return;
    await new Promise<void>((resolve) => {
      const onAbort = (): void => {
        cancel();
        resolve();
      };
      const cancel = this.#clock.after(milliseconds, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
