// A Duplex as the session needs it: writes of one turn of the event loop go out together,
// receiving can be paused, and the end is reported once, with its reason.
// Knows nothing of what the bytes mean.

import type { Duplex } from 'node:stream';
import type { LossReason } from './error.ts';

export interface TransportEvents {
  /** Only the first `bytes` count; they may be overwritten once this returns. */
  data(chunk: Buffer, bytes: number): void;
  drain(): void;
  lost(reason: LossReason, cause: unknown): void;
}

/**
 * A stream may offer its received bytes from one buffer that it uses again and again, instead of a
 * new buffer for each read. The bytes are valid only while the sink runs.
 */
export const directRead: unique symbol = Symbol('directRead');

export interface DirectReadable {
  [directRead](sink: (buffer: Buffer, bytes: number) => void): void;
}

/** More than this in one turn is written as it comes. */
const BATCH_BYTES = 65_536;

export class Transport {
  readonly #duplex: Duplex;
  #batch: Uint8Array[] = [];
  #batchBytes = 0;
  #paused = false;
  #destroyed = false;
  readonly #flush = (): void => {
    const [first] = this.#batch;
    if (first === undefined || this.#destroyed) return;
    const whole = this.#batch.length === 1 ? first : Buffer.concat(this.#batch, this.#batchBytes);
    this.#batch = [];
    this.#batchBytes = 0;
    this.#duplex.write(whole);
  };

  constructor(duplex: Duplex, events: TransportEvents) {
    this.#duplex = duplex;
    if (isDirect(duplex)) duplex[directRead](events.data);
    duplex.on('data', (chunk: Buffer) => events.data(chunk, chunk.length));
    duplex.on('drain', events.drain);
    // These stay for ever: a stream may still fail after it was destroyed.
    duplex.on('error', (error) => events.lost('socket', error));
    duplex.on('end', () => events.lost('eof', undefined));
    duplex.on('close', () => events.lost('eof', undefined));
  }

  get paused(): boolean {
    return this.#paused;
  }

  /** False: the transport is full, `drain` will come. */
  send(bytes: Uint8Array): boolean {
    if (bytes.length > BATCH_BYTES) {
      this.#flush();
      return this.#duplex.write(bytes);
    }
    if (this.#batch.length === 0) process.nextTick(this.#flush);
    this.#batch.push(bytes);
    this.#batchBytes += bytes.length;
    if (this.#batchBytes > BATCH_BYTES) this.#flush();
    return !this.#duplex.writableNeedDrain;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    if (paused) this.#duplex.pause();
    else this.#duplex.resume();
  }

  destroy(): void {
    this.#destroyed = true;
    this.#duplex.removeAllListeners('data');
    this.#duplex.destroy();
  }
}

function isDirect(duplex: Duplex): duplex is Duplex & DirectReadable {
  return directRead in duplex;
}
