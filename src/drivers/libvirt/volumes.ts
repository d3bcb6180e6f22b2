/**
 * Overlays and the removal of volumes. libvirt deletes a volume under a running domain, and a base
 * image under its overlays, without a word: the guards here are the only ones.
 * What a volume is used by is read from libvirt at that moment, never from a cache.
 */
import { PortError } from '../../controllers/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import { imageOfPart, partOf } from '../../lib/part-name.ts';
import { isConflict } from '../../libvirt/error.ts';
import { unlessAbsent } from './absent.ts';
import type { LibvirtCalls } from './calls.ts';
import type { Domains } from './domains.ts';
import type { OpenPool, StoragePool } from './pool.ts';
import type { VolumeConfig } from './read-host.ts';
import { overlayOf, usesVolume } from './volume-users.ts';
import { renderOverlay, renderRawVolume } from './volume-xml.ts';
import { delay } from './wait.ts';

export interface OverlayRequest {
  name: string;
  capacityBytes: number;
  backingVolume: string;
}

const settleTries = 4;
const settlePauseMs = 200;
const consoleLogSuffix = '.console.log';

/** The console's log is a volume too, so that it is read and removed through libvirt alone. */
export function consoleLogOf(diskVolume: string): string {
  return `${diskVolume.replace(/\.qcow2$/, '')}${consoleLogSuffix}`;
}

export interface VolumesOptions {
  calls: LibvirtCalls;
  pool: StoragePool;
  domains: Domains;
  clock: Clock;
  installation: string;
}

export class Volumes {
  readonly #calls: LibvirtCalls;
  readonly #pool: StoragePool;
  readonly #domains: Domains;
  readonly #clock: Clock;
  readonly #installation: string;

  constructor({ calls, pool, domains, clock, installation }: VolumesOptions) {
    this.#clock = clock;
    this.#calls = calls;
    this.#pool = pool;
    this.#domains = domains;
    this.#installation = installation;
  }

  async createOverlay(request: OverlayRequest, signal: AbortSignal): Promise<void> {
    const pool = await this.#pool.open(signal);
    // In this order: an unfinished one has its part for longer than itself.
    const base = await this.#pool.findFresh(request.backingVolume, signal);
    const parts = await this.#pool.partsOf(request.backingVolume, pool, signal);
    if (base === undefined || parts.length > 0) {
      throw new PortError('failed', `Backing volume ${request.backingVolume} is not there yet`);
    }
    if (await this.#isPresent(request, base, signal)) return;
    if (request.capacityBytes < base.capacityBytes) {
      throw new PortError(
        'rejected',
        `A disk of ${request.capacityBytes} bytes is smaller than its image ${base.name}, which has ${base.capacityBytes}`,
      );
    }
    const { name, capacityBytes } = request;
    const xml = renderOverlay({ name, capacityBytes, backingPath: base.path });
    try {
      await this.#calls.volumes.create(pool.handle, xml, 0, { signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
      if (await this.#isPresent(request, base, signal)) return;
      throw new PortError('failed', `Volume ${name} is being made or removed now`);
    } finally {
      this.#pool.forget(name);
    }
  }

  /** A volume that differs may be in the making still, by a process that is gone: look again. */
  async #isPresent(
    request: OverlayRequest,
    base: VolumeConfig,
    signal: AbortSignal,
  ): Promise<boolean> {
    for (let left = settleTries; ; left -= 1) {
      const present = await this.#pool.findFresh(request.name, signal);
      if (present === undefined) return false;
      if (isSame(present, request, base)) return true;
      if (left === 0) throw different(present, request, base);
      await delay(this.#clock, settlePauseMs, signal);
    }
  }

  /** An empty file for the console's log; one that is there is kept and appended to. */
  async createConsoleLog(pool: OpenPool, name: string, signal: AbortSignal): Promise<void> {
    try {
      const xml = renderRawVolume({ name, bytes: 0 });
      await this.#calls.volumes.create(pool.handle, xml, 0, { signal });
    } catch (error) {
      if (!isConflict(error)) throw error;
    } finally {
      this.#pool.forget(name);
    }
  }

  /**
   * Removes the volume with what belongs to it: a console log, the part of a cut upload. A part
   * takes with it what was made of it.
   */
  async remove(volume: string, onlyUsedBy: string | undefined, signal: AbortSignal): Promise<void> {
    const pool = await this.#pool.open(signal);
    const image = imageOfPart(volume);
    const name = image ?? volume;
    if (image !== undefined && (await this.#pool.findFresh(volume, signal)) === undefined) return;
    const target = await this.#pool.findFresh(name, signal);
    // An image may have got overlays that we did not make; they are looked for one by one.
    const isImage = target !== undefined && target.backingPath === undefined;
    if (isImage) this.#pool.forget();
    const log = consoleLogOf(name);
    await this.#findRotated(pool, log, signal);
    const volumes = await this.#pool.volumes(pool, signal);
    const belongs = volumes
      .map((volume) => volume.name)
      .filter((other) => other === log || isRotated(other, log));
    const parts = volumes.map((other) => other.name).filter((other) => imageOfPart(other) === name);
    if (parts.some((part) => part !== partOf(name, this.#installation))) {
      throw new PortError('conflict', `Volume ${name} is being uploaded by another installation`);
    }
    // The volume goes after its log, so that a repeat finds the rest by it, and before its part,
    // because without the part half an image would count as whole.
    const doomed = [...belongs, ...(target ? [name] : []), ...parts];
    if (doomed.length === 0) return;
    await this.#requireUnused({ pool, names: doomed, volumes, isImage }, onlyUsedBy, signal);
    for (const victim of doomed) await this.#delete(victim, signal);
  }

  /** The logs among the files of a domain of ours that is about to be undefined. */
  async removeConsoleLogs(files: readonly string[], signal: AbortSignal): Promise<void> {
    const pool = await this.#pool.open(signal);
    for (const file of files) {
      const name = file.slice(pool.path.length + 1);
      if (file !== `${pool.path}/${name}` || !name.endsWith(consoleLogSuffix)) continue;
      await this.#findRotated(pool, name, signal);
      const found = await this.#calls.volumes.list(pool.handle, { signal });
      for (const other of found.filter((volume) => isRotated(volume.name, name))) {
        await this.#delete(other.name, signal);
      }
      await this.#delete(name, signal);
    }
  }

  /** The log's daemon makes files that libvirt learns of only by a scan. */
  async #findRotated(pool: OpenPool, log: string, signal: AbortSignal): Promise<void> {
    const present = await this.#pool.findFresh(log, signal);
    if (present !== undefined && present.fileBytes > 0) await this.#pool.refresh(pool, 1, signal);
  }

  async #delete(name: string, signal: AbortSignal): Promise<void> {
    await unlessAbsent(this.#calls.volumes.delete(this.#pool.volume(name), 0, { signal }));
    this.#pool.forget(name);
  }

  async #requireUnused(
    doomed: {
      pool: OpenPool;
      names: readonly string[];
      volumes: readonly VolumeConfig[];
      isImage: boolean;
    },
    onlyUsedBy: string | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const { pool, names, volumes, isImage } = doomed;
    // What cannot be read may be an overlay of the image.
    const blind =
      isImage && volumes.find(({ unreadable, name }) => unreadable && !names.includes(name));
    if (blind) {
      throw new PortError(
        'conflict',
        `Volume ${blind.name} cannot be read; it may need ${names[0]}`,
      );
    }
    for (const name of names) {
      const overlay = overlayOf(name, volumes);
      if (overlay !== undefined) {
        throw new PortError('conflict', `Volume ${name} is the base of volume ${overlay.name}`);
      }
    }
    for (const domain of await this.#domains.readAll(signal)) {
      const isMine = domain.uuid === onlyUsedBy && domain.id === -1;
      const used = isMine ? undefined : names.find((name) => usesVolume(pool, name, domain));
      if (used !== undefined) {
        throw new PortError('conflict', `Volume ${used} is used by domain ${domain.name}`);
      }
    }
  }
}

/** virtlogd keeps older parts of a long log as `name.0`, `name.1` … */
function isRotated(name: string, log: string): boolean {
  return name.startsWith(`${log}.`) && /^\d+$/.test(name.slice(log.length + 1));
}

function isSame(present: VolumeConfig, request: OverlayRequest, base: VolumeConfig): boolean {
  return (
    present.format === 'qcow2' &&
    present.capacityBytes === request.capacityBytes &&
    present.backingPath === base.path
  );
}

function different(present: VolumeConfig, request: OverlayRequest, base: VolumeConfig): PortError {
  const is = `${present.format} of ${present.capacityBytes} bytes on ${present.backingPath ?? 'no image'}`;
  const wanted = `qcow2 of ${request.capacityBytes} bytes on ${base.path}`;
  return new PortError(
    'conflict',
    `Volume ${request.name} exists and is ${is} instead of ${wanted}`,
  );
}
