// Typed calls on the host itself: identity, versions, capabilities, memory.

import type { Caller } from '../caller.ts';
import type { CallOptions } from '../pending-call.ts';
import * as table from '../procedures/connect.ts';

export interface DomainCapabilitiesQuery {
  readonly emulator?: string | undefined;
  readonly arch?: string | undefined;
  readonly machine?: string | undefined;
  readonly virtType?: string | undefined;
}

export class HostCalls {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  /** "QEMU", "LXC", "Test" … */
  type(options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getType, undefined, options);
  }

  /** Of the hypervisor: major * 1,000,000 + minor * 1,000 + micro. */
  version(options?: CallOptions): Promise<number> {
    return this.#caller.call(table.getVersion, undefined, options);
  }

  /** Of the daemon, in the same form. */
  libVersion(options?: CallOptions): Promise<number> {
    return this.#caller.call(table.getLibVersion, undefined, options);
  }

  hostname(options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getHostname, undefined, options);
  }

  uri(options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getUri, undefined, options);
  }

  capabilities(options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getCapabilities, undefined, options);
  }

  domainCapabilities(query: DomainCapabilitiesQuery = {}, options?: CallOptions): Promise<string> {
    const { emulator, arch, machine, virtType } = query;
    const args = { emulator, arch, machine, virtType, flags: 0 };
    return this.#caller.call(table.getDomainCapabilities, args, options);
  }

  maxVcpus(type?: string, options?: CallOptions): Promise<number> {
    return this.#caller.call(table.getMaxVcpus, { type }, options);
  }

  nodeInfo(options?: CallOptions) {
    return this.#caller.call(table.nodeGetInfo, undefined, options);
  }

  freeMemoryBytes(options?: CallOptions): Promise<number> {
    return this.#caller.call(table.nodeGetFreeMemory, undefined, options);
  }

  /** KiB by name: total, free, buffers, cached. More to be trusted than nodeInfo. */
  async memoryStats(options?: CallOptions): Promise<ReadonlyMap<string, number>> {
    const ask = { cell: -1, flags: 0 };
    const { count } = await this.#caller.call(
      table.nodeGetMemoryStats,
      { ...ask, count: 0 },
      options,
    );
    const { stats } = await this.#caller.call(table.nodeGetMemoryStats, { ...ask, count }, options);
    return new Map(stats.map(({ field, value }) => [field, value]));
  }

  /** Nanoseconds by name: kernel, user, idle, iowait. */
  async cpuStats(options?: CallOptions): Promise<ReadonlyMap<string, number>> {
    const ask = { cpu: -1, flags: 0 };
    const { count } = await this.#caller.call(table.nodeGetCpuStats, { ...ask, count: 0 }, options);
    const { stats } = await this.#caller.call(table.nodeGetCpuStats, { ...ask, count }, options);
    return new Map(stats.map(({ field, value }) => [field, value]));
  }

  /** One of Feature. */
  supports(feature: number, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.supportsFeature, { feature }, options);
  }
}
