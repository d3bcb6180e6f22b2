/**
 * Values that are loaded once and kept until something may have changed them.
 * A value whose load was overtaken by an invalidation is given to its caller but not kept, so what
 * was read before a change is never served after it.
 */
export class EpochCache<T> {
  readonly #values = new Map<string, T>();
  #epoch = 0;

  async get(key: string, load: () => Promise<T>): Promise<T> {
    const kept = this.#values.get(key);
    if (kept !== undefined) return kept;
    const epoch = this.#epoch;
    const value = await load();
    if (epoch === this.#epoch) this.#values.set(key, value);
    return value;
  }

  invalidate(key: string): void {
    this.#epoch += 1;
    this.#values.delete(key);
  }

  clear(): void {
    this.#epoch += 1;
    this.#values.clear();
  }

  /** Forgets what is no longer listed, so that the cache never outgrows the host. */
  keepOnly(keys: ReadonlySet<string>): void {
    for (const key of this.#values.keys()) if (!keys.has(key)) this.#values.delete(key);
  }
}
