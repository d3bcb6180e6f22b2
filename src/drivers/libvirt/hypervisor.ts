/**
 * The Hypervisor port on libvirt: puts the parts together, keeps what they cache in step with
 * libvirt's events, and turns every error into a PortError.
 * It decides nothing about clusters. Closing it ends its connection and nothing on the host.
 */
import type {
  Artifact,
  DomainChange,
  DomainSpec,
  HostInventory,
  Hypervisor,
  NetworkSpec,
  OwnerMark,
  SeenDomain,
} from '../../controllers/ports.ts';
import { PortError } from '../../controllers/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { imageOfPart } from '../../lib/part-name.ts';
import { Client } from '../../libvirt/client.ts';
import type { Dial } from '../../libvirt/dial.ts';
import type { EventKind, LibvirtEvent } from '../../libvirt/events.ts';
import { readConsoleLog } from './console-log.ts';
import { Domains } from './domains.ts';
import { Guests } from './guest.ts';
import { Inventory } from './inventory.ts';
import { KeyedLock } from './keyed-lock.ts';
import { Networks } from './networks.ts';
import { StoragePool } from './pool.ts';
import { type CallKind, toPortError } from './port-error.ts';
import { SharedListing } from './shared-listing.ts';
import { type Progress, Upload } from './upload.ts';
import { consoleLogOf, type OverlayRequest, Volumes } from './volumes.ts';
import { unlessCancelled } from './wait.ts';

export interface HypervisorOptions {
  /** A fresh byte stream to the daemon's socket; also used for a second connection for bulk data. */
  dial: Dial;
  poolName: string;
  /** Whose marks are ours. */
  installation: string;
  clock: Clock;
  log: Log;
  /** As CONNECT_OPEN wants it. */
  driverUri?: string;
  /** Everything is read again after this, in case something changed without an event. */
  relistMs?: number;
  /** A listing is given out again for so long, if nothing is known to have changed. */
  reuseMs?: number;
}

const events: readonly EventKind[] = [
  'domain-lifecycle',
  'domain-agent-lifecycle',
  'domain-metadata-change',
  'domain-device-removed',
  'domain-io-error',
  'network-lifecycle',
  'pool-lifecycle',
  'pool-refresh',
];
const relistDefaultMs = 300_000;
const reuseDefaultMs = 250;
const maxConsoleBytes = 1024 * 1024;

export function createHypervisor(options: HypervisorOptions): Hypervisor {
  return new LibvirtHypervisor(options);
}

class LibvirtHypervisor implements Hypervisor {
  readonly #options: HypervisorOptions;
  readonly #client: Client;
  readonly #pool: StoragePool;
  readonly #domains: Domains;
  readonly #networks: Networks;
  readonly #volumes: Volumes;
  readonly #guests: Guests;
  readonly #inventory: Inventory;
  readonly #listing: SharedListing<HostInventory>;
  readonly #listeners = new Set<(change: { domain?: string }) => void>();
  readonly #uploads = new KeyedLock();
  #relistAt: number;

  constructor(options: HypervisorOptions) {
    const { clock, installation, poolName, driverUri = 'qemu:///system' } = options;
    this.#options = options;
    const client = new Client({ dial: options.dial, name: driverUri, events });
    this.#client = client;
    this.#pool = new StoragePool(poolName, client, clock);
    this.#domains = new Domains(client);
    this.#networks = new Networks(client);
    this.#volumes = new Volumes({
      ...{ calls: client, pool: this.#pool, domains: this.#domains },
      ...{ clock, installation },
    });
    this.#guests = new Guests(client);
    this.#inventory = new Inventory({
      ...{ calls: client, installation },
      ...{ pool: this.#pool, domains: this.#domains, networks: this.#networks },
    });
    const load = (): Promise<HostInventory> => this.#inventory.read();
    this.#listing = new SharedListing(load, clock, options.reuseMs ?? reuseDefaultMs);
    this.#relistAt = clock.now();
    this.#watch();
  }

  inventory(signal: AbortSignal): Promise<HostInventory> {
    return this.#perform('read', 'Listing the host', signal, () => {
      const { clock, relistMs = relistDefaultMs } = this.#options;
      if (Math.abs(clock.now() - this.#relistAt) >= relistMs) this.#reset();
      return unlessCancelled(this.#listing.get(), signal);
    });
  }

  onChange(listener: (change: { domain?: string }) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  hostKey(uuid: string, signal: AbortSignal): Promise<string> {
    const doing = 'Reading the SSH host key of a guest';
    return this.#perform('read', doing, signal, () => this.#guests.hostKey(uuid, signal));
  }

  guestAddresses(uuid: string, signal: AbortSignal): Promise<{ mac: string; address: string }[]> {
    const doing = 'Reading the addresses of a guest';
    return this.#perform('read', doing, signal, () => this.#guests.addresses(uuid, signal));
  }

  consoleLog(volume: string, maxBytes: number, signal: AbortSignal): Promise<string> {
    const bytes = Math.min(maxBytes, maxConsoleBytes);
    return this.#perform('read', `Reading the console of ${volume}`, signal, () =>
      readConsoleLog(this.#client, this.#pool, consoleLogOf(volume), bytes, signal),
    );
  }

  uploadArtifact(artifact: Artifact, progress: Progress, signal: AbortSignal): Promise<void> {
    const { clock, log, installation } = this.#options;
    const ours = { pool: this.#pool, domains: this.#domains, clock, log, installation };
    const parts = { calls: this.#client, ...ours };
    return this.#perform('write', `Uploading ${artifact.volume}`, signal, () =>
      this.#uploads.run(artifact.volume, () =>
        this.#client.dedicated(
          (bulk) => new Upload({ ...parts, bulk }, artifact, signal).run(progress),
          signal,
        ),
      ),
    );
  }

  createVolume(volume: OverlayRequest, signal: AbortSignal): Promise<void> {
    return this.#perform('write', `Creating volume ${volume.name}`, signal, () =>
      this.#volumes.createOverlay(volume, signal),
    );
  }

  deleteVolume(name: string, onlyUsedBy: string | undefined, signal: AbortSignal): Promise<void> {
    return this.#perform('write', `Deleting volume ${name}`, signal, async () => {
      if (this.#uploads.isHeld(imageOfPart(name) ?? name)) {
        throw new PortError('conflict', `Volume ${name} is being uploaded`);
      }
      await this.#volumes.remove(name, onlyUsedBy, signal);
    });
  }

  defineDomain(domain: DomainSpec, signal: AbortSignal): Promise<void> {
    return this.#perform('write', `Defining domain ${domain.name}`, signal, async () => {
      const pool = await this.#pool.open(signal);
      const log = consoleLogOf(domain.volume);
      const pathOf = (volume: string): string => `${pool.path}/${volume}`;
      const { boot } = domain;
      const files = {
        disk: pathOf(domain.volume),
        consoleLog: pathOf(log),
        ...(boot && { kernel: pathOf(boot.kernel) }),
        ...(boot?.initrd && { initrd: pathOf(boot.initrd) }),
      };
      await this.#domains.define(domain, files, signal, () =>
        this.#volumes.createConsoleLog(pool, log, signal),
      );
    });
  }

  changeDomain(change: DomainChange, domain: SeenDomain, signal: AbortSignal): Promise<void> {
    return this.#perform('write', `Domain ${domain.uuid}, ${change}`, signal, () =>
      this.#domains.change(change, domain, signal, ({ files }) =>
        this.#volumes.removeConsoleLogs(files, signal),
      ),
    );
  }

  createNetwork(network: NetworkSpec, signal: AbortSignal): Promise<void> {
    return this.#perform('write', `Creating network ${network.name}`, signal, () =>
      this.#networks.create(network, signal),
    );
  }

  removeNetwork(
    network: { name: string; uuid: string; owner: OwnerMark },
    signal: AbortSignal,
  ): Promise<void> {
    return this.#perform('write', `Removing network ${network.name}`, signal, async () => {
      const domains = await this.#domains.readAll(signal);
      const user = domains.find(({ networks }) => networks.includes(network.name));
      if (user !== undefined) {
        throw new PortError('conflict', `Network ${network.name} is used by domain ${user.name}`);
      }
      await this.#networks.remove(network, signal);
    });
  }

  async close(): Promise<void> {
    this.#listeners.clear();
    await this.#client.close();
  }

  #watch(): void {
    const { log } = this.#options;
    this.#client.on('event', (event) => this.#onEvent(event));
    this.#client.on('connected', () => this.#changed());
    this.#client.on('reconnected', () => {
      log.info('connected to libvirt again');
      this.#reset();
      this.#changed();
    });
    this.#client.on('disconnected', (lost) => {
      if (lost.reason !== 'closed') {
        log.warn({ reason: lost.reason }, 'the connection to libvirt is lost');
      }
      this.#listing.changed();
    });
    this.#client.on('unreachable', ({ error, attempts, retryInMs }) => {
      log.debug({ error: String(error), attempts, retryInMs }, 'libvirt does not answer');
    });
    this.#client.start();
  }

  #onEvent(event: LibvirtEvent): void {
    if ('domain' in event) {
      this.#domains.forget(event.domain.uuid);
      this.#changed(event.domain.uuid);
    } else if ('network' in event) {
      this.#networks.forget(event.network.uuid);
      this.#changed();
    } else if (event.pool.name === this.#pool.name) {
      if (event.kind === 'pool-refresh') this.#pool.forget();
      else this.#pool.reset();
      this.#changed();
    }
  }

  #changed(domain?: string): void {
    this.#listing.changed();
    const change = domain === undefined ? {} : { domain };
    for (const listener of [...this.#listeners]) listener(change);
  }

  #reset(): void {
    this.#inventory.reset();
    this.#listing.changed();
    this.#relistAt = this.#options.clock.now();
  }

  async #perform<T>(
    kind: CallKind,
    doing: string,
    signal: AbortSignal,
    work: () => Promise<T>,
  ): Promise<T> {
    try {
      signal.throwIfAborted();
      return await work();
    } catch (error) {
      throw toPortError(error, kind, doing, signal);
    } finally {
      if (kind === 'write') this.#listing.changed();
    }
  }
}
