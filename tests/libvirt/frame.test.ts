import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ProtocolError } from '../../src/libvirt/error.ts';
import {
  FrameSplitter,
  finishFrame,
  MAX_FRAME_BYTES,
  writeHeader,
} from '../../src/libvirt/frame.ts';
import { XdrWriter } from '../../src/libvirt/xdr.ts';
import { frame, words } from './fake-daemon.ts';

interface Seen {
  serial: number;
  payload: string;
}

function collect(splitter: FrameSplitter, chunk: Buffer, seen: Seen[]): void {
  splitter.push(chunk, ({ serial, buffer, start, end }) => {
    seen.push({ serial, payload: buffer.toString('hex', start, end) });
  });
  // Whoever owns the chunk may use it again at once.
  chunk.fill(0xee);
}

const messages = [
  frame({ procedure: 1, type: 1, serial: 1 }),
  frame({ procedure: 2, type: 1, serial: 2 }, words(1, 2, 3)),
  frame({ procedure: 3, type: 3, serial: 3, status: 2 }, Buffer.from('odd')),
];
const never = (): void => assert.fail('no message was whole');

const expected: Seen[] = [
  { serial: 1, payload: '' },
  { serial: 2, payload: '000000010000000200000003' },
  { serial: 3, payload: '6f6464' },
];

describe('frames', () => {
  it('come out the same wherever the stream is cut into two', () => {
    const whole = Buffer.concat(messages);
    for (let cut = 0; cut <= whole.length; cut += 1) {
      const seen: Seen[] = [];
      const splitter = new FrameSplitter();
      collect(splitter, Buffer.from(whole.subarray(0, cut)), seen);
      collect(splitter, Buffer.from(whole.subarray(cut)), seen);
      assert.deepEqual(seen, expected, `cut at ${cut}`);
      assert.equal(splitter.heldBytes, 0);
    }
  });

  it('come out the same when the stream is cut everywhere', () => {
    const seen: Seen[] = [];
    const splitter = new FrameSplitter();
    for (const byte of Buffer.concat(messages)) collect(splitter, Buffer.from([byte]), seen);
    assert.deepEqual(seen, expected);
  });

  it('refuse lengths outside the legal range, whole or byte by byte', () => {
    for (const length of [0, 4, 27, MAX_FRAME_BYTES + 1, 0x7fffffff, 0xffffffff]) {
      assert.throws(() => new FrameSplitter().push(words(length), never), ProtocolError);
      const slow = new FrameSplitter();
      const bytes = [...words(length)];
      assert.throws(() => {
        for (const byte of bytes) slow.push(Buffer.from([byte]), never);
      }, ProtocolError);
    }
  });

  it('hold memory for what has come, not for what was announced', () => {
    const splitter = new FrameSplitter();
    splitter.push(words(MAX_FRAME_BYTES), never);
    for (let sent = 4; sent < 4_000_000; sent += 40_000) {
      splitter.push(Buffer.alloc(40_000), never);
      assert.ok(splitter.heldBytes <= Math.max(1_048_576, 2 * (sent + 40_000)));
    }
  });

  it('of the greatest legal size pass', () => {
    const big = frame({ procedure: 1, type: 1, serial: 9 }, Buffer.alloc(MAX_FRAME_BYTES - 28, 7));
    const splitter = new FrameSplitter();
    let length = 0;
    for (let at = 0; at < big.length; at += 65_536) {
      splitter.push(big.subarray(at, at + 65_536), ({ start, end }) => {
        length = end - start;
      });
    }
    assert.equal(length, MAX_FRAME_BYTES - 28);
  });

  it('are written with their length, and match the recorded AUTH_LIST call', () => {
    const writer = new XdrWriter();
    writeHeader(writer, { program: 0x20008086, procedure: 66, type: 0, serial: 1, status: 0 });
    const bytes = finishFrame(writer).toString('hex');
    assert.equal(bytes, '0000001c200080860000000100000042000000000000000100000000');
  });
});
