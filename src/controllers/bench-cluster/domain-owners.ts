/**
 * Which cluster a domain belongs to, so that an event of one VM wakes one cluster and not all of
 * its host. Only a hint: an event of a domain that is not known here wakes them all.
 */
export class DomainOwners {
  readonly #keys = new Map<string, string>();
  readonly #domains = new Map<string, Set<string>>();

  /** The cluster has, wants or had these domains. */
  note(key: string, uuids: Iterable<string>): void {
    const own = this.#domains.get(key) ?? new Set();
    this.#domains.set(key, own);
    for (const uuid of uuids) {
      own.add(uuid);
      this.#keys.set(uuid, key);
    }
  }

  of(uuid: string): string | undefined {
    return this.#keys.get(uuid);
  }

  forget(key: string): void {
    for (const uuid of this.#domains.get(key) ?? []) this.#keys.delete(uuid);
    this.#domains.delete(key);
  }
}
