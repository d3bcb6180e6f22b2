/** The hypervisors in use, each with one subscription to its events. */
import type { BenchHost } from '../../crd/bench-host.ts';
import { qualifiedName } from '../../crd/references.ts';
import type { Hypervisor } from '../ports.ts';

export class WatchedHosts {
  readonly #hypervisor: (host: BenchHost) => Hypervisor;
  readonly #onChange: (host: string) => void;
  readonly #watched = new Map<Hypervisor, () => void>();

  constructor(hypervisor: (host: BenchHost) => Hypervisor, onChange: (host: string) => void) {
    this.#hypervisor = hypervisor;
    this.#onChange = onChange;
  }

  of(host: BenchHost): Hypervisor {
    const hypervisor = this.#hypervisor(host);
    if (!this.#watched.has(hypervisor)) {
      const unwatch = hypervisor.onChange(() => this.#onChange(qualifiedName(host.metadata)));
      this.#watched.set(hypervisor, unwatch);
    }
    return hypervisor;
  }

  close(): void {
    for (const unwatch of this.#watched.values()) unwatch();
  }
}
