/**
 * One listing of a host: its domains, the pool's volumes, its networks with their leases.
 * At rest it costs about eight calls, however many domains there are: what does not change without
 * an event is cached by those who read it. Any part that fails fails the whole; a short list would
 * look like lost machines.
 */
import type { HostInventory, VolumeView } from '../../controllers/ports.ts';
import type { LibvirtCalls } from './calls.ts';
import type { Domains } from './domains.ts';
import { EpochCache } from './epoch-cache.ts';
import type { Networks } from './networks.ts';
import type { StoragePool } from './pool.ts';
import { readDomainTypes, type VolumeConfig } from './read-host.ts';
import { unfinished } from './upload.ts';

type HostFacts = Pick<
  HostInventory,
  'hostname' | 'libvirtVersion' | 'domainTypes' | 'cpus' | 'memoryBytes'
>;

export interface InventoryParts {
  calls: LibvirtCalls;
  pool: StoragePool;
  domains: Domains;
  networks: Networks;
  installation: string;
}

export class Inventory {
  readonly #parts: InventoryParts;
  readonly #facts = new EpochCache<HostFacts>();

  constructor(parts: InventoryParts) {
    this.#parts = parts;
  }

  /** Forgets everything that was read before. */
  reset(): void {
    this.#facts.clear();
    this.#parts.pool.reset();
    this.#parts.domains.forget();
    this.#parts.networks.forget();
  }

  async read(): Promise<HostInventory> {
    const { pool, networks, installation } = this.#parts;
    const [facts, open, domains] = await Promise.all([
      this.#facts.get('', () => this.#readFacts()),
      pool.open(),
      this.#parts.domains.list(),
    ]);
    const ours = domains.filter(({ owner }) => owner?.installation === installation);
    const [volumes, networkViews] = await Promise.all([
      pool.volumes(open),
      networks.list(new Set(ours.flatMap((domain) => domain.networks))),
    ]);
    return {
      ...facts,
      pool: {
        name: pool.name,
        path: open.path,
        active: true,
        availableBytes: open.availableBytes,
        volumes: viewsOf(volumes).sort(byName),
      },
      networks: networkViews.sort(byName),
      domains: domains.sort(byName),
    };
  }

  async #readFacts(): Promise<HostFacts> {
    const { host } = this.#parts.calls;
    const [hostname, version, capabilities, info, memory] = await Promise.all([
      host.hostname(),
      host.libVersion(),
      host.capabilities(),
      host.nodeInfo(),
      host.memoryStats(),
    ]);
    const memoryKib = memory.get('total') ?? info.memoryKib;
    return {
      hostname,
      libvirtVersion: versionOf(version),
      domainTypes: readDomainTypes(capabilities),
      cpus: info.cpus,
      memoryBytes: memoryKib * 1024,
    };
  }
}

/** libvirt lists in the order of a hash table, which changes with each start. */
function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}

/** An image whose part exists is not there yet, whatever its final name says. */
function viewsOf(volumes: readonly VolumeConfig[]): VolumeView[] {
  const hidden = unfinished(volumes.map(({ name }) => name));
  return volumes
    .filter(({ name }) => !hidden.has(name))
    .map(({ name, path, capacityBytes, fileBytes, unreadable, backingPath }) => ({
      ...{ name, path, capacityBytes },
      ...(!unreadable && { fileBytes }),
      ...(backingPath !== undefined && { backingPath }),
    }));
}

function versionOf(number: number): string {
  return [number / 1e6, (number / 1e3) % 1e3, number % 1e3].map(Math.floor).join('.');
}
