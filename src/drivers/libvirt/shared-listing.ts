/**
 * One listing shared by all who ask at the same time.
 * A caller never gets a listing that began before the last change it could know of: each change
 * makes a new version, and only listings of the present version are joined or reused. Failures are
 * given to those who waited and are never kept.
 */
import type { Clock } from '../../lib/clock.ts';

interface Listing<T> {
  version: number;
  /** Undefined while it runs. */
  endedAt?: number;
  result: Promise<T>;
}

export class SharedListing<T> {
  readonly #load: () => Promise<T>;
  readonly #clock: Clock;
  readonly #reuseMs: number;
  #version = 0;
  #current: Listing<T> | undefined;

  constructor(load: () => Promise<T>, clock: Clock, reuseMs: number) {
    this.#load = load;
    this.#clock = clock;
    this.#reuseMs = reuseMs;
  }

  changed(): void {
    this.#version += 1;
  }

  get(): Promise<T> {
    const current = this.#current;
    if (current?.version === this.#version && !this.#isStale(current)) return current.result;
    const listing: Listing<T> = { version: this.#version, result: this.#load() };
    this.#current = listing;
    listing.result.then(
      () => {
        listing.endedAt = this.#clock.now();
      },
      () => {
        if (this.#current === listing) this.#current = undefined;
      },
    );
    return listing.result;
  }

  #isStale({ endedAt }: Listing<T>): boolean {
    return endedAt !== undefined && Math.abs(this.#clock.now() - endedAt) >= this.#reuseMs;
  }
}
