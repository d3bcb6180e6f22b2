/**
 * Networks: listing them with the leases that matter, and those that we own.
 * A lease matters on a network that is ours or that a domain of ours is on; nobody needs the others.
 * libvirt stops a network under running guests without a word, so ours is removed only when no
 * domain, running or not, names it.
 */
import type { LeaseView, NetworkSpec, NetworkView, OwnerMark } from '../../controllers/ports.ts';
import { PortError } from '../../controllers/ports.ts';
import { overlap, parseSubnet } from '../../crd/subnet.ts';
import {
  interfaceInTheWay,
  isAbsent,
  isStateRace,
  isSystemNameTaken,
} from '../../libvirt/error.ts';
import { NetworkList } from '../../libvirt/flags.ts';
import type { NetworkHandle } from '../../libvirt/procedures/handle.ts';
import { unlessAbsent } from './absent.ts';
import { type LibvirtCalls, readsAtOnce } from './calls.ts';
import { EpochCache } from './epoch-cache.ts';
import { mapLimited } from './limited.ts';
import { renderNetwork } from './network-xml.ts';
import { type NetworkConfig, readNetwork } from './read-host.ts';

export class Networks {
  readonly #calls: LibvirtCalls;
  readonly #configs = new EpochCache<NetworkConfig>();

  constructor(calls: LibvirtCalls) {
    this.#calls = calls;
  }

  forget(uuid?: string): void {
    if (uuid === undefined) this.#configs.clear();
    else this.#configs.invalidate(uuid);
  }

  /** `inUse` names the networks whose leases are wanted, besides those with an owner. */
  async list(inUse: ReadonlySet<string>): Promise<NetworkView[]> {
    const [all, active] = await Promise.all([
      this.#calls.networks.list(),
      this.#calls.networks.list(NetworkList.active),
    ]);
    const running = new Set(active.map(({ uuid }) => uuid));
    this.#configs.keepOnly(new Set(all.map(({ uuid }) => uuid)));
    const views = await mapLimited(all, readsAtOnce, async (network) => {
      const config = await unlessAbsent(this.#config(network));
      if (config === undefined) return undefined;
      const { subnets: _, bridge: __, ...view } = config;
      const isWanted = inUse.has(network.name) || view.owner !== undefined;
      const leases = running.has(network.uuid) && isWanted ? await this.#leases(network) : [];
      return { ...view, active: running.has(network.uuid) && leases !== undefined, leases };
    });
    return views
      .filter((view) => view !== undefined)
      .map((view) => ({ ...view, leases: view.leases ?? [] }));
  }

  #config(network: NetworkHandle): Promise<NetworkConfig> {
    return this.#configs.get(network.uuid, () => this.#read(network));
  }

  /** As it is at this moment. */
  async #read(network: NetworkHandle, signal?: AbortSignal): Promise<NetworkConfig> {
    return readNetwork(await this.#calls.networks.xml(network, 0, { signal }));
  }

  /** Undefined when the network was stopped meanwhile. */
  async #leases(network: NetworkHandle): Promise<LeaseView[] | undefined> {
    try {
      const leases = await this.#calls.networks.leases(network);
      return leases.flatMap(({ mac, address, family, expirySeconds }) =>
        mac === undefined || family !== 'ipv4'
          ? []
          : [{ mac: mac.toLowerCase(), address, expiresAt: expirySeconds }],
      );
    } catch (error) {
      if (isStateRace(error) || isAbsent(error)) return undefined;
      throw error;
    }
  }

  /** Defines it and makes it active. Repeating it is success. */
  async create(spec: NetworkSpec, signal: AbortSignal): Promise<void> {
    const options = { signal };
    const { networks } = this.#calls;
    const xml = renderNetwork(spec);
    try {
      const found = await this.#ownNetwork(spec, signal);
      const isKept = found !== undefined && (await networks.isPersistent(found, options));
      if (!isKept) await this.#requireFree(spec, signal);
      const network = isKept ? found : await networks.define(xml, options);
      if (!(await networks.isActive(network, options))) await this.#start(network, xml, signal);
    } catch (error) {
      if (!isStateRace(error)) throw error;
      // Somebody started it between the question and the call.
      const found = await this.#ownNetwork(spec, signal);
      if (found === undefined || !(await networks.isActive(found, options))) throw error;
    } finally {
      this.forget(spec.uuid);
    }
  }

  /**
   * libvirt refuses only a subnet that is just the same, and only to start it: with any other that
   * overlaps, the host would no longer reach guests of a network that is somebody's.
   */
  async #requireFree({ name, uuid, cidr }: NetworkSpec, signal: AbortSignal): Promise<void> {
    const wanted = parseSubnet(cidr);
    for (const other of await this.#calls.networks.list(0, { signal })) {
      const { subnets = [] } = (await unlessAbsent(this.#config(other))) ?? {};
      if (other.uuid === uuid || !subnets.some((subnet) => wanted && overlap(subnet, wanted)))
        continue;
      const message = `The subnet ${cidr} of network ${name} overlaps with network ${other.name} of the host: choose another one`;
      throw new PortError('conflict', message);
    }
  }

  /**
   * A daemon that dies while it starts or stops a network leaves the bridge behind that the
   * definition names. Defined anew, it gets the name of one that is free. Where the bridge has the
   * subnet already, only a person can help: to take it away is for root.
   */
  async #start(network: NetworkHandle, xml: string, signal: AbortSignal): Promise<void> {
    const options = { signal };
    const { networks } = this.#calls;
    try {
      await networks.create(network, options).catch(async (error: unknown) => {
        if (!isSystemNameTaken(error)) throw error;
        await networks.create(await networks.define(xml, options), options);
      });
    } catch (error) {
      const bridge = interfaceInTheWay(error);
      if (bridge === undefined) throw error;
      const message = `The subnet of network ${network.name} is in use by interface ${bridge} of the host`;
      const hint = (await this.#isNobodys(bridge, signal))
        ? `no network of libvirt has it, so a libvirtd that died may have left it: as root, ip link delete ${bridge}`
        : 'choose another subnet';
      throw new PortError('conflict', `${message}; ${hint}`, { cause: error });
    }
  }

  async #isNobodys(bridge: string, signal: AbortSignal): Promise<boolean> {
    const active = await this.#calls.networks.list(NetworkList.active, { signal });
    const configs = await mapLimited(active, readsAtOnce, (network) =>
      unlessAbsent(this.#read(network, signal)),
    );
    return configs.every((config) => config?.bridge !== bridge);
  }

  /** The caller has made sure that no domain uses it. */
  async remove(
    target: { name: string; uuid: string; owner: OwnerMark },
    signal: AbortSignal,
  ): Promise<void> {
    const options = { signal };
    const { networks } = this.#calls;
    const network = await unlessAbsent(networks.lookupByUuid(target.uuid, options));
    if (network === undefined) return;
    await this.#requireOurs(network, target.owner, signal);
    try {
      if (await networks.isActive(network, options)) await networks.destroy(network, options);
      await unlessAbsent(networks.undefine(network, options));
    } finally {
      this.forget(target.uuid);
    }
  }

  async #ownNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<NetworkHandle | undefined> {
    const options = { signal };
    const [byUuid, byName] = await Promise.all([
      unlessAbsent(this.#calls.networks.lookupByUuid(spec.uuid, options)),
      unlessAbsent(this.#calls.networks.lookupByName(spec.name, options)),
    ]);
    for (const found of [byUuid, byName]) {
      if (found === undefined) continue;
      if (found.uuid !== spec.uuid || found.name !== spec.name) {
        throw new PortError('conflict', `Network ${found.name} (${found.uuid}) exists already`);
      }
      await this.#requireOurs(found, spec.owner, signal);
    }
    return byUuid;
  }

  async #requireOurs(network: NetworkHandle, owner: OwnerMark, signal: AbortSignal): Promise<void> {
    const config = await this.#read(network, signal);
    if (config.owner?.installation === owner.installation) return;
    throw new PortError('conflict', `Network ${network.name} does not carry our mark`);
  }
}
