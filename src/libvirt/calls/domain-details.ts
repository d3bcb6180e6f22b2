// Typed calls on what a domain has and tells: metadata, devices, resources, addresses.

import type { Caller, OpenStream } from '../caller.ts';
import type { TypedValue } from '../codec.ts';
import { MetadataType } from '../flags.ts';
import type { CallOptions } from '../pending-call.ts';
import * as table from '../procedures/domain-detail.ts';
import type { DomainHandle } from '../procedures/handle.ts';

/** One element of `<metadata>`; its identity is the uri, `key` is only the prefix. */
export interface MetadataElement {
  readonly uri: string;
  readonly key: string;
  readonly xml: string;
}

export class DomainDetailCalls {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  metadata(domain: DomainHandle, uri: string, flags = 0, options?: CallOptions): Promise<string> {
    const args = { domain, type: MetadataType.element, uri, flags };
    return this.#caller.call(table.getMetadata, args, options);
  }

  setMetadata(
    domain: DomainHandle,
    element: MetadataElement,
    flags = 0,
    options?: CallOptions,
  ): Promise<void> {
    const { uri, key, xml } = element;
    const args = { domain, type: MetadataType.element, metadata: xml, key, uri, flags };
    return this.#caller.call(table.setMetadata, args, options);
  }

  /** Removing what is not there is no error. */
  removeMetadata(
    domain: DomainHandle,
    { uri, key }: { readonly uri: string; readonly key: string },
    flags = 0,
    options?: CallOptions,
  ): Promise<void> {
    const args = { domain, type: MetadataType.element, metadata: undefined, key, uri, flags };
    return this.#caller.call(table.setMetadata, args, options);
  }

  interfaceAddresses(domain: DomainHandle, source: number, options?: CallOptions) {
    return this.#caller.call(table.interfaceAddresses, { domain, source, flags: 0 }, options);
  }

  attachDevice(domain: DomainHandle, xml: string, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.attachDevice, { domain, xml, flags }, options);
  }

  /** On a running domain success means accepted; the event device-removed says done. */
  detachDevice(domain: DomainHandle, xml: string, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.detachDevice, { domain, xml, flags }, options);
  }

  updateDevice(domain: DomainHandle, xml: string, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.updateDevice, { domain, xml, flags }, options);
  }

  setMemory(
    domain: DomainHandle,
    memoryKib: number,
    flags = 0,
    options?: CallOptions,
  ): Promise<void> {
    return this.#caller.call(table.setMemory, { domain, memoryKib, flags }, options);
  }

  setVcpus(domain: DomainHandle, count: number, flags = 0, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.setVcpus, { domain, count, flags }, options);
  }

  vcpus(domain: DomainHandle, flags = 0, options?: CallOptions): Promise<number> {
    return this.#caller.call(table.getVcpus, { domain, flags }, options);
  }

  /** `path` is the target ("vda") or the file. */
  blockInfo(domain: DomainHandle, path: string, options?: CallOptions) {
    return this.#caller.call(table.getBlockInfo, { domain, path, flags: 0 }, options);
  }

  blockStats(domain: DomainHandle, path: string, options?: CallOptions) {
    return this.#caller.call(table.getBlockStats, { domain, path }, options);
  }

  /** Running domains only. */
  blockResize(
    domain: DomainHandle,
    disk: string,
    sizeBytes: number,
    options?: CallOptions,
  ): Promise<void> {
    // Flag 1 makes the size bytes; without it the daemon reads KiB.
    return this.#caller.call(
      table.blockResize,
      { domain, disk, size: sizeBytes, flags: 1 },
      options,
    );
  }

  hostname(domain: DomainHandle, flags = 0, options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getHostname, { domain, flags }, options);
  }

  async guestInfo(
    domain: DomainHandle,
    types = 0,
    options?: CallOptions,
  ): Promise<ReadonlyMap<string, TypedValue>> {
    const args = { domain, types, flags: 0 };
    const parameters = await this.#caller.call(table.getGuestInfo, args, options);
    return new Map(parameters.map(({ field, value }) => [field, value]));
  }

  messages(domain: DomainHandle, options?: CallOptions): Promise<readonly string[]> {
    return this.#caller.call(table.getMessages, { domain, flags: 0 }, options);
  }

  agentResponseTimeout(
    domain: DomainHandle,
    seconds: number,
    options?: CallOptions,
  ): Promise<number> {
    const args = { domain, seconds, flags: 0 };
    return this.#caller.call(table.agentSetResponseTimeout, args, options);
  }

  /** A stream in both directions; `device` undefined is the first console. */
  openConsole(
    domain: DomainHandle,
    device: string | undefined,
    flags = 0,
    options?: CallOptions,
  ): Promise<OpenStream> {
    return this.#caller.openStream(table.openConsole, { domain, device, flags }, options);
  }
}
