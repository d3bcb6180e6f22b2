/**
 * Uploads to a pool in memory, as the driver makes them: into a part that is the installation's
 * own, and under the final name only when it is whole. A stream takes time, in which others see
 * the part; it ends with the process that sends it.
 */
import { PortError } from '../controllers/ports.ts';
import { delay } from '../drivers/libvirt/wait.ts';
import type { Clock } from '../lib/clock.ts';
import { imageOfPart, partOf } from '../lib/part-name.ts';
import type { SimVolume } from './host.ts';

/** As in the driver: a part of others that nobody has written to for so long was cut. */
const cutAfterMs = 60_000;

/** A file on the machine of a controller. */
export interface ImageFile {
  /** Of what it really holds. */
  sha256: string;
  bytes: number;
  /** Of the disk in it. */
  capacityBytes: number;
}

export interface Sender {
  installation: string;
  /** Undefined when it cannot be read; without this all files are what their manifests say. */
  fileAt?: (path: string) => (Pick<ImageFile, 'sha256'> & Partial<ImageFile>) | undefined;
}

interface Sending {
  file: ImageFile;
  /** Whose upload it is. */
  installation: string;
  signal: AbortSignal;
}

export class SimUploads {
  /** How long a stream takes; at 0 nobody sees a part that was not cut. */
  streamMs = 0;
  /** Streams that are to end in their midst, and leave a part that looks as large as the whole. */
  toCut = 0;
  readonly #volumes: Map<string, SimVolume>;
  readonly #clock: Clock;
  /** Those that run, by part. */
  readonly #streams = new Map<string, Promise<void>>();

  constructor(volumes: Map<string, SimVolume>, clock: Clock) {
    this.#volumes = volumes;
    this.#clock = clock;
  }

  partsOf(image: string): string[] {
    return [...this.#volumes.keys()].filter((name) => imageOfPart(name) === image);
  }

  isWhole(image: string): boolean {
    return this.#volumes.has(image) && this.partsOf(image).length === 0;
  }

  /** Undefined when it is done at once, which nobody needs to wait for. */
  send(volume: string, sending: Sending): Promise<void> | undefined {
    const part = partOf(volume, sending.installation);
    const isFree = this.partsOf(volume).every((name) => name === part);
    if (this.streamMs > 0 || !isFree) return this.#sendSlowly(volume, part, sending);
    this.#begin(volume, part, sending);
    this.#finish(volume, part, sending);
    return undefined;
  }

  /** Volumes that go with that one, the part last; refuses to touch an upload of others. */
  doomedWith(volume: string, installation: string): string[] {
    const image = imageOfPart(volume);
    if (image !== undefined && !this.#volumes.has(volume)) return [];
    const name = image ?? volume;
    const own = partOf(name, installation);
    if (this.partsOf(name).some((part) => part !== own)) {
      throw new PortError('conflict', `Volume ${name} is being uploaded by another installation`);
    }
    if (this.#streams.has(own)) throw new PortError('conflict', `Volume ${name} is being uploaded`);
    return [name, own];
  }

  async #sendSlowly(volume: string, part: string, sending: Sending): Promise<void> {
    await this.#streams.get(part);
    if (this.isWhole(volume)) return;
    const isRunning = (name: string) => this.#streams.has(name);
    this.#requireNoPart(volume, isRunning);
    const ofOthers = this.partsOf(volume).filter((name) => name !== part);
    if (ofOthers.length > 0) {
      await delay(this.#clock, cutAfterMs, sending.signal);
      if (!ofOthers.every((name) => this.#volumes.has(name))) throw this.#busy(volume);
    }
    // Of two that come at once the second sees the part of the first.
    this.#requireNoPart(volume, isRunning);
    this.#begin(volume, part, sending);
    if (this.streamMs > 0) await this.#stream(part, sending.signal);
    if (!this.#volumes.has(part)) throw new PortError('failed', `Volume ${part} is gone`);
    this.#finish(volume, part, sending);
  }

  /** What was left goes first. */
  #begin(volume: string, part: string, { file: { capacityBytes } }: Sending): void {
    const left = this.partsOf(volume);
    for (const name of left.length > 0 ? [volume, ...left] : []) this.#volumes.delete(name);
    this.#volumes.set(part, { name: part, capacityBytes });
    if (this.toCut === 0) return;
    this.toCut -= 1;
    throw new PortError('failed', 'the stream was closed by the host');
  }

  #finish(volume: string, part: string, { file: { capacityBytes, sha256 } }: Sending): void {
    this.#volumes.delete(part);
    this.#volumes.set(volume, { name: volume, capacityBytes, contentSha256: sha256 });
  }

  #requireNoPart(volume: string, counts: (part: string) => boolean): void {
    if (this.partsOf(volume).some(counts)) throw this.#busy(volume);
  }

  #busy(volume: string): PortError {
    return new PortError('failed', `Another controller is uploading ${volume} now`);
  }

  async #stream(part: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#streams.set(part, promise);
    try {
      await delay(this.#clock, this.streamMs, signal);
    } finally {
      this.#streams.delete(part);
      resolve();
    }
  }
}
