/** Writes edits, in an order in which nothing refers to what is not there yet. */
import { createFile, removeFile, replaceFile } from './directory.ts';
import type { FileEdit } from './edit.ts';

/** In the caller's order; each file is one atomic step, so an interruption leaves whole files. */
export async function commitEdits(edits: readonly FileEdit[]): Promise<void> {
  for (const { path, before, after } of edits) {
    if (before === undefined) {
      if (after !== undefined) await createFile(path, after);
    } else if (after === undefined) {
      await removeFile(path, before);
    } else {
      await replaceFile(path, before, after);
    }
  }
}
