import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import * as codec from '../../src/libvirt/codec.ts';
import { InvalidArgument, ProtocolError } from '../../src/libvirt/error.ts';
import { MAX_STRING_BYTES, XdrReader, XdrWriter } from '../../src/libvirt/xdr.ts';

function encode<T>(type: codec.Codec<T>, value: T): Buffer {
  const writer = new XdrWriter();
  type.write(writer, value);
  return Buffer.from(writer.take());
}

function decode<T>(type: codec.Codec<T>, hex: string | Buffer): T {
  const bytes = typeof hex === 'string' ? Buffer.from(hex.replaceAll(' ', ''), 'hex') : hex;
  const reader = new XdrReader(bytes);
  const value = type.read(reader);
  assert.equal(reader.remaining, 0);
  return value;
}

const sample = codec.struct({
  name: codec.str,
  id: codec.uuid,
  alias: codec.optional(codec.str),
  words: codec.array(codec.u32, 8),
  bytes: codec.size,
});
const sampleValue = {
  name: 'abcde',
  id: '00112233-4455-6677-8899-aabbccddeeff',
  alias: undefined,
  words: [1, 0xffffffff],
  bytes: 2 ** 40 + 7,
};
const sampleHex =
  '00000005 6162636465000000 00112233445566778899aabbccddeeff 00000000' +
  ' 00000002 00000001 ffffffff 0000010000000007';

describe('xdr', () => {
  it('lays a struct out as RFC 4506 says', () => {
    assert.equal(encode(sample, sampleValue).toString('hex'), sampleHex.replaceAll(' ', ''));
    assert.deepEqual(decode(sample, sampleHex), sampleValue);
  });

  it('calls every truncation of a valid value a ProtocolError', () => {
    const whole = encode(sample, sampleValue);
    for (let length = 0; length < whole.length; length += 1) {
      assert.throws(() => sample.read(new XdrReader(whole, 0, length)), ProtocolError);
    }
  });

  it('never reads beyond its window', () => {
    const bytes = Buffer.from('0000000361626364', 'hex');
    assert.throws(() => new XdrReader(bytes, 0, 7).string(), ProtocolError);
    assert.equal(new XdrReader(bytes).string(), 'abc');
  });

  it('returns what was written, for any value', () => {
    const text = fc.string({ unit: 'grapheme' }).filter((value) => !value.includes('\0'));
    fc.assert(
      fc.property(
        text,
        fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }),
        fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }),
        fc.integer(),
        fc.double({ noNaN: true }),
        fc.maxSafeNat(),
        (word, signed, unsigned, small, double, size) => {
          assert.equal(decode(codec.str, encode(codec.str, word)), word);
          assert.equal(decode(codec.i64, encode(codec.i64, signed)), signed);
          assert.equal(decode(codec.u64, encode(codec.u64, unsigned)), unsigned);
          assert.equal(decode(codec.i32, encode(codec.i32, small)), small);
          assert.equal(decode(codec.u32, encode(codec.u32, small)), small >>> 0);
          assert.equal(decode(codec.size, encode(codec.size, size)), size);
          const writer = new XdrWriter();
          writer.f64(double);
          assert.equal(new XdrReader(writer.take()).f64(), double);
        },
      ),
    );
  });

  it('refuses what the wire cannot carry and writes nothing of it', () => {
    for (const value of [1.5, Number.NaN, 2 ** 31, Number.POSITIVE_INFINITY]) {
      assert.throws(() => encode(codec.i32, value), InvalidArgument, `${value}`);
    }
    for (const value of [2 ** 32, -(2 ** 31) - 1, 0.1]) {
      assert.throws(() => encode(codec.u32, value), InvalidArgument, `${value}`);
    }
    for (const value of [-1, 2 ** 53, 0.5]) {
      assert.throws(() => encode(codec.size, value), InvalidArgument, `${value}`);
    }
    assert.throws(() => encode(codec.u64, -1n), InvalidArgument);
    assert.throws(() => encode(codec.i64, 2n ** 63n), InvalidArgument);
    assert.throws(() => encode(codec.str, 'a\0b'), InvalidArgument);
    assert.throws(() => encode(codec.str, 'x'.repeat(MAX_STRING_BYTES + 1)), InvalidArgument);
    assert.throws(() => encode(codec.uuid, 'not-a-uuid'), InvalidArgument);
    assert.throws(() => encode(codec.array(codec.u32, 1), [1, 2]), InvalidArgument);
  });

  it('takes flags whose sign bit is bit 31', () => {
    assert.equal(encode(codec.u32, 1 | 0x80000000).toString('hex'), '80000001');
  });

  it('allocates nothing for a count that its data cannot hold', () => {
    const strings = codec.array(codec.str, 1_000_000);
    assert.throws(() => decode(strings, '000f4240 00000000'), ProtocolError);
    assert.throws(() => decode(codec.array(codec.u32, 1), '00000002 00000001 00000002'), {
      code: 'PROTOCOL',
    });
    assert.throws(() => decode(codec.str, 'ffffffff'), ProtocolError);
    assert.throws(() => decode(codec.str, '00400001 00000000'), ProtocolError);
  });

  it('knows only 0 and 1 before an optional value', () => {
    assert.throws(() => decode(codec.optional(codec.u32), '00000002 00000001'), ProtocolError);
    assert.equal(decode(codec.optional(codec.u32), '00000001 00000009'), 9);
  });

  it('reads typed parameters of every kind and refuses an unknown one', () => {
    const field = '00000001 61000000 ';
    const read = (rest: string) => decode(codec.typedParameter, field + rest).value;
    assert.equal(read('00000001 ffffffff'), -1);
    assert.equal(read('00000002 ffffffff'), 4294967295);
    assert.equal(read('00000003 ffffffffffffffff'), -1n);
    assert.equal(read('00000004 ffffffffffffffff'), 18446744073709551615n);
    assert.equal(read('00000005 3ff8000000000000'), 1.5);
    assert.equal(read('00000006 00000001'), true);
    assert.equal(read('00000007 00000002 6f6b0000'), 'ok');
    assert.throws(() => read('00000008 00000000'), ProtocolError);
  });

  it('reads a char array as four bytes each, up to the NUL', () => {
    const bytes = '00000078 00000038 00000036 00000000';
    assert.equal(decode(codec.charArray(4), bytes), 'x86');
    assert.equal(encode(codec.charArray(4), 'x86').toString('hex'), bytes.replaceAll(' ', ''));
  });

  it('gives a number that is newer than its words the word unknown', () => {
    const state = codec.wordOf(['off', 'on']);
    assert.equal(decode(state, '00000001'), 'on');
    assert.equal(decode(state, '00000007'), 'unknown');
    assert.equal(decode(state, 'ffffffff'), 'unknown');
  });

  it('keeps finished messages intact while the arena goes on', () => {
    const writer = new XdrWriter();
    const taken: [string, Buffer][] = [];
    for (let index = 0; index < 3000; index += 1) {
      const value = `${index}-`.repeat(index % 97);
      writer.string(value);
      taken.push([value, writer.take()]);
    }
    for (const [value, bytes] of taken) assert.equal(new XdrReader(bytes).string(), value);
  });

  it('forgets a message that could not be finished', () => {
    const writer = new XdrWriter();
    writer.u32(1);
    writer.discard();
    writer.u32(2);
    assert.equal(writer.take().toString('hex'), '00000002');
  });
});
