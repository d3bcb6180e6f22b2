/** Every effect that was asked for, and how often each one failed on end. */
import { type Effect, nameOf } from './truth.ts';

export interface Failing {
  /** On end, in one process, without a success or a change of the order between. */
  failures: number;
  failedAt: number;
}

export class Attempts {
  /** Effects asked for so far, in order. */
  readonly asks: { name: string; at: number }[] = [];
  readonly #failing = new Map<string, Failing>();
  /** Effects under way now, by name. */
  readonly #running = new Map<string, number>();

  asked(effect: Effect, now: number): void {
    if (effect.kind === 'guest' && effect.reads) return;
    const name = nameOf(effect);
    this.asks.push({ name, at: now });
    this.#running.set(name, (this.#running.get(name) ?? 0) + 1);
  }

  ended(effect: Effect, now: number, error: unknown): void {
    const name = nameOf(effect);
    this.#running.set(name, Math.max(0, (this.#running.get(name) ?? 0) - 1));
    if (error === undefined) this.#failing.delete(name);
    else {
      const failures = (this.#failing.get(name)?.failures ?? 0) + 1;
      this.#failing.set(name, { failures, failedAt: now });
    }
  }

  failing(effect: Effect): Failing | undefined {
    return this.#failing.get(nameOf(effect));
  }

  /** How many of that name are under way. */
  running(effect: Effect): number {
    return this.#running.get(nameOf(effect)) ?? 0;
  }

  /** What was under way belongs to nobody any more, and all may be tried at once. */
  processStarted(): void {
    this.#failing.clear();
    this.#running.clear();
  }

  /** Another order: what failed for the old one may be tried at once. */
  reordered(): void {
    this.#failing.clear();
  }
}
