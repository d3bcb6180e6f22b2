/**
 * One reading of one manifest file: its bytes as objects, and the stamp by which a later reading is
 * told from it. Never read past its limit; whatever goes wrong is a fault of that file.
 */
import { basename } from 'node:path';
import type { Fault } from '../crd/fault.ts';
import { type Loaded, load } from '../crd/load.ts';
import { maxManifestBytes } from '../crd/manifest-text.ts';
import { codeOf } from '../lib/error.ts';
import { sha256 } from '../lib/hash.ts';
import { isDamaged } from '../lib/printable.ts';
import type { Files } from './files.ts';

export interface Reading {
  stamp: string;
  /** Of the bytes; with the stamp it says whether two readings saw the same. */
  digest: string;
  loaded: Loaded;
}

/** Undefined when the file is not there (any more). */
export async function readManifestFile(files: Files, file: string): Promise<Reading | undefined> {
  try {
    const { stamp, bytes } = await files.read(file, maxManifestBytes + 1);
    if (bytes === undefined) return refused(stamp, { file, message: 'is not a regular file' });
    return { stamp, digest: sha256(bytes), loaded: load(file, bytes) };
  } catch (thrown) {
    const code = codeOf(thrown);
    if (code === 'ENOENT' && !isDamaged(basename(file))) return undefined;
    const hint = code === 'EACCES' ? { hint: `chmod u+r ${file}` } : {};
    return refused(code, { file, message: `cannot be read: ${words[code] ?? code}`, ...hint });
  }
}

const words: Record<string, string> = {
  EACCES: 'permission denied',
  ENOENT: 'its name is not UTF-8',
  ELOOP: 'its symbolic link leads nowhere',
  ENOTDIR: 'its symbolic link leads nowhere',
  EIO: 'the disk reports an error',
  ENXIO: 'it is not a regular file',
};

function refused(stamp: string, fault: Fault): Reading {
  const loaded = { manifests: [], faults: [fault], marked: false };
  return { stamp, digest: `refused: ${fault.message}`, loaded };
}
