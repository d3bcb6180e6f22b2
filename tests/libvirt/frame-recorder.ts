// Wraps a dialer so that every message in both directions is kept, for the recorded-frames test.
// Run `node tests/libvirt/frame-recorder.ts` (root, libvirt and QEMU installed) to record anew:
// it works through the procedures on a private libvirtd and writes one file for each of them.

import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { Duplex } from 'node:stream';
import { startLab } from '../../lab/start.ts';
import { connect } from '../../src/libvirt/connection.ts';
import { type Dial, dialUnix } from '../../src/libvirt/dial.ts';
import { eventKinds } from '../../src/libvirt/events.ts';
import { FrameSplitter } from '../../src/libvirt/frame.ts';
import { agentTour, qemuTour, testDriverTour } from './frame-tour.ts';

export interface RecordedFrame {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly bytes: Buffer;
}

export function recordingDial(dial: Dial, frames: RecordedFrame[]): Dial {
  const keep = (splitter: FrameSplitter, chunk: Buffer): void =>
    splitter.push(chunk, ({ program, procedure, type, serial, buffer, start, end }) => {
      const bytes = Buffer.from(buffer.subarray(start - 28, end));
      frames.push({ program, procedure, type, serial, bytes });
    });
  return async (signal) => {
    const inner = await dial(signal);
    const [sent, received] = [new FrameSplitter(), new FrameSplitter()];
    const outer = new Duplex({
      write: (chunk: Buffer, _encoding, done) => {
        keep(sent, chunk);
        inner.write(chunk, done);
      },
      final: (done) => inner.end(done),
      destroy: (error, done) => {
        inner.destroy();
        done(error);
      },
      read: () => inner.resume(),
    });
    inner.on('data', (chunk: Buffer) => {
      keep(received, chunk);
      if (!outer.push(Buffer.from(chunk))) inner.pause();
    });
    inner.on('end', () => outer.push(null));
    inner.on('error', (error) => outer.destroy(error));
    return outer;
  };
}

/** At most so many different frames of one procedure, and none that is longer than a page or so. */
const KEPT_PER_PROCEDURE = 6;
const KEPT_BYTES = 6_000;

/** Lines of hex by file name, in the order in which they passed. */
export function recordedFiles(frames: readonly RecordedFrame[]): ReadonlyMap<string, string[]> {
  const files = new Map<string, string[]>();
  const seen = new Set<string>();
  for (const { program, procedure, type, bytes } of frames) {
    const digest = createHash('sha256').update(bytes.subarray(24)).digest('hex');
    const key = `${program}-${procedure}-${type}-${digest}`;
    if (bytes.length > KEPT_BYTES || type === 3 || program === 0x6b656570 || seen.has(key))
      continue;
    seen.add(key);
    const name = `${program.toString(16)}-${String(procedure).padStart(3, '0')}.hex`;
    const lines = files.get(name) ?? [];
    if (lines.length < KEPT_PER_PROCEDURE * 2) lines.push(bytes.toString('hex'));
    files.set(name, lines);
  }
  return files;
}

async function record(): Promise<void> {
  await using lab = await startLab({ kvm: 'off' });
  const frames: RecordedFrame[] = [];
  const dial = recordingDial(dialUnix(lab.socket), frames);
  for (const [name, tour] of [
    ['test:///default', testDriverTour],
    ['qemu:///system', qemuTour],
    ['qemu:///system', agentTour],
  ] as const) {
    using connection = await connect({ dial, name });
    await connection.subscribe(eventKinds);
    await tour(connection);
    await connection.events.unsubscribe(eventKinds);
  }
  const folder = new URL('./frames/', import.meta.url);
  await mkdir(folder, { recursive: true });
  for (const [name, lines] of recordedFiles(frames)) {
    await writeFile(new URL(name, folder), `${lines.join('\n')}\n`);
  }
}

if (import.meta.main) await record();
