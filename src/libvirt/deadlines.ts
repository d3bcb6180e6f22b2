// Deadlines without a timer per call: entries with the same timeout share one queue in order of
// arrival, so only the head of each queue needs a timer, and it is re-armed lazily.
// Adding and removing an entry costs two set operations. An entry expires at most once.

import type { Clock } from './clock.ts';

export interface Deadline {
  /** Set by the queue. */
  dueMs: number;
  readonly timeoutMs: number;
  expire(): void;
}

interface Bucket {
  readonly waiting: Set<Deadline>;
  cancel: () => void;
}

export class DeadlineQueue {
  readonly #clock: Clock;
  readonly #buckets = new Map<number, Bucket>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  add(entry: Deadline): void {
    entry.dueMs = this.#clock.now() + entry.timeoutMs;
    const bucket = this.#buckets.get(entry.timeoutMs);
    if (bucket) bucket.waiting.add(entry);
    else this.#open(entry);
  }

  remove(entry: Deadline): void {
    this.#buckets.get(entry.timeoutMs)?.waiting.delete(entry);
  }

  /** Forgets every entry and leaves no timer behind. */
  clear(): void {
    for (const bucket of this.#buckets.values()) bucket.cancel();
    this.#buckets.clear();
  }

  #open(entry: Deadline): void {
    const bucket: Bucket = { waiting: new Set([entry]), cancel: () => undefined };
    this.#buckets.set(entry.timeoutMs, bucket);
    this.#arm(entry.timeoutMs, bucket, entry.timeoutMs);
  }

  #arm(timeoutMs: number, bucket: Bucket, delayMs: number): void {
    bucket.cancel = this.#clock.schedule(Math.ceil(delayMs), () => this.#sweep(timeoutMs, bucket));
  }

  #sweep(timeoutMs: number, bucket: Bucket): void {
    const now = this.#clock.now();
    for (const entry of bucket.waiting) {
      if (entry.dueMs > now) {
        this.#arm(timeoutMs, bucket, entry.dueMs - now);
        return;
      }
      bucket.waiting.delete(entry);
      entry.expire();
      // An expiry may have cleared the whole queue.
      if (this.#buckets.get(timeoutMs) !== bucket) return;
    }
    this.#buckets.delete(timeoutMs);
  }
}
