/**
 * One reading of one manifest file: its bytes and the stamp by which a later reading is told from
 * it. A file is opened without waiting (a pipe in the directory must not hang the controller),
 * never read past its limit, and whatever goes wrong is a fault of that file.
 */
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import type { Fault } from '../crd/fault.ts';
import { type Loaded, load } from '../crd/load.ts';
import { maxManifestBytes } from '../crd/manifest-text.ts';
import { sha256 } from '../lib/hash.ts';

export interface Reading {
  /** Device, inode, size and both times: equal for a file that nobody touched. */
  stamp: string;
  /** Of the bytes; with the stamp it says whether two readings saw the same. */
  digest: string;
  loaded: Loaded;
}

/** The stamp alone; undefined where there is no file. */
export async function readStamp(file: string): Promise<string | undefined> {
  try {
    return stampOf(await stat(file, { bigint: true }));
  } catch {
    // Absent, or not to be looked at: the reading that follows says which.
    return undefined;
  }
}

/** Undefined when the file is not there (any more). */
export async function readManifestFile(file: string): Promise<Reading | undefined> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat({ bigint: true });
    const stamp = stampOf(stats);
    if (!stats.isFile()) return refused(stamp, { file, message: 'is not a regular file' });
    const bytes = await readAtMost(handle, maxManifestBytes + 1);
    return { stamp, digest: sha256(bytes), loaded: load(file, bytes) };
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === 'ENOENT') return undefined;
    const hint = code === 'EACCES' ? { hint: `chmod u+r ${file}` } : {};
    return refused(code, { file, message: `cannot be read: ${words[code] ?? code}`, ...hint });
  } finally {
    await handle?.close();
  }
}

const words: Record<string, string> = {
  EACCES: 'permission denied',
  ELOOP: 'its symbolic link leads nowhere',
  ENOTDIR: 'its symbolic link leads nowhere',
  EIO: 'the disk reports an error',
  ENXIO: 'it is not a regular file',
};

export function codeOf(thrown: unknown): string {
  const code: unknown = thrown instanceof Error && 'code' in thrown ? thrown.code : undefined;
  return typeof code === 'string' ? code : 'unknown error';
}

function refused(stamp: string, fault: Fault): Reading {
  const loaded = { manifests: [], faults: [fault], marked: false };
  return { stamp, digest: `refused: ${fault.message}`, loaded };
}

async function readAtMost(handle: FileHandle, limit: number): Promise<Uint8Array> {
  const buffer = new Uint8Array(limit);
  let length = 0;
  while (length < limit) {
    const { bytesRead } = await handle.read(buffer, length, limit - length, length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

function stampOf(stats: {
  dev: bigint;
  ino: bigint;
  size: bigint;
  mtimeNs: bigint;
  ctimeNs: bigint;
}): string {
  return [stats.dev, stats.ino, stats.size, stats.mtimeNs, stats.ctimeNs].join('-');
}
