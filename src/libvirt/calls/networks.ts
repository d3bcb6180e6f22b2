// Typed calls on virtual networks.

import type { Caller } from '../caller.ts';
import { Affect, Feature } from '../flags.ts';
import type { CallOptions } from '../pending-call.ts';
import { supportsFeature } from '../procedures/connect.ts';
import type { NetworkHandle } from '../procedures/handle.ts';
import * as table from '../procedures/network.ts';

export interface NetworkUpdate {
  /** One of NetworkUpdateCommand. */
  readonly command: number;
  /** One of NetworkUpdateSection. */
  readonly section: number;
  readonly xml: string;
  /** -1: the daemon finds the element. */
  readonly parentIndex?: number;
  readonly flags?: number;
}

export class NetworkCalls {
  readonly #caller: Caller;

  constructor(caller: Caller) {
    this.#caller = caller;
  }

  list(flags = 0, options?: CallOptions): Promise<readonly NetworkHandle[]> {
    return this.#caller.call(table.listAllNetworks, { needResults: 1, flags }, options);
  }

  lookupByName(name: string, options?: CallOptions): Promise<NetworkHandle> {
    return this.#caller.call(table.lookupByName, { name }, options);
  }

  lookupByUuid(uuid: string, options?: CallOptions): Promise<NetworkHandle> {
    return this.#caller.call(table.lookupByUuid, { uuid }, options);
  }

  define(xml: string, options?: CallOptions): Promise<NetworkHandle> {
    return this.#caller.call(table.defineXml, { xml }, options);
  }

  /** Starts a transient network. */
  createXml(xml: string, options?: CallOptions): Promise<NetworkHandle> {
    return this.#caller.call(table.createXml, { xml }, options);
  }

  create(network: NetworkHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.create, { network }, options);
  }

  /** Succeeds with guests attached, which then have no network. */
  destroy(network: NetworkHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.destroy, { network }, options);
  }

  undefine(network: NetworkHandle, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.undefine, { network }, options);
  }

  xml(network: NetworkHandle, flags = 0, options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getXml, { network, flags }, options);
  }

  bridge(network: NetworkHandle, options?: CallOptions): Promise<string> {
    return this.#caller.call(table.getBridgeName, { network }, options);
  }

  isActive(network: NetworkHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.isActive, { network }, options);
  }

  isPersistent(network: NetworkHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.isPersistent, { network }, options);
  }

  autostart(network: NetworkHandle, options?: CallOptions): Promise<boolean> {
    return this.#caller.call(table.getAutostart, { network }, options);
  }

  setAutostart(network: NetworkHandle, autostart: boolean, options?: CallOptions): Promise<void> {
    return this.#caller.call(table.setAutostart, { network, autostart }, options);
  }

  /** All leases, or those of one MAC address. */
  leases(network: NetworkHandle, mac?: string, options?: CallOptions) {
    const args = { network, mac, needResults: 1, flags: 0 };
    return this.#caller.call(table.getDhcpLeases, args, options);
  }

  /** Adding what is there, or deleting what is not, is OPERATION_INVALID: read the XML first. */
  async update(
    network: NetworkHandle,
    change: NetworkUpdate,
    options?: CallOptions,
  ): Promise<void> {
    const { command, section, xml, parentIndex = -1, flags = Affect.liveAndConfig } = change;
    const feature = { feature: Feature.networkUpdateOrder };
    const inOrder = await this.#caller.call(supportsFeature, feature, options);
    const [first, second] = inOrder ? [command, section] : [section, command];
    const args = { network, first, second, parentIndex, xml, flags };
    await this.#caller.call(table.update, args, options);
  }
}
