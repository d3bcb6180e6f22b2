// One call from its encoding to its end. It settles its promise once; afterwards it may live on as
// `abandoned`, which only keeps its serial and its slot until the daemon's late answer.

import type { Deadline } from './deadlines.ts';
import { Cancelled, Timeout } from './error.ts';
import type { Procedure } from './procedures/procedure.ts';
import type { Priority } from './slots.ts';
import type { StreamChannel } from './stream-channel.ts';

export interface CallOptions {
  /** Milliseconds from now, waiting in the queue included. */
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface PendingCallParts {
  readonly procedure: Procedure<unknown, unknown>;
  readonly serial: number;
  readonly bytes: Buffer;
  readonly timeoutMs: number;
  readonly channel: StreamChannel | undefined;
  readonly signal: AbortSignal | undefined;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
  /** The caller has stopped waiting. */
  readonly onGivenUp: (call: PendingCall) => void;
}

export class PendingCall implements Deadline {
  readonly procedure: Procedure<unknown, unknown>;
  readonly priority: Priority;
  readonly serial: number;
  readonly timeoutMs: number;
  readonly channel: StreamChannel | undefined;
  dueMs = 0;
  sent = false;
  abandoned = false;
  #bytes: Buffer | undefined;
  readonly #parts: PendingCallParts;
  readonly #onAbort: (() => void) | undefined;

  constructor(parts: PendingCallParts) {
    this.#parts = parts;
    this.procedure = parts.procedure;
    this.priority = parts.procedure.priority;
    this.serial = parts.serial;
    this.timeoutMs = parts.timeoutMs;
    this.channel = parts.channel;
    this.#bytes = parts.bytes;
    if (parts.signal) {
      const { signal, procedure } = parts;
      this.#onAbort = () => this.#giveUp(new Cancelled(procedure.name, this.sent, signal.reason));
      signal.addEventListener('abort', this.#onAbort, { once: true });
    }
  }

  /** The message, once; afterwards it can be collected. */
  takeBytes(): Buffer {
    const bytes = this.#bytes ?? Buffer.alloc(0);
    this.#bytes = undefined;
    this.sent = true;
    return bytes;
  }

  resolve(value: unknown): void {
    this.#detach();
    this.#parts.resolve(value);
  }

  reject(error: Error): void {
    this.#detach();
    this.#parts.reject(error);
  }

  expire(): void {
    this.#giveUp(new Timeout(this.procedure.name, this.timeoutMs, this.sent));
  }

  #giveUp(error: Error): void {
    if (this.abandoned) return;
    this.abandoned = true;
    this.#parts.onGivenUp(this);
    this.reject(error);
  }

  #detach(): void {
    if (this.#onAbort) this.#parts.signal?.removeEventListener('abort', this.#onAbort);
  }
}
