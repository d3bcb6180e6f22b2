/**
 * Putting a file of an image into the pool, so that its final name never stands for anything but
 * the whole and checked file. libvirt can neither rename a volume nor upload byte for byte in one
 * step, so (docs/decisions/ tells why):
 *
 *   1. all but the head of the file is streamed into a part, its digest computed on the way;
 *   2. the part is cloned on the host under the final name, still without its head;
 *   3. the head is written, which makes it an image; sizes are compared; the part is deleted.
 *
 * A final name counts only while no part of it exists, so power may go at any point. Each
 * installation has a part of its own: what it clones is what it has sent, whoever else was there.
 */
import type { Artifact } from '../../controllers/ports.ts';
import { PortError } from '../../controllers/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import { imageOfPart, partOf } from '../../lib/part-name.ts';
import { isConflict, isStateRace, LibvirtError } from '../../libvirt/error.ts';
import { VolumeCreate } from '../../libvirt/flags.ts';
import { unlessAbsent } from './absent.ts';
import { requireContent } from './artifact-content.ts';
import { ArtifactSource } from './artifact-source.ts';
import type { LibvirtCalls } from './calls.ts';
import type { Domains } from './domains.ts';
import type { OpenPool, StoragePool } from './pool.ts';
import { overlayOf, usesVolume } from './volume-users.ts';
import { renderRawVolume } from './volume-xml.ts';
import { delay } from './wait.ts';

/** Enough to hide every magic number that libvirt knows at the start of a file. */
const headBytes = 4096;
/** A stream that still runs moves its part's modification time within this. */
const quietMs = 1000;
/** Another installation's upload may only be slow; one that has stood for so long was cut. */
const cutAfterMs = 60_000;
const cleanUpMs = 30_000;
/** Another copy in the pool makes a scan wait; after five seconds sizes are read as they are. */
const refreshTries = 20;

/** Final names that are hidden because their parts exist. */
export function unfinished(names: readonly string[]): Set<string> {
  return new Set(names.flatMap((name) => imageOfPart(name) ?? []));
}

export interface UploadParts {
  installation: string;
  /** For everything that is short. */
  calls: LibvirtCalls;
  /** A connection of its own, for the stream and the copy. */
  bulk: LibvirtCalls;
  pool: StoragePool;
  domains: Domains;
  clock: Clock;
  log: Log;
}

export type Progress = (sentBytes: number, totalBytes: number) => void;

export class Upload {
  readonly #parts: UploadParts;
  readonly #artifact: Artifact;
  readonly #signal: AbortSignal;
  readonly #part: string;
  /** The final name is, or may be, of our making. */
  #cloned = false;

  constructor(parts: UploadParts, artifact: Artifact, signal: AbortSignal) {
    this.#parts = parts;
    this.#artifact = artifact;
    this.#signal = signal;
    this.#part = partOf(artifact.volume, parts.installation);
  }

  async run(progress: Progress): Promise<void> {
    const pool = await this.#parts.pool.open(this.#signal);
    if (await this.#isPresent(pool)) return;
    await this.#removeLeftovers(pool);
    await using source = await this.#openSource();
    this.#requireRoom(pool, source);
    await this.#createPart(pool, source);
    // Whoever sees our part from now on waits for it; before, somebody may have begun.
    const others = (await this.#partsThere(pool)).filter((name) => name !== this.#part);
    const final = await this.#parts.pool.findFresh(this.#artifact.volume, this.#signal);
    if (others.length > 0 || final !== undefined) {
      await this.#delete(this.#part, this.#signal);
      if (await this.#isPresent(pool)) return;
      throw this.#busy();
    }
    let isWhole = false;
    try {
      await this.#sendTail(source, progress);
      await this.#clone(pool, source);
      await this.#sendHead(pool, source);
      isWhole = true;
    } finally {
      if (!isWhole) await this.#cleanUp();
    }
    // The commit: from here on the final name counts.
    await this.#delete(this.#part, this.#signal);
    progress(source.bytes, source.bytes);
  }

  #partsThere(open: OpenPool): Promise<string[]> {
    return this.#parts.pool.partsOf(this.#artifact.volume, open, this.#signal);
  }

  /** Whole already. A source that cannot be read any more is no reason to fail then. */
  async #isPresent(open: OpenPool): Promise<boolean> {
    const { volume, sourcePath } = this.#artifact;
    // In this order: an unfinished one has its part for longer than itself.
    const final = await this.#parts.pool.findFresh(volume, this.#signal);
    if (final === undefined || (await this.#partsThere(open)).length > 0) return false;
    const source = await ArtifactSource.open(sourcePath, 0).catch(() => undefined);
    await source?.[Symbol.asyncDispose]();
    if (source === undefined || source.bytes === final.fileBytes) return true;
    throw new PortError(
      'conflict',
      `Volume ${volume} has ${final.fileBytes} bytes and ${sourcePath} has ${source.bytes}`,
    );
  }

  async #removeLeftovers(pool: OpenPool): Promise<void> {
    const { log } = this.#parts;
    const { volume } = this.#artifact;
    const parts = await this.#partsThere(pool);
    if (parts.length === 0) return;
    await Promise.all(parts.map((name) => this.#requireCut(name)));
    const user =
      (await this.#parts.domains.readAll(this.#signal)).find((domain) =>
        usesVolume(pool, volume, domain),
      ) ?? overlayOf(volume, await this.#parts.pool.volumes(pool, this.#signal));
    if (user !== undefined) {
      throw new PortError('conflict', `Volume ${volume} is unfinished, but ${user.name} uses it`);
    }
    log.warn({ volume }, 'removing what an interrupted upload left');
    try {
      // The parts go last, or the final name would count for a moment.
      await this.#delete(volume, this.#signal);
      for (const name of parts) await this.#delete(name, this.#signal);
    } catch (error) {
      // A part is not written to while it is cloned: then libvirt keeps both.
      throw isStateRace(error) ? this.#busy() : error;
    }
  }

  /**
   * Throws while somebody writes to the part, or may do so again; and when it goes, because then
   * the final name may be a whole image.
   */
  async #requireCut(part: string): Promise<void> {
    const { clock, pool } = this.#parts;
    const first = await pool.findFresh(part, this.#signal);
    const limitMs = part === this.#part ? quietMs : cutAfterMs;
    for (let waitedMs = 0; waitedMs < limitMs; waitedMs += quietMs) {
      await delay(clock, quietMs, this.#signal);
      const later = await pool.findFresh(part, this.#signal);
      if (later === undefined || later.modified !== first?.modified) throw this.#busy();
    }
  }

  async #openSource(): Promise<ArtifactSource> {
    const { sourcePath } = this.#artifact;
    try {
      const source = await ArtifactSource.open(sourcePath, headBytes);
      if (source.bytes > 0) return source;
      await source[Symbol.asyncDispose]();
    } catch (cause) {
      throw new PortError('rejected', `Cannot read ${sourcePath}: ${String(cause)}`, { cause });
    }
    throw new PortError('rejected', `${sourcePath} is empty`);
  }

  #requireRoom(pool: OpenPool, source: ArtifactSource): void {
    const needed = 2 * source.bytes;
    if (pool.availableBytes >= needed) return;
    throw new PortError(
      'failed',
      `Storage pool ${pool.handle.name} has ${pool.availableBytes} bytes free; ${this.#artifact.volume} needs ${needed} while it is uploaded`,
    );
  }

  async #createPart(pool: OpenPool, source: ArtifactSource): Promise<void> {
    const name = this.#part;
    try {
      const xml = renderRawVolume({ name, bytes: source.bytes });
      await this.#parts.calls.volumes.create(pool.handle, xml, 0, { signal: this.#signal });
    } catch (error) {
      throw isConflict(error) ? this.#busy() : error;
    } finally {
      this.#parts.pool.forget(name);
    }
  }

  async #sendTail(source: ArtifactSource, progress: Progress): Promise<void> {
    const { bulk, pool } = this.#parts;
    if (source.bytes > source.head.length) {
      const tail = source.tail((sent) => progress(Math.min(sent, source.bytes), source.bytes));
      await bulk.volumes.upload(pool.volume(this.#part), tail, {
        offset: source.head.length,
        length: source.bytes - source.head.length,
        signal: this.#signal,
      });
    }
    requireContent(this.#artifact, source.sha256);
  }

  /** A copy on the host; where its file system can share blocks, at no cost. */
  async #clone(pool: OpenPool, source: ArtifactSource): Promise<void> {
    const { volume } = this.#artifact;
    const part = this.#parts.pool.volume(this.#part);
    const xml = renderRawVolume({ name: volume, bytes: source.bytes });
    const copy = (flags: number): Promise<unknown> =>
      this.#parts.bulk.volumes.createFrom(pool.handle, xml, part, flags, { signal: this.#signal });
    this.#cloned = true;
    try {
      await copy(VolumeCreate.reflink);
    } catch (error) {
      if (isConflict(error)) this.#cloned = false;
      if (!(error instanceof LibvirtError) || isConflict(error)) throw error;
      await copy(0);
    } finally {
      this.#parts.pool.forget(volume);
    }
  }

  async #sendHead(pool: OpenPool, source: ArtifactSource): Promise<void> {
    const { bulk } = this.#parts;
    const { volume } = this.#artifact;
    const { head } = source;
    async function* bytes(): AsyncGenerator<Buffer> {
      yield head;
    }
    await bulk.volumes.upload(this.#parts.pool.volume(volume), bytes(), {
      length: head.length,
      signal: this.#signal,
    });
    await this.#parts.pool.refresh(pool, refreshTries, this.#signal);
    const final = await this.#parts.pool.findFresh(volume, this.#signal);
    if (final?.fileBytes === source.bytes) return;
    throw new PortError(
      'failed',
      `Volume ${volume} has ${final?.fileBytes} bytes instead of ${source.bytes}`,
    );
  }

  /**
   * Leaves nothing, or (when the host is gone too) what the next upload will recognise. Whoever
   * took our part away took this upload for one that was cut: the final name is no longer ours.
   */
  async #cleanUp(): Promise<void> {
    const { log, pool } = this.#parts;
    const { volume } = this.#artifact;
    try {
      const signal = AbortSignal.timeout(cleanUpMs);
      if ((await pool.findFresh(this.#part, signal)) === undefined) return;
      if (this.#cloned) await this.#delete(volume, signal);
      await this.#delete(this.#part, signal);
    } catch (error) {
      log.warn({ volume, error: String(error) }, 'an interrupted upload is left for the next one');
    }
  }

  async #delete(name: string, signal: AbortSignal): Promise<void> {
    const { calls, pool } = this.#parts;
    await unlessAbsent(calls.volumes.delete(pool.volume(name), 0, { signal }));
    pool.forget(name);
  }

  #busy(): PortError {
    return new PortError('failed', `Another controller is uploading ${this.#artifact.volume} now`);
  }
}
