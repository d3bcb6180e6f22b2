/**
 * Bytes that come from a libvirt daemon, or from who pretends to be one: once as messages for each
 * codec, and once as answers to calls of a session. A serial of 0 in the input stands for that of
 * the call, so that an answer need not guess it.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { DeadlineQueue } from '../../../src/libvirt/deadlines.ts';
import { ProtocolError } from '../../../src/libvirt/error.ts';
import { decodeEvent } from '../../../src/libvirt/events.ts';
import {
  type Frame,
  FrameSplitter,
  HEADER_BYTES,
  TYPE_MESSAGE,
  TYPE_REPLY,
} from '../../../src/libvirt/frame.ts';
import * as connect from '../../../src/libvirt/procedures/connect.ts';
import * as domain from '../../../src/libvirt/procedures/domain.ts';
import * as detail from '../../../src/libvirt/procedures/domain-detail.ts';
import * as network from '../../../src/libvirt/procedures/network.ts';
import type { Procedure } from '../../../src/libvirt/procedures/procedure.ts';
import * as qemu from '../../../src/libvirt/procedures/qemu.ts';
import { decodeReply } from '../../../src/libvirt/procedures/reply.ts';
import * as storage from '../../../src/libvirt/procedures/storage.ts';
import { Session } from '../../../src/libvirt/session.ts';
import { XdrReader } from '../../../src/libvirt/xdr.ts';
import { ManualClock } from '../../libvirt/manual-clock.ts';
import { type Surface, valueOr } from '../surface.ts';

// What a call returns does not matter here, so one type stands for all.
type Row = Procedure<unknown, void>;

const rows = new Map<string, Row>();
for (const table of [connect, domain, detail, network, qemu, storage]) {
  for (const value of Object.values(table)) {
    if ('number' in value && 'args' in value) {
      rows.set(`${value.program}-${value.number}`, value as Row);
    }
  }
}

/** The arguments do not matter, only that some were sent. */
const withoutArguments = (row: Row): Row => ({
  ...row,
  args: { minBytes: 0, read: () => undefined, write: () => undefined },
});

const folder = new URL('../../libvirt/frames/', import.meta.url);
const isTyped = (error: unknown) => error instanceof ProtocolError;
const serialAt = 20;
const callsAtMost = 16;

export const libvirtFrames: Surface = {
  name: 'libvirt-frames',
  property: 'a value or a ProtocolError, memory within what has come, and every call ends',
  covers: ['libvirt/'],
  tokens: ['\u0000\u0000\u0000\u0001', 'unknown procedure', '\u0000\u0000\u0000\u001c'],
  maxBytes: 8 * 1024,
  limitMs: 50,
  seeds() {
    return readdirSync(folder)
      .filter((name) => name.endsWith('.hex'))
      .flatMap((name) => readFileSync(new URL(name, folder), 'utf8').trim().split('\n'))
      .map((line) => Buffer.from(line, 'hex'))
      .map((bytes) => {
        if (bytes.readInt32BE(16) === TYPE_REPLY) bytes.writeUInt32BE(0, serialAt);
        return bytes;
      });
  },
  check(bytes) {
    const frames = framesOf(bytes);
    for (const frame of frames) decode(frame);
    if (frames.length > 0) answerCalls(Buffer.from(bytes), frames);
  },
};

/** Cut in pieces of a few bytes as a socket may cut them: the same messages, or the same error. */
function framesOf(bytes: Uint8Array): Frame[] {
  const whole: Frame[] = [];
  const pieces: Frame[] = [];
  const push = (splitter: FrameSplitter, part: Uint8Array, into: Frame[]) =>
    valueOr(() => {
      splitter.push(Buffer.from(part), (frame) => into.push(frame));
      return true;
    }, isTyped);
  const ended = push(new FrameSplitter(), bytes, whole) === undefined;
  const splitter = new FrameSplitter();
  let endedToo = false;
  const step = 1 + (bytes.length % 61);
  for (let at = 0; at < bytes.length && !endedToo; at += step) {
    endedToo = push(splitter, bytes.subarray(at, at + step), pieces) === undefined;
    assert(
      splitter.heldBytes <= Math.max(2 ** 20, 2 * bytes.length),
      'memory for what is announced',
    );
  }
  assert.equal(endedToo, ended, 'cut otherwise, it ends otherwise');
  const payloads = (frames: Frame[]) =>
    frames.map(({ buffer, start, end }) => buffer.toString('hex', start, end));
  assert.deepEqual(payloads(pieces), payloads(whole));
  return whole;
}

function decode(frame: Frame): void {
  const reader = () => new XdrReader(frame.buffer, frame.start, frame.end);
  if (frame.type === TYPE_MESSAGE) valueOr(() => decodeEvent(frame.procedure, reader()), isTyped);
  const row = rows.get(`${frame.program}-${frame.procedure}`);
  if (row === undefined) return;
  valueOr(() => row.args.read(reader()), isTyped);
  decodeReply(row, frame);
}

function answerCalls(bytes: Buffer, frames: readonly Frame[]): void {
  const session = new Session({
    port: {
      send: () => true,
      pause: () => undefined,
      event: (procedure, payload) => void decodeEvent(procedure, payload),
      anomaly: (error) => assert(isTyped(error)),
    },
    deadlines: new DeadlineQueue(new ManualClock()),
    callTimeoutMs: 1000,
    slots: { total: 4, normal: 4, queued: callsAtMost },
  });
  let serial = 0;
  for (const { program, procedure, type, serial: asked, start } of frames) {
    const row = rows.get(`${program}-${procedure}`);
    if (row === undefined || type !== TYPE_REPLY || serial >= callsAtMost) continue;
    serial += 1;
    const call = withoutArguments(row);
    const isStream = serial % 2 === 0;
    const answer = isStream ? session.openStream(call, undefined) : session.call(call, undefined);
    answer.catch(() => undefined);
    if (asked === 0) bytes.writeUInt32BE(serial, start - HEADER_BYTES + serialAt);
  }
  valueOr(() => session.receive(bytes), isTyped);
  session.close('protocol', undefined);
  assert.equal(session.openStreams, 0, 'a stream is left');
}
