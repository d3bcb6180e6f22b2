/**
 * The storage pool that images and disks live in. It is made by the host's owner and never by us:
 * when it is missing or stopped, the error says the command that mends it.
 * Volumes are listed by name each time and read in full only once, until the pool says that it was
 * scanned again or we change one ourselves.
 */

import { PortError } from '../../controllers/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import { imageOfPart } from '../../lib/part-name.ts';
import { isDamaged } from '../../lib/printable.ts';
import { LibvirtError } from '../../libvirt/error.ts';
import type { PoolHandle, VolumeHandle } from '../../libvirt/procedures/handle.ts';
import { unlessAbsent } from './absent.ts';
import { type LibvirtCalls, readsAtOnce } from './calls.ts';
import { EpochCache } from './epoch-cache.ts';
import { mapLimited } from './limited.ts';
import { readPoolPath, readVolume, unreadableVolume, type VolumeConfig } from './read-host.ts';
import { delay } from './wait.ts';
import { XmlFault } from './xml.ts';

export interface OpenPool {
  handle: PoolHandle;
  path: string;
  availableBytes: number;
}

/** ENOENT */
const noSuchFile = 2;
const refreshPauseMs = 250;

export class StoragePool {
  readonly name: string;
  readonly #calls: LibvirtCalls;
  readonly #clock: Clock;
  readonly #pools = new EpochCache<{ handle: PoolHandle; path: string }>();
  readonly #volumes = new EpochCache<VolumeConfig>();

  constructor(name: string, calls: LibvirtCalls, clock: Clock) {
    this.name = name;
    this.#calls = calls;
    this.#clock = clock;
  }

  /** Throws `rejected` unless the pool exists and is active. */
  async open(signal?: AbortSignal): Promise<OpenPool> {
    const options = { signal };
    const { handle, path } = await this.#pools.get('', async () => {
      const found = await unlessAbsent(this.#calls.pools.lookupByName(this.name, options));
      if (found === undefined) throw this.#unusable('does not exist', this.#defineCommand());
      return { handle: found, path: readPoolPath(await this.#calls.pools.xml(found, 0, options)) };
    });
    const info = await unlessAbsent(this.#calls.pools.info(handle, options));
    if (info?.state === 'running' || info?.state === 'degraded') {
      return { handle, path, availableBytes: info.availableBytes };
    }
    this.#pools.clear();
    throw info === undefined
      ? this.#unusable('does not exist', this.#defineCommand())
      : this.#unusable('is not active', `virsh pool-start ${this.name}`);
  }

  volume(name: string): VolumeHandle {
    return { pool: this.name, name };
  }

  /** Every volume that libvirt knows in the pool, parts of uploads included. */
  async volumes({ handle }: OpenPool, signal?: AbortSignal): Promise<VolumeConfig[]> {
    const found = await this.#calls.volumes.list(handle, { signal });
    this.#volumes.keepOnly(new Set(found.map(({ name }) => name)));
    const read = await mapLimited(found, readsAtOnce, async ({ name, key }) => {
      // By that name libvirt would know nothing.
      if (isDamaged(name)) return unreadableVolume(name, key);
      try {
        return await this.find(name, signal);
      } catch (error) {
        const isOfVolume = error instanceof LibvirtError || error instanceof XmlFault;
        if (isOfVolume) return unreadableVolume(name, key);
        throw error;
      }
    });
    return read.filter((volume) => volume !== undefined);
  }

  /** Undefined when there is no such volume. */
  async find(name: string, signal?: AbortSignal): Promise<VolumeConfig | undefined> {
    try {
      return await unlessAbsent(this.#volumes.get(name, () => this.#read(name, signal)));
    } catch (error) {
      // Somebody removed the file behind libvirt's back, which lists it until its next scan.
      if (error instanceof LibvirtError && error.errno === noSuchFile) return undefined;
      throw error;
    }
  }

  /** Parts of uploads of that image, of whatever installation, as they are at this moment. */
  async partsOf(image: string, { handle }: OpenPool, signal?: AbortSignal): Promise<string[]> {
    const found = await this.#calls.volumes.list(handle, { signal });
    return found.map(({ name }) => name).filter((name) => imageOfPart(name) === image);
  }

  /** As it is at this moment. */
  findFresh(name: string, signal?: AbortSignal): Promise<VolumeConfig | undefined> {
    this.#volumes.invalidate(name);
    return this.find(name, signal);
  }

  /**
   * Scans the directory, so that sizes and formats are those of the files. The pool refuses while
   * something is being copied in it; after so many tries that is left to the next scan.
   */
  async refresh({ handle }: OpenPool, tries: number, signal?: AbortSignal): Promise<boolean> {
    for (let left = tries; ; left -= 1) {
      try {
        await this.#calls.pools.refresh(handle, { signal });
        this.forget();
        return true;
      } catch (error) {
        // "pool has asynchronous jobs running" comes as an internal error.
        const isBusy = error instanceof LibvirtError && error.code === 'INTERNAL_ERROR';
        if (!isBusy) throw error;
        if (left <= 1) return false;
      }
      await delay(this.#clock, refreshPauseMs, signal);
    }
  }

  forget(name?: string): void {
    if (name === undefined) this.#volumes.clear();
    else this.#volumes.invalidate(name);
  }

  /** After a lost connection the pool itself may be another one. */
  reset(): void {
    this.#pools.clear();
    this.#volumes.clear();
  }

  async #read(name: string, signal?: AbortSignal): Promise<VolumeConfig> {
    return readVolume(await this.#calls.volumes.xml(this.volume(name), { signal }));
  }

  #defineCommand(): string {
    const target = '--target /var/lib/libvirt/images';
    const { name } = this;
    return `virsh pool-define-as ${name} dir ${target} && virsh pool-build ${name} && virsh pool-start ${name} && virsh pool-autostart ${name}`;
  }

  #unusable(what: string, command: string): PortError {
    return new PortError(
      'rejected',
      `Storage pool ${this.name} ${what}. On the host run: ${command}`,
    );
  }
}
