/**
 * What the files of a watched directory held when they were last good, kept in the state: so that a
 * broken file stands for the same for the next process, and for `benchctl plan`, as for the process
 * that has read it. Losing it costs nothing but time: what a broken file stands for is then not
 * known, and nothing is taken for gone until it is mended. Pure.
 */
import { dirname } from 'node:path';
import { z } from 'zod';
import { BenchCluster } from '../crd/bench-cluster.ts';
import { BenchHost } from '../crd/bench-host.ts';
import { BenchImage } from '../crd/bench-image.ts';
import type { ManifestFile } from './manifest-set.ts';
import { jsonOf } from './state-texts.ts';

export type RememberedFile = Pick<ManifestFile, 'path' | 'known' | 'marked' | 'kept'>;

export interface ManifestMemory {
  /** Empty when nothing is known. */
  read(): Promise<RememberedFile[]>;
  /** Atomic. */
  write(files: readonly RememberedFile[]): Promise<void>;
}

const origin = z.strictObject({
  file: z.string(),
  line: z.int(),
  settled: z.boolean(),
  whole: z.literal(true).exactOptional(),
  missing: z.literal(true).exactOptional(),
});

const StoredFiles = z.array(
  z.strictObject({
    path: z.string(),
    known: z.boolean(),
    marked: z.boolean(),
    kept: z.array(
      z.discriminatedUnion('kind', [
        z.strictObject({ kind: z.literal('BenchCluster'), object: BenchCluster, origin }),
        z.strictObject({ kind: z.literal('BenchHost'), object: BenchHost, origin }),
        z.strictObject({ kind: z.literal('BenchImage'), object: BenchImage, origin }),
      ]),
    ),
  }),
);

export function memoryText(files: readonly RememberedFile[]): string {
  return `${JSON.stringify(files)}\n`;
}

/** What cannot be read is not known. */
export function parseMemory(text: string | Buffer): RememberedFile[] {
  return StoredFiles.safeParse(jsonOf(text)).data ?? [];
}

/** What is worth remembering of them: a file that never was good stands for nothing known. */
export function toRemember(files: readonly ManifestFile[]): RememberedFile[] {
  return files.flatMap(({ path, known, marked, kept }) =>
    kept.length > 0 ? [{ path, known, marked, kept }] : [],
  );
}

/** Of another directory nothing is to be known. */
export function isOf(directory: string): (file: RememberedFile) => boolean {
  return ({ path }) => dirname(path) === directory;
}
