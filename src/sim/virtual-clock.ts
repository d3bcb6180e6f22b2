/**
 * Time that only moves when it is told to. Timers run in the order of their times, and what each
 * one sets off is finished before the next one runs, so a run is the same every time.
 * It holds for code whose only waits are promises and this clock: real I/O is not waited for.
 */
import type { Clock } from '../lib/clock.ts';
import type { Choice } from './choice.ts';
import { type Timer, Timers } from './timers.ts';

/** Any fixed instant; whole seconds keep RFC 3339 texts short. */
export const startOfTime = Date.parse('2026-01-01T00:00:00Z');

export interface VirtualClockOptions {
  /** Decides between timers of one instant, for which nothing defines an order. */
  choice?: Choice;
  /** Lets everything run that waits for promises only, before it returns; needed for `run`. */
  drain?: () => void;
}

export class VirtualClock implements Clock {
  readonly #choice: Choice | undefined;
  readonly #drain: (() => void) | undefined;
  readonly #timers = new Timers();
  #now = startOfTime;

  constructor(options: VirtualClockOptions = {}) {
    this.#choice = options.choice;
    this.#drain = options.drain;
  }

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    return this.#timers.add(this.#now + milliseconds, callback);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by so much, running all timers that fall due on the way. */
  async advance(milliseconds: number): Promise<void> {
    await this.advanceUntil(() => false, milliseconds);
  }

  /** Moves on timer by timer until the condition holds; false when the limit came first. */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    await settle();
    if (this.#drain) {
      const inMacrotask = Promise.withResolvers<boolean>();
      setImmediate(() => {
        try {
          inMacrotask.resolve(this.run(condition, limitMs));
        } catch (thrown) {
          inMacrotask.reject(thrown);
        }
      });
      return inMacrotask.promise;
    }
    const end = this.#now + limitMs;
    while (!condition()) {
      if (!this.#runNext(end)) return false;
      await settle();
    }
    return true;
  }

  /** The same at once, in one macrotask, for a clock with a drain. */
  run(condition: () => boolean, limitMs: number): boolean {
    const end = this.#now + limitMs;
    if (this.#drain === undefined) throw new Error('this clock has no drain');
    this.#drain();
    while (!condition()) {
      if (!this.#runNext(end)) return false;
      this.#drain();
    }
    return true;
  }

  #runNext(end: number): boolean {
    const timer = this.#next(end);
    if (timer === undefined) {
      this.#now = Math.max(this.#now, end);
      return false;
    }
    this.#now = Math.max(this.#now, timer.at);
    timer.callback?.();
    return true;
  }

  #next(end: number): Timer | undefined {
    const first = this.#timers.take(end);
    if (first === undefined || this.#choice === undefined) return first;
    const tied = [first];
    for (let more = this.#timers.take(first.at); more; more = this.#timers.take(first.at)) {
      tied.push(more);
    }
    if (tied.length === 1) return first;
    const chosen = tied[this.#choice.choose(tied.length, 'order')];
    for (const timer of tied) if (timer !== chosen) this.#timers.giveBack(timer);
    return chosen;
  }
}

/** Lets everything run that waits for promises only: microtasks drain before a macrotask comes. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
