/**
 * The work queue of a level-triggered controller. It holds keys, never events: waiting keys merge,
 * a key never runs twice at once, and one that is added during its own run runs once more after it.
 * Time comes in as a clock. It knows nothing of clusters.
 */
import type { Clock } from '../../lib/clock.ts';

export interface QueueOptions {
  clock: Clock;
  /** Keys that run at the same time. */
  workers: number;
  /** Must not throw; runs one round for the key. */
  run: (key: string) => Promise<void>;
}

export class Queue {
  readonly #options: QueueOptions;
  readonly #waiting = new Set<string>();
  readonly #running = new Set<string>();
  readonly #again = new Set<string>();
  readonly #timers = new Map<string, { at: number; cancel: () => void }>();
  readonly #idle: (() => void)[] = [];
  #closed = false;

  constructor(options: QueueOptions) {
    this.#options = options;
  }

  /** Runs the key soon; merges with what waits already. */
  add(key: string): void {
    if (this.#closed) return;
    this.#timers.get(key)?.cancel();
    this.#timers.delete(key);
    if (this.#running.has(key)) this.#again.add(key);
    else this.#waiting.add(key);
    this.#dispatch();
  }

  /** Runs the key at that time at the latest; the earliest of several wins. */
  addAt(key: string, at: number): void {
    if (this.#closed) return;
    const known = this.#timers.get(key);
    if (known !== undefined && known.at <= at) return;
    known?.cancel();
    const { clock } = this.#options;
    const cancel = clock.after(Math.max(0, at - clock.now()), () => {
      this.#timers.delete(key);
      this.add(key);
    });
    this.#timers.set(key, { at, cancel });
  }

  /** Takes no more keys and resolves when the running rounds have ended. */
  async close(): Promise<void> {
    this.#closed = true;
    this.#waiting.clear();
    this.#again.clear();
    for (const { cancel } of this.#timers.values()) cancel();
    this.#timers.clear();
    if (this.#running.size === 0) return;
    await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #dispatch(): void {
    for (const key of this.#waiting) {
      if (this.#running.size >= this.#options.workers) return;
      this.#waiting.delete(key);
      this.#running.add(key);
      void this.#options.run(key).finally(() => this.#done(key));
    }
  }

  #done(key: string): void {
    this.#running.delete(key);
    if (this.#again.delete(key) && !this.#closed) this.#waiting.add(key);
    if (this.#closed && this.#running.size === 0) for (const resolve of this.#idle) resolve();
    this.#dispatch();
  }
}
