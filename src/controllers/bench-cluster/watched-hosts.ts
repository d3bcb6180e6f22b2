/** The hypervisors in use, each with one subscription to its events. */
import type { BenchHost } from '../../crd/bench-host.ts';
import { qualifiedName } from '../../crd/references.ts';
import type { Hypervisor } from '../ports.ts';

export class WatchedHosts {
  readonly #hypervisor: (host: BenchHost) => Hypervisor;
  readonly #onChange: (host: string, domain: string | undefined) => void;
  readonly #watched = new Map<Hypervisor, () => void>();

  /** `onChange` gets the UUID of the domain that an event is about, where it is about one. */
  constructor(
    hypervisor: (host: BenchHost) => Hypervisor,
    onChange: (host: string, domain: string | undefined) => void,
  ) {
    this.#hypervisor = hypervisor;
    this.#onChange = onChange;
  }

  of(host: BenchHost): Hypervisor {
    const hypervisor = this.#hypervisor(host);
    if (!this.#watched.has(hypervisor)) {
      const unwatch = hypervisor.onChange(({ domain }) =>
        this.#onChange(qualifiedName(host.metadata), domain),
      );
      this.#watched.set(hypervisor, unwatch);
    }
    return hypervisor;
  }

  close(): void {
    for (const unwatch of this.#watched.values()) unwatch();
  }
}
