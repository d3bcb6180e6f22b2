/**
 * The world inside of a fake hypervisor: domains that boot in the clock's time, volumes, networks
 * and leases, with libvirt's own habits (a lease outlives its machine, an undefined domain that
 * runs stays until it stops). It knows no ports, no ownership rules and no faults.
 */
import type { DomainView, HostInventory, LeaseView, OwnerMark } from '../controllers/ports.ts';
import { PortError } from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';
import { digestOf } from '../lib/hash.ts';
import { imageOfPart } from '../lib/part-name.ts';
import { isSame } from '../lib/same.ts';
import { copyOf } from './copy.ts';
import { CountedMap } from './counted-map.ts';
import type { SimDomain } from './domain.ts';

export interface SimHostOptions {
  clock: Clock;
  /** Milliseconds from start to the DHCP lease, and to an open guest agent; default 2 and 3 s. */
  leaseAfterMs?: number;
  agentAfterMs?: number;
  /** Default `fake`. */
  hostname?: string;
  cpus?: number;
  memoryBytes?: number;
  domainTypes?: ('kvm' | 'qemu')[];
}

export interface SimVolume {
  name: string;
  capacityBytes: number;
  backingVolume?: string;
  /** Of what was uploaded; nobody but the world itself sees it. */
  contentSha256?: string;
}

export interface SimNetwork {
  name: string;
  uuid: string;
  active: boolean;
  owner?: OwnerMark;
  /** What it gives out begins with this; all of it is of `cidr`, or of the 256 addresses there. */
  prefix: string;
  cidr?: string;
  leases: readonly Readonly<LeaseView>[];
}

export const poolPath = '/var/lib/libvirt/images';
const leaseSeconds = 3600;

export class SimHost {
  readonly domains = new CountedMap<string, SimDomain>();
  readonly volumes = new CountedMap<string, SimVolume>();
  readonly networks = new CountedMap<string, SimNetwork>();
  poolActive = true;
  /** As the driver of a real host has it, who connects anew to each new daemon. */
  connection = 1;
  readonly #options: SimHostOptions;
  readonly #clock: Clock;
  readonly #changed: (domain?: string) => void;
  /** Which address was leased to the guest on a disk: that is where it keeps how it asks for one. */
  readonly #leased = new WeakMap<SimVolume, string>();
  #nextId = 1;
  #nextRun = 1;
  #nextAddress = 10;
  #listed: { listing: HostInventory; changes: number; poolActive: boolean } | undefined;
  #domainsListed = new WeakMap<SimDomain, { view: DomainView; change: number }>();

  constructor(options: SimHostOptions, changed: (domain?: string) => void) {
    this.#options = options;
    this.#clock = options.clock;
    this.#changed = changed;
  }

  domain(uuid: string): SimDomain {
    const domain = this.domains.get(uuid);
    if (domain === undefined) throw new PortError('failed', `Domain ${uuid} is not there`);
    return domain;
  }

  start(domain: SimDomain): void {
    const missing = domain.files.find(
      (file) =>
        file.startsWith(`${poolPath}/`) && !this.volumes.has(file.slice(poolPath.length + 1)),
    );
    if (missing !== undefined)
      throw new PortError('failed', `Cannot access storage file '${missing}'`);
    const network = this.networks.get(domain.network);
    if (domain.network !== '' && !network?.active) {
      throw new PortError('failed', `Network ${domain.network} is not active`);
    }
    domain.id = this.#nextId;
    this.#nextId += 1;
    domain.run = this.#nextRun;
    this.#nextRun += 1;
    domain.startedAt = this.#clock.now();
    domain.leased = false;
    domain.hung = false;
    domain.state = 'running';
    domain.reason = 'booted';
    const { run } = domain;
    this.#clock.after(this.#options.agentAfterMs ?? 3000, () => {
      if (domain.run !== run || domain.hung || this.domains.get(domain.uuid) !== domain) return;
      this.#lease(domain);
      domain.agentConnected = true;
      this.#changed(domain.uuid);
    });
  }

  /** libvirtd starts again: every guest runs on, and ids go on after those that run. */
  restartDaemon(): void {
    this.connection += 1;
    this.#listed = undefined;
    this.#domainsListed = new WeakMap();
    this.#nextId = 1 + Math.max(0, ...[...this.domains.values()].map(({ id }) => id));
    this.#changed();
  }

  hang(domain: SimDomain): void {
    domain.hung = true;
    domain.agentConnected = false;
  }

  powerOff(domain: SimDomain, reason: string): void {
    domain.id = -1;
    domain.run = 0;
    domain.agentConnected = false;
    domain.state = 'shutoff';
    domain.reason = reason;
    if (!domain.persistent) this.domains.delete(domain.uuid);
  }

  /** Where its guest is, or was last. */
  addressOf({ network, mac }: SimDomain): string | undefined {
    return this.networks.get(network)?.leases.findLast((held) => held.mac === mac)?.address;
  }

  /** The volume of its disk, as long as that is there. */
  rootOf({ files: [root = ''] }: SimDomain): SimVolume | undefined {
    return this.volumes.get(root.slice(poolPath.length + 1));
  }

  undefine(domain: SimDomain): void {
    if (domain.id === -1) this.domains.delete(domain.uuid);
    else domain.persistent = false;
  }

  /** A copy of what is here; called, all is as it was then, and every machine is off. */
  backup(): () => void {
    const domains = copyOf([...this.domains.values()]);
    const networks = copyOf([...this.networks.values()]);
    const volumes = [...this.volumes.values()];
    return () => {
      for (const domain of [...this.domains.values()]) this.powerOff(domain, 'destroyed');
      refill(this.volumes, volumes, ({ name }) => name);
      refill(this.networks, networks, ({ name }) => name);
      refill(this.domains, domains, ({ uuid }) => uuid);
      for (const domain of domains) this.powerOff(domain, 'unknown');
      this.#changed();
    };
  }

  /** The same listing as before while nothing has changed, as from the driver of a real host. */
  view(): HostInventory {
    for (const domain of this.domains.values()) this.#lease(domain);
    const { changes, poolActive } = this;
    const before = this.#listed;
    if (before?.changes === changes && before.poolActive === poolActive) return before.listing;
    const read = this.#listing();
    const listing = before && isSame(read, before.listing) ? before.listing : read;
    this.#listed = { listing, changes, poolActive };
    return listing;
  }

  /** Of domains, volumes and networks so far. */
  get changes(): number {
    return this.domains.changes + this.volumes.changes + this.networks.changes;
  }

  #listing(): HostInventory {
    const { cpus = 4, memoryBytes = 8 * 2 ** 30, domainTypes = ['qemu'] } = this.#options;
    return {
      hostname: this.#options.hostname ?? 'fake',
      libvirtVersion: '9.0.0',
      domainTypes: [...domainTypes],
      cpus,
      memoryBytes,
      pool: {
        name: 'default',
        path: poolPath,
        active: this.poolActive,
        availableBytes: 100 * 2 ** 30,
        volumes: this.#finished().map(({ name, capacityBytes, backingVolume }) => ({
          name,
          path: pathOf(name),
          capacityBytes,
          ...(backingVolume !== undefined && { backingPath: pathOf(backingVolume) }),
        })),
      },
      networks: [...this.networks.values()].map(
        ({ prefix: _, cidr: __, owner, leases, ...network }) => ({
          ...network,
          ...(owner && { owner: copyOf(owner) }),
          leases: leases.map((lease) => ({ ...lease })),
        }),
      ),
      domains: [...this.domains.values()].map((domain) => this.#domainView(domain)),
    };
  }

  /** The same object while nothing of that domain has changed: a host may have hundreds. */
  #domainView(domain: SimDomain): DomainView {
    const change = this.domains.lastChange(domain);
    const listed = this.#domainsListed.get(domain);
    if (listed?.change === change) return listed.view;
    const { name, uuid, state, reason, persistent, id, agentConnected, owner } = domain;
    const view: DomainView = {
      connection: this.connection,
      ...{ name, uuid, state, reason, persistent, id, agentConnected },
      ...(owner && { owner: copyOf(owner) }),
      files: [...domain.files],
      macs: [domain.mac],
      networks: domain.network === '' ? [] : [domain.network],
    };
    this.#domainsListed.set(domain, { view, change });
    return view;
  }

  /** As the driver lists them: what is being uploaded, or was left half, is not there yet. */
  #finished(): SimVolume[] {
    const all = [...this.volumes.values()];
    const unfinished = new Set(all.flatMap(({ name }) => imageOfPart(name) ?? []));
    return unfinished.size === 0 ? all : all.filter(({ name }) => !unfinished.has(name));
  }

  #lease(domain: SimDomain): void {
    const network = this.networks.get(domain.network);
    const dueAt = domain.startedAt + (this.#options.leaseAfterMs ?? 2000);
    if (domain.id === -1 || domain.leased || !network?.active || this.#clock.now() < dueAt) return;
    domain.leased = true;
    const { mac } = domain;
    const disk = this.rootOf(domain);
    const address = disk && this.#leased.get(disk);
    const isOwn = (held: LeaseView) =>
      held.mac === mac && (disk === undefined || held.address === address);
    const own = network.leases.find(isOwn) ?? { mac, address: this.#newAddress(network) };
    if (disk) this.#leased.set(disk, own.address);
    const expiresAt = Math.floor(dueAt / 1000) + leaseSeconds;
    // Of a guest whose disk is another one now the lease of before stays, under the same MAC.
    network.leases = [...network.leases.filter((held) => !isOwn(held)), { ...own, expiresAt }];
  }

  #newAddress({ prefix }: SimNetwork): string {
    this.#nextAddress += 1;
    return `${prefix}.${this.#nextAddress - 1}`;
  }
}

function refill<Thing>(
  map: Map<string, Thing>,
  things: readonly Thing[],
  key: (thing: Thing) => string,
): void {
  map.clear();
  for (const thing of things) map.set(key(thing), thing);
}

export function pathOf(volume: string): string {
  return `${poolPath}/${volume}`;
}

/** Who owns it, without what drifts. */
export function ownerKey(owner: OwnerMark | undefined): string {
  const { specHash: _, image: __, ...node } = owner?.node ?? {};
  return digestOf({ installation: owner?.installation, node });
}
