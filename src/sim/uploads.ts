/**
 * Uploads to a pool in memory, as the driver makes them: into a part that is the installation's
 * own, and under the final name only when it is whole. A stream takes time, in which others see
 * the part; it ends with the process that sends it.
 */
import { type Artifact, PortError } from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';
import { imageOfPart, partOf } from '../lib/part-name.ts';
import type { SimVolume } from './host.ts';

/** As in the driver: a part of others that nobody has written to for so long was cut. */
const cutAfterMs = 60_000;

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

  async send(
    { volume }: Artifact,
    capacityBytes: number,
    installation: string,
    signal: AbortSignal,
  ): Promise<void> {
    const part = partOf(volume, installation);
    await this.#streams.get(part);
    if (this.isWhole(volume)) return;
    await this.#removeCut(volume, part, signal);
    // Of two that come at once the second sees the part of the first.
    this.#requireNoPart(volume);
    this.#volumes.set(part, { name: part, capacityBytes });
    if (this.toCut > 0) {
      this.toCut -= 1;
      throw new PortError('failed', 'the stream was closed by the host');
    }
    if (this.streamMs > 0) await this.#stream(part, signal);
    if (!this.#volumes.delete(part)) throw new PortError('failed', `Volume ${part} is gone`);
    this.#volumes.set(volume, { name: volume, capacityBytes });
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

  async #removeCut(volume: string, own: string, signal: AbortSignal): Promise<void> {
    this.#requireNoPart(volume, (part) => this.#streams.has(part));
    const ofOthers = this.partsOf(volume).some((part) => part !== own);
    if (ofOthers) await this.#pass(cutAfterMs, signal);
    this.#requireNoPart(volume, (part) => this.#streams.has(part));
    if (this.partsOf(volume).length > 0) this.#volumes.delete(volume);
    for (const part of this.partsOf(volume)) this.#volumes.delete(part);
  }

  #requireNoPart(volume: string, counts = (_: string) => true): void {
    if (!this.partsOf(volume).some(counts)) return;
    throw new PortError('failed', `Another controller is uploading ${volume} now`);
  }

  async #stream(part: string, signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#streams.set(part, promise);
    try {
      await this.#pass(this.streamMs, signal);
    } finally {
      this.#streams.delete(part);
      resolve();
    }
  }

  #pass(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const onAbort = () => {
        cancel();
        reject(new PortError('cancelled', 'the upload was cancelled'));
      };
      const cancel = this.#clock.after(milliseconds, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}
