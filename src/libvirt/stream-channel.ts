// One libvirt stream without I/O: packets in through `receive`, packets out through a StreamWire.
// Holds at most about READ_AHEAD_BYTES of unread data, then asks the wire to pause.
// The first failure is final; whatever the peer sends afterwards is dropped. The serial stays
// reserved until the peer has confirmed the end, so late packets never reach another stream.

import { ConnectionLost, ProtocolError } from './error.ts';
import { type Frame, STATUS_CONTINUE, STATUS_ERROR, STATUS_OK, TYPE_STREAM_HOLE } from './frame.ts';
import { readErrorReply } from './procedures/reply.ts';
import { XdrReader } from './xdr.ts';

export const READ_AHEAD_BYTES = 1_048_576;
/** What an unread packet costs besides its bytes, so that floods of tiny packets are bounded. */
const PACKET_COST_BYTES = 256;

export interface StreamWire {
  /** False: the transport is full, wait for `drained` before sending more. */
  send(status: number, payload: Uint8Array | undefined): boolean;
  /** Called when unread data has piled up, and again when it has been read. */
  pause(paused: boolean): void;
  /** The peer has confirmed the end; the serial is free. */
  released(): void;
}

interface Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class StreamChannel {
  readonly procedure: string;
  /** At most one listener each; failure may also come while nobody waits in `changed`. */
  onFailure: ((error: Error) => void) | undefined;
  onReleased: (() => void) | undefined;
  readonly #wire: StreamWire;
  readonly #inbox: Buffer[] = [];
  #inboxCost = 0;
  #paused = false;
  #ended = false;
  #closing = false;
  #released = false;
  #failure: Error | undefined;
  #waiter: Waiter | undefined;
  #full = false;

  constructor(procedure: string, wire: StreamWire) {
    this.procedure = procedure;
    this.#wire = wire;
  }

  get failure(): Error | undefined {
    return this.#failure;
  }

  /** The transport takes no more for now. */
  get full(): boolean {
    return this.#full;
  }

  /** Resolves when something has changed: data, room, end; rejects on failure. One waiter only. */
  changed(): Promise<void> {
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#waiter = { resolve, reject };
    });
  }

  /** The next unread packet, undefined when there is none yet. */
  take(): Buffer | undefined {
    const packet = this.#inbox.shift();
    if (packet !== undefined) {
      this.#inboxCost -= packet.length + PACKET_COST_BYTES;
      if (this.#paused && this.#inboxCost < READ_AHEAD_BYTES / 2) this.#setPaused(false);
    }
    return packet;
  }

  /** The peer has sent its last byte (download), or confirmed the end (upload, abort). */
  get ended(): boolean {
    return this.#ended;
  }

  get released(): boolean {
    return this.#released;
  }

  send(bytes: Uint8Array): void {
    if (this.#failure) throw this.#failure;
    // An empty packet would mean the end of the data.
    if (bytes.length > 0) this.#full = !this.#wire.send(STATUS_CONTINUE, bytes);
  }

  /** Says that our side is done; the peer answers with the confirmation. */
  finish(): void {
    this.#close(STATUS_OK);
  }

  /** Gives the stream up; unread data is dropped. */
  abort(): void {
    this.#dropInbox();
    this.#close(STATUS_ERROR);
  }

  #close(status: number): void {
    if (this.#closing || this.#released) return;
    this.#closing = true;
    this.#wire.send(status, undefined);
  }

  drained(): void {
    this.#full = false;
    this.#wake();
  }

  /** The transport or the caller has ended the stream; the peer cannot confirm any more. */
  fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#dropInbox();
    this.onFailure?.(error);
    this.#wake();
  }

  /** The transport is gone, and with it whatever the peer still wanted to say. */
  lose(error: Error): void {
    this.fail(error);
    this.#release();
  }

  receive(frame: Frame): void {
    if (frame.status === STATUS_ERROR) {
      const reader = new XdrReader(frame.buffer, frame.start, frame.end);
      this.#release();
      this.fail(decodedError(reader, this.procedure));
    } else if (frame.status === STATUS_OK) {
      this.#ended = true;
      this.#release();
      this.#wake();
    } else if (this.#failure === undefined && !this.#closing) {
      this.#receiveData(frame);
    }
  }

  #receiveData(frame: Frame): void {
    if (frame.type === TYPE_STREAM_HOLE || frame.status !== STATUS_CONTINUE) {
      this.fail(new ProtocolError('stream packet that was not asked for'));
      this.#close(STATUS_ERROR);
      return;
    }
    if (frame.end === frame.start) {
      this.#ended = true;
    } else if (!this.#ended) {
      const packet = ownedPayload(frame);
      this.#inbox.push(packet);
      this.#inboxCost += packet.length + PACKET_COST_BYTES;
      if (this.#inboxCost > READ_AHEAD_BYTES) this.#setPaused(true);
    }
    this.#wake();
  }

  #setPaused(paused: boolean): void {
    if (this.#paused === paused) return;
    this.#paused = paused;
    this.#wire.pause(paused);
  }

  #dropInbox(): void {
    this.#inbox.length = 0;
    this.#inboxCost = 0;
    this.#setPaused(false);
  }

  #release(): void {
    if (this.#released) return;
    this.#released = true;
    this.#wire.released();
    this.onReleased?.();
  }

  #wake(): void {
    const waiter = this.#waiter;
    this.#waiter = undefined;
    if (this.#failure) waiter?.reject(this.#failure);
    else waiter?.resolve();
  }
}

/** What is kept must not be overwritten by the next read, nor keep a big read buffer alive. */
function ownedPayload({ buffer, start, end, owned }: Frame): Buffer {
  const packet = buffer.subarray(start, end);
  return owned ? packet : Buffer.from(packet);
}

function decodedError(reader: XdrReader, procedure: string): Error {
  try {
    return readErrorReply(reader, procedure);
  } catch (cause) {
    return cause instanceof ProtocolError ? cause : new ConnectionLost('protocol', { cause });
  }
}
