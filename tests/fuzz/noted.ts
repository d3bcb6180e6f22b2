/**
 * The input under way, in a file: when a process hangs or dies, another one knows on what. A count
 * that stands still is a hang.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import type { Surface } from './surface.ts';

const headBytes = 12;

/** The same surface, whose inputs are noted before they are read. */
export function noted(surface: Surface, file: string): Surface {
  const handle = openSync(file, 'w');
  const note = Buffer.alloc(headBytes + surface.maxBytes);
  let count = 0;
  return {
    ...surface,
    check(bytes) {
      count += 1;
      note.writeDoubleBE(count, 0);
      note.writeUInt32BE(bytes.length, 8);
      note.set(bytes.subarray(0, surface.maxBytes), headBytes);
      writeSync(handle, note, 0, headBytes + Math.min(bytes.length, surface.maxBytes), 0);
      return surface.check(bytes);
    },
  };
}

/** Undefined before the first one. */
export function lastNoted(file: string): { count: number; bytes: Uint8Array } | undefined {
  const note = readFileSync(file);
  if (note.length < headBytes) return undefined;
  const length = note.readUInt32BE(8);
  return { count: note.readDoubleBE(0), bytes: note.subarray(headBytes, headBytes + length) };
}
