// A clock that stands still until a test moves it.

import type { Clock } from '../../src/libvirt/clock.ts';

export class ManualClock implements Clock {
  #now = 0;
  readonly #timers = new Set<{ dueMs: number; run: () => void }>();

  now(): number {
    return this.#now;
  }

  /** Timers that would still fire. */
  get pending(): number {
    return this.#timers.size;
  }

  schedule(delayMs: number, run: () => void): () => void {
    const timer = { dueMs: this.#now + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  /** Fires what falls due on the way, in order. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const [next] = [...this.#timers]
        .filter(({ dueMs }) => dueMs <= until)
        .sort((a, b) => a.dueMs - b.dueMs);
      if (next === undefined) break;
      this.#timers.delete(next);
      this.#now = next.dueMs;
      next.run();
    }
    this.#now = until;
  }
}
