// Frames recorded between this client and a real libvirtd 9.0 (see frame-recorder.ts), and the ones
// that libvirt's own client sent. Each call and reply is decoded to its last byte by the
// procedure's codecs and written again; the bytes must be the same.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { describe, it } from 'node:test';
import { LibvirtError } from '../../src/libvirt/error.ts';
import { decodeEvent } from '../../src/libvirt/events.ts';
import { type Frame, FrameSplitter, finishFrame, writeHeader } from '../../src/libvirt/frame.ts';
import * as connect from '../../src/libvirt/procedures/connect.ts';
import * as domain from '../../src/libvirt/procedures/domain.ts';
import * as detail from '../../src/libvirt/procedures/domain-detail.ts';
import * as network from '../../src/libvirt/procedures/network.ts';
import type { Procedure } from '../../src/libvirt/procedures/procedure.ts';
import * as qemu from '../../src/libvirt/procedures/qemu.ts';
import { errorReply, readErrorReply } from '../../src/libvirt/procedures/reply.ts';
import * as storage from '../../src/libvirt/procedures/storage.ts';
import { XdrReader, XdrWriter } from '../../src/libvirt/xdr.ts';

type Row = Procedure<unknown, unknown>;

const rows = new Map<string, Row>();
for (const table of [connect, domain, detail, network, qemu, storage]) {
  for (const value of Object.values(table)) {
    if ('number' in value && 'args' in value)
      rows.set(`${value.program}-${value.number}`, value as Row);
  }
}

/** Typed parameters are decoded only: which of the seven types a value had is not kept. */
const decodeOnly = new Set(['CONNECT_GET_ALL_DOMAIN_STATS', 'DOMAIN_GET_GUEST_INFO']);

const folder = new URL('./frames/', import.meta.url);
const files = readdirSync(folder).filter((name) => name.endsWith('.hex'));

function framesOf(bytes: Buffer): Frame[] {
  const frames: Frame[] = [];
  new FrameSplitter().push(bytes, (frame) => frames.push(frame));
  return frames;
}

function recorded(file: string): Buffer[] {
  const lines = readFileSync(new URL(file, folder), 'utf8').trim().split('\n');
  return lines.map((line) => Buffer.from(line, 'hex'));
}

function same(bytes: Buffer, row: Row): void {
  const [frame] = framesOf(Buffer.from(bytes));
  assert.ok(frame);
  const { program, procedure, type, serial, status } = frame;
  const codec = status === 1 ? errorReply : type === 0 ? row.args : row.ret;
  const reader = new XdrReader(frame.buffer, frame.start, frame.end);
  const value = codec.read(reader);
  assert.equal(reader.remaining, 0, 'decoded to the last byte');
  if (status === 0 && type === 1 && decodeOnly.has(row.name)) return;
  const writer = new XdrWriter();
  writeHeader(writer, { program, procedure, type, serial, status });
  (codec as Row['args']).write(writer, value);
  const again = finishFrame(writer).toString('hex');
  assert.equal(again, bytes.toString('hex'));
}

describe('recorded frames', () => {
  for (const file of files) {
    it(`${file}: every message reads to its last byte and writes back the same`, () => {
      const messages = recorded(file);
      assert.ok(messages.length > 0);
      for (const bytes of messages) {
        const [frame] = framesOf(Buffer.from(bytes));
        assert.ok(frame);
        if (frame.type === 2) {
          const reader = new XdrReader(frame.buffer, frame.start, frame.end);
          assert.ok(decodeEvent(frame.procedure, reader), 'an event that is known');
          assert.equal(reader.remaining, 0);
        } else {
          const row = rows.get(`${frame.program}-${frame.procedure}`);
          assert.ok(row, 'a procedure that is known');
          same(bytes, row);
        }
      }
    });
  }

  it('cover nearly every procedure of the tables', () => {
    const covered = new Set(files.map((file) => file.replace('.hex', '')));
    const missing = [...rows.values()]
      .filter(({ program, number }) => {
        return !covered.has(`${program.toString(16)}-${String(number).padStart(3, '0')}`);
      })
      .map(({ name }) => name);
    // Polkit needs a system bus, the console a guest that has one, and a goodbye is never said.
    assert.deepEqual(missing.sort(), ['AUTH_POLKIT', 'CONNECT_CLOSE', 'DOMAIN_OPEN_CONSOLE']);
  });
});

describe("frames of libvirt's own client", () => {
  const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

  it('AUTH_LIST and CONNECT_OPEN are what we send', () => {
    const calls: [string, Row][] = [
      ['0000001c 20008086 00000001 00000042 00000000 00000001 00000000', connect.authList as Row],
      [
        '00000038 20008086 00000001 00000001 00000000 00000002 00000000' +
          '00000001 0000000e 71656d75 3a2f2f2f 73797374 656d0000 00000000',
        connect.connectOpen as Row,
      ],
    ];
    for (const [text, row] of calls) same(hex(text), row);
  });

  it('replies read as they should', () => {
    const auth = hex('00000001 00000000');
    assert.deepEqual(connect.authList.ret.read(new XdrReader(auth)), [0]);
    const info = hex('00000005 0000000000080000 0000000000080000 00000001 0000000000000000');
    assert.deepEqual(domain.getInfo.ret.read(new XdrReader(info)), {
      state: 'shutoff',
      maxMemoryKib: 524_288,
      memoryKib: 524_288,
      vcpus: 1,
      cpuTimeNs: 0n,
    });
  });

  it('an error reply carries number, domain and text', () => {
    const [bytes] = recorded('20008086-023.hex').filter((it) => it.readInt32BE(24) === 1);
    const error = readErrorReply(new XdrReader(bytes ?? Buffer.alloc(0), 28), 'X');
    assert.ok(error instanceof LibvirtError);
    assert.deepEqual([error.code, error.number], ['NO_DOMAIN', 42]);
  });
});
