// What a session needs from the outside: a way to send and pause, and someone to tell about events.
// Types only.

import type { DeadlineQueue } from './deadlines.ts';
import type { ProtocolError } from './error.ts';
import type { SlotLimits } from './slots.ts';
import type { XdrReader } from './xdr.ts';

export interface SessionPort {
  /** Takes over the bytes. False: the transport is full, `Session.drained` will be called. */
  send(bytes: Uint8Array): boolean;
  /** Stop or restart receiving; some stream's reader is slow. */
  pause(paused: boolean): void;
  /** An event message of the remote program; may throw only for a malformed payload. */
  event(procedure: number, payload: XdrReader): void;
  /** Something odd that was survived: a dropped event, a packet for no stream. */
  anomaly(error: ProtocolError): void;
}

export interface SessionOptions {
  readonly port: SessionPort;
  readonly deadlines: DeadlineQueue;
  readonly callTimeoutMs: number;
  readonly slots?: SlotLimits;
}
