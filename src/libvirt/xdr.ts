// Bounded XDR reader and writer (RFC 4506, the part libvirt uses).
// The reader never looks past its window and never allocates more than the bytes that are there;
// every fault of the input is a ProtocolError. The writer refuses values that the wire cannot
// carry with InvalidArgument. Neither knows frames, procedures or sockets.

import { InvalidArgument, ProtocolError } from './error.ts';

/** libvirt's own limit for one string. */
export const MAX_STRING_BYTES = 4_194_304;
const TWO_32 = 4_294_967_296;
const ARENA_BYTES = 65_536;

export class XdrReader {
  readonly #buffer: Buffer;
  readonly #end: number;
  #offset: number;

  constructor(buffer: Buffer, start = 0, end = buffer.length) {
    this.#buffer = buffer;
    this.#offset = start;
    this.#end = end;
  }

  get remaining(): number {
    return this.#end - this.#offset;
  }

  #advance(bytes: number): number {
    const at = this.#offset;
    if (bytes > this.#end - at) throw new ProtocolError('truncated XDR data');
    this.#offset = at + bytes;
    return at;
  }

  i32(): number {
    return this.#buffer.readInt32BE(this.#advance(4));
  }

  u32(): number {
    return this.#buffer.readUInt32BE(this.#advance(4));
  }

  i64(): bigint {
    return this.#buffer.readBigInt64BE(this.#advance(8));
  }

  u64(): bigint {
    return this.#buffer.readBigUInt64BE(this.#advance(8));
  }

  /** An unsigned hyper as a number; above 2^53 the low bits are lost. */
  size(): number {
    const at = this.#advance(8);
    return this.#buffer.readUInt32BE(at) * TWO_32 + this.#buffer.readUInt32BE(at + 4);
  }

  f64(): number {
    return this.#buffer.readDoubleBE(this.#advance(8));
  }

  /** An XDR bool as libvirt uses it for optional pointers: only 0 and 1 are legal. */
  flag(): boolean {
    const value = this.u32();
    if (value > 1) throw new ProtocolError('optional marker is neither 0 nor 1');
    return value === 1;
  }

  string(): string {
    const length = this.u32();
    if (length > MAX_STRING_BYTES) throw new ProtocolError('string longer than the limit');
    const at = this.#advance((length + 3) & ~3);
    return this.#buffer.toString('utf8', at, at + length);
  }

  /** Fixed opaque bytes as lower-case hex. */
  hex(bytes: number): string {
    const at = this.#advance((bytes + 3) & ~3);
    return this.#buffer.toString('hex', at, at + bytes);
  }

  /** A count of elements that each need at least `minBytes`, so that it can be allocated safely. */
  count(limit: number, minBytes: number): number {
    const count = this.u32();
    if (count > limit) throw new ProtocolError('array longer than the limit');
    if (count * minBytes > this.remaining) throw new ProtocolError('array longer than its data');
    return count;
  }
}

/** Messages are built in an arena that is never written twice, so finished ones need no copy. */
export class XdrWriter {
  #buffer = Buffer.allocUnsafe(0);
  #start = 0;
  #offset = 0;

  get length(): number {
    return this.#offset - this.#start;
  }

  /** The bytes written since the last take, which stay valid for ever. */
  take(): Buffer {
    const bytes = this.#buffer.subarray(this.#start, this.#offset);
    this.#start = this.#offset;
    return bytes;
  }

  /** Forget what was written since the last take (after an encoding fault). */
  discard(): void {
    this.#offset = this.#start;
  }

  #reserve(bytes: number): number {
    const at = this.#offset;
    if (at + bytes <= this.#buffer.length) {
      this.#offset = at + bytes;
      return at;
    }
    const kept = at - this.#start;
    const next = Buffer.allocUnsafeSlow(Math.max(ARENA_BYTES, (kept + bytes) * 2));
    this.#buffer.copy(next, 0, this.#start, at);
    this.#buffer = next;
    this.#start = 0;
    this.#offset = kept + bytes;
    return kept;
  }

  i32(value: number): void {
    if ((value | 0) !== value) throw new InvalidArgument(`not a 32-bit integer: ${value}`);
    // Reserving may replace the buffer, so it comes first, here and below.
    const at = this.#reserve(4);
    this.#buffer.writeInt32BE(value, at);
  }

  /** Also takes negative results of `|` on flags, whose sign bit is meant as bit 31. */
  u32(value: number): void {
    const unsigned = value >>> 0;
    if (unsigned !== value && (value | 0) !== value) {
      throw new InvalidArgument(`not an unsigned 32-bit integer: ${value}`);
    }
    const at = this.#reserve(4);
    this.#buffer.writeUInt32BE(unsigned, at);
  }

  i64(value: bigint): void {
    if (BigInt.asIntN(64, value) !== value) throw new InvalidArgument('not a 64-bit integer');
    const at = this.#reserve(8);
    this.#buffer.writeBigInt64BE(value, at);
  }

  u64(value: bigint): void {
    if (BigInt.asUintN(64, value) !== value) {
      throw new InvalidArgument('not an unsigned 64-bit integer');
    }
    const at = this.#reserve(8);
    this.#buffer.writeBigUInt64BE(value, at);
  }

  size(value: number): void {
    if (!Number.isSafeInteger(value) || value < 0)
      throw new InvalidArgument(`not a size: ${value}`);
    const at = this.#reserve(8);
    this.#buffer.writeUInt32BE(Math.floor(value / TWO_32), at);
    this.#buffer.writeUInt32BE(value % TWO_32, at + 4);
  }

  f64(value: number): void {
    const at = this.#reserve(8);
    this.#buffer.writeDoubleBE(value, at);
  }

  string(value: string): void {
    // The daemon would cut the string at a NUL and act on another name than the caller gave.
    if (value.includes('\0')) throw new InvalidArgument('string with a NUL byte');
    const length = Buffer.byteLength(value, 'utf8');
    if (length > MAX_STRING_BYTES) throw new InvalidArgument('string longer than 4 MiB');
    this.u32(length);
    const padded = (length + 3) & ~3;
    const at = this.#reserve(padded);
    this.#buffer.write(value, at, length, 'utf8');
    this.#buffer.fill(0, at + length, at + padded);
  }

  hex(value: string): void {
    const bytes = value.length / 2;
    const at = this.#reserve(bytes);
    if (this.#buffer.write(value, at, bytes, 'hex') !== bytes) {
      throw new InvalidArgument('not hexadecimal');
    }
  }

  /** Overwrite a word written earlier in the current message. */
  patchU32(position: number, value: number): void {
    this.#buffer.writeUInt32BE(value, this.#start + position);
  }
}
