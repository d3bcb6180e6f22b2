// Bounds what a hostile SSH server can make us hold or do with bytes that nobody asked for.
// Payload that a stream or a command has taken is free; all else (protocol chatter, data beyond
// the window that nobody reads) is overhead with a budget that refills slowly. A healthy server
// stays far below it for ever. It counts only; the connection acts on its verdict.

import type { SshClock } from './clock.ts';

const BURST_BYTES = 32 * 1024 * 1024;
const REFILL_BYTES_PER_MS = 256;
// Small payloads have large envelopes: 28 bytes of RPC travel in a packet of about 80.
const ENVELOPE_FACTOR = 16;
const UNSENT_BYTES = 64 * 1024 * 1024;

export class TrafficGuard {
  readonly #clock: SshClock;
  #overhead = 0;
  #at: number;

  constructor(clock: SshClock) {
    this.#clock = clock;
    this.#at = clock.now();
  }

  delivered(bytes: number): void {
    this.#overhead = Math.max(0, this.#overhead - bytes * (ENVELOPE_FACTOR + 1));
  }

  // Returns what is wrong, or nothing. `unsent` is what waits to be written to the peer.
  received(bytes: number, unsent: number): string | undefined {
    const now = this.#clock.now();
    const refill = (now - this.#at) * REFILL_BYTES_PER_MS;
    this.#at = now;
    this.#overhead = Math.max(0, this.#overhead - refill) + bytes;
    if (this.#overhead > BURST_BYTES) return 'it floods us with data that nobody asked for';
    if (unsent > UNSENT_BYTES) return 'it makes us answer and does not read the answers';
    return undefined;
  }
}
