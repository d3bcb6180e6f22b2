// libvirt's message framing: cuts a byte stream into messages and writes message headers.
// Memory held for an unfinished message follows the bytes received, never the length announced.
// Knows no procedures and no payloads. A length outside the legal range is a ProtocolError,
// after which the stream cannot be followed any more.

import { ProtocolError } from './error.ts';
import type { XdrWriter } from './xdr.ts';

export const HEADER_BYTES = 28;
/** 32 MiB of message and the four bytes of the length itself. */
export const MAX_FRAME_BYTES = 33_554_436;
const FIRST_ALLOCATION_BYTES = 1_048_576;

export const PROGRAM_REMOTE = 0x20008086;
export const PROGRAM_QEMU = 0x20008087;
export const PROGRAM_KEEPALIVE = 0x6b656570;
export const PROTOCOL_VERSION = 1;

export const TYPE_CALL = 0;
export const TYPE_REPLY = 1;
export const TYPE_MESSAGE = 2;
export const TYPE_STREAM = 3;
export const TYPE_STREAM_HOLE = 6;

export const STATUS_OK = 0;
export const STATUS_ERROR = 1;
export const STATUS_CONTINUE = 2;

export interface Frame {
  readonly program: number;
  readonly version: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  /** The payload is `buffer` from `start` to `end`. */
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** False: `buffer` belongs to the transport and is overwritten once the frame is dealt with. */
  readonly owned: boolean;
}

export class FrameSplitter {
  #pending = Buffer.alloc(0);
  #have = 0;
  /** Bytes of the unfinished message, 4 while its length is not known. */
  #need = 4;

  /** Bytes allocated for a message that is not whole yet. */
  get heldBytes(): number {
    return this.#pending.length;
  }

  /**
   * Gives each whole message to `onFrame`, which may be called many times or not at all.
   * Only the first `bytes` of the chunk count; nothing of it is kept beyond this call.
   */
  push(chunk: Buffer, onFrame: (frame: Frame) => void, bytes = chunk.length): void {
    let offset = 0;
    while (offset < bytes) {
      if (this.#have === 0 && bytes - offset >= 4) {
        const length = checkedLength(chunk.readUInt32BE(offset));
        if (bytes - offset >= length) {
          onFrame(readFrame(chunk, offset, length, false));
          offset += length;
          continue;
        }
      }
      offset += this.#gather(chunk, offset, bytes);
      if (this.#have === 4 && this.#need === 4) {
        this.#need = checkedLength(this.#pending.readUInt32BE(0));
      } else if (this.#have === this.#need) {
        const whole = this.#pending;
        const length = this.#need;
        this.#pending = Buffer.alloc(0);
        this.#have = 0;
        this.#need = 4;
        onFrame(readFrame(whole, 0, length, true));
      }
    }
  }

  #gather(chunk: Buffer, offset: number, end: number): number {
    const bytes = Math.min(this.#need - this.#have, end - offset);
    const wanted = this.#have + bytes;
    if (wanted > this.#pending.length) {
      const capacity = Math.min(this.#need, FIRST_ALLOCATION_BYTES);
      const grown = Math.max(capacity, wanted, Math.min(this.#need, this.#pending.length * 2));
      const next = Buffer.allocUnsafe(grown);
      this.#pending.copy(next, 0, 0, this.#have);
      this.#pending = next;
    }
    chunk.copy(this.#pending, this.#have, offset, offset + bytes);
    this.#have = wanted;
    return bytes;
  }
}

function checkedLength(length: number): number {
  if (length < HEADER_BYTES) throw new ProtocolError(`message of ${length} bytes is too short`);
  if (length > MAX_FRAME_BYTES) throw new ProtocolError(`message of ${length} bytes is too long`);
  return length;
}

function readFrame(buffer: Buffer, offset: number, length: number, owned: boolean): Frame {
  return {
    program: buffer.readUInt32BE(offset + 4),
    version: buffer.readUInt32BE(offset + 8),
    procedure: buffer.readInt32BE(offset + 12),
    type: buffer.readInt32BE(offset + 16),
    serial: buffer.readUInt32BE(offset + 20),
    status: buffer.readInt32BE(offset + 24),
    buffer,
    start: offset + HEADER_BYTES,
    end: offset + length,
    owned,
  };
}

export interface FrameHeader {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
}

/** Writes a header whose length covers `payloadBytes`; `finishFrame` corrects it where unknown. */
export function writeHeader(writer: XdrWriter, header: FrameHeader, payloadBytes = 0): void {
  writer.u32(HEADER_BYTES + payloadBytes);
  writer.u32(header.program);
  writer.u32(PROTOCOL_VERSION);
  writer.i32(header.procedure);
  writer.i32(header.type);
  writer.u32(header.serial);
  writer.i32(header.status);
}

/** Sets the length word of the message being written and takes the message. */
export function finishFrame(writer: XdrWriter): Buffer {
  writer.patchU32(0, writer.length);
  return writer.take();
}
