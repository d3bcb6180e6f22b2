// Typed calls on domains. Flags are the named bits of flags.ts; handles are plain values.
// Nothing here decides or retries.

import type { Caller } from '../caller.ts';
import type { TypedValue } from '../codec.ts';
import type { CallOptions } from '../pending-call.ts';
import * as table from '../procedures/domain.ts';
import type { DomainHandle, FoundDomain } from '../procedures/handle.ts';

export type DomainState = Awaited<ReturnType<DomainCalls['state']>>['state'];

export interface DomainStatsRecord {
  readonly domain: FoundDomain;
  readonly values: ReadonlyMap<string, TypedValue>;
}

export class DomainCalls {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  list(flags = 0, options?: CallOptions): Promise<readonly FoundDomain[]> {
    return this.#caller.call(table.listAllDomains, { needResults: 1, flags }, options);
  }

  lookupById(id: number, options?: CallOptions): Promise<FoundDomain> {
    return this.#caller.call(table.lookupById, { id }, options);
  }

  lookupByName(name: string, options?: CallOptions): Promise<FoundDomain> {
    return this.#caller.call(table.lookupByName, { name }, options);
  }

  lookupByUuid(uuid: string, options?: CallOptions): Promise<FoundDomain> {
    return this.#caller.call(table.lookupByUuid, { uuid }, options);
  }

  /** Replaces the whole persistent configuration, `<metadata>` included. */
  define(xml: string, flags = 0, options?: CallOptions): Promise<FoundDomain> {
    return this.#caller.call(table.defineXml, { xml, flags }, options);
  }

  /** Starts a defined domain. */
  create(domain: DomainHandle, flags = 0, options?: CallOptions): Promise<FoundDomain> {
    return this.#caller.call(table.create, { domain, flags }, options);
  }

  /** Starts a transient domain. */
  createXml(xml: string, flags = 0, options?: CallOptions): Promise<FoundDomain> {
    return this.#caller.call(table.createXml, { xml, flags }, options);
  }

  /** Powers off at once. */
  destroy(domain: DomainHandle, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.destroy, { domain, flags }, options);
  }

  /** Asks the guest; success says nothing about whether it obeys. */
  shutdown(domain: DomainHandle, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.shutdown, { domain, flags }, options);
  }

  reboot(domain: DomainHandle, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.reboot, { domain, flags }, options);
  }

  reset(domain: DomainHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.reset, { domain, flags: 0 }, options);
  }

  suspend(domain: DomainHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.suspend, { domain }, options);
  }

  resume(domain: DomainHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.resume, { domain }, options);
  }

  /** On a running domain this succeeds and makes it transient. */
  undefine(domain: DomainHandle, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.undefine, { domain, flags }, options);
  }

  xml(domain: DomainHandle, flags = 0, options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getXml, { domain, flags }, options);
  }

  /** Never waits for QEMU. */
  state(domain: DomainHandle, options?: CallOptions) {
    return this.#caller.call(table.getState, { domain, flags: 0 }, options);
  }

  info(domain: DomainHandle, options?: CallOptions) {
    return this.#caller.call(table.getInfo, { domain }, options);
  }

  isActive(domain: DomainHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.isActive, { domain }, options);
  }

  isPersistent(domain: DomainHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.isPersistent, { domain }, options);
  }

  autostart(domain: DomainHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.getAutostart, { domain }, options);
  }

  setAutostart(domain: DomainHandle, autostart: boolean, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.setAutostart, { domain, autostart }, options);
  }

  /** Inactive domains only. */
  async rename(domain: DomainHandle, name: string, options?: CallOptions): Promise<void> {
    await this.#caller.call(table.rename, { domain, name, flags: 0 }, options);
  }

  /** No domains named means all of them; only the `state` group is sure not to hang. */
  async stats(
    groups: number,
    flags = 0,
    domains: readonly DomainHandle[] = [],
    options?: CallOptions,
  ): Promise<readonly DomainStatsRecord[]> {
    const args = { domains, stats: groups, flags };
    const records = await this.#caller.call(table.getAllStats, args, options);
    return records.map(({ domain, parameters }) => ({
      domain,
      values: new Map(parameters.map(({ field, value }) => [field, value])),
    }));
  }

  /** Balloon statistics: tag number to value. */
  async memoryStats(
    domain: DomainHandle,
    options?: CallOptions,
  ): Promise<ReadonlyMap<number, number>> {
    const args = { domain, limit: 64, flags: 0 };
    const stats = await this.#caller.call(table.memoryStats, args, options);
    return new Map(stats.map(({ tag, value }) => [tag, value]));
  }

  hasManagedSave(domain: DomainHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.hasManagedSave, { domain, flags: 0 }, options);
  }

  removeManagedSave(domain: DomainHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.managedSaveRemove, { domain, flags: 0 }, options);
  }

  abortJob(domain: DomainHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.abortJob, { domain }, options);
  }
}
