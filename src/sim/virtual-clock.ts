/**
 * Time that only moves when it is told to. Timers run in the order of their times, and what each
 * one sets off is finished before the next one runs, so a run is the same every time.
 * It holds for code whose only waits are promises and this clock: real I/O is not waited for.
 */
import type { Clock } from '../lib/clock.ts';

interface Timer {
  at: number;
  sequence: number;
  callback: () => void;
}

/** Any fixed instant; whole seconds keep RFC 3339 texts short. */
export const startOfTime = Date.parse('2026-01-01T00:00:00Z');

export class VirtualClock implements Clock {
  #now = startOfTime;
  #sequence = 0;
  readonly #timers = new Set<Timer>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, callback: () => void): () => void {
    const timer = { at: this.#now + milliseconds, sequence: this.#sequence, callback };
    this.#sequence += 1;
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Timers that wait. */
  get pending(): number {
    return this.#timers.size;
  }

  /** Moves on by so much, running all timers that fall due on the way. */
  async advance(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    await settle();
    while (await this.#runNext(end)) {
      // Each timer is a step of its own.
    }
    this.#now = end;
  }

  /** Moves on timer by timer until the condition holds; false when the limit came first. */
  async advanceUntil(condition: () => boolean, limitMs: number): Promise<boolean> {
    const end = this.#now + limitMs;
    await settle();
    while (!condition()) {
      if (!(await this.#runNext(end))) return false;
    }
    return true;
  }

  async #runNext(end: number): Promise<boolean> {
    let next: Timer | undefined;
    for (const timer of this.#timers) {
      const sooner =
        next === undefined ||
        timer.at < next.at ||
        (timer.at === next.at && timer.sequence < next.sequence);
      if (sooner) next = timer;
    }
    if (next === undefined || next.at > end) return false;
    this.#timers.delete(next);
    this.#now = Math.max(this.#now, next.at);
    next.callback();
    await settle();
    return true;
  }
}

/** Lets everything run that waits for promises only: microtasks drain before a macrotask comes. */
export function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
