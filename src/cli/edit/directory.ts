/**
 * The manifest directory as files, for `apply` and `delete`.
 * A file is replaced by rename, so a watcher sees the old text or the new one and never half; it is
 * replaced only if it still says what was read, so an editor's save is never lost. Temporary files
 * begin with a dot and do not end in .yaml, so no source takes them for manifests.
 */
import { randomUUID } from 'node:crypto';
import { link, mkdir, open, readdir, readFile, realpath, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { isManifestName, maxManifestBytes } from '../../crd/manifest-text.ts';
import { hasCode, toError } from '../../lib/error.ts';
import { CliError } from '../cli-error.ts';

export interface ManifestFile {
  path: string;
  text: string;
}

/** The manifest files directly in the directory, by name; none when it does not exist. */
export async function readDirectory(dir: string): Promise<ManifestFile[]> {
  let names: string[];
  try {
    names = await readdir(dir);
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return [];
    throw fileError('read', dir, thrown);
  }
  const files: ManifestFile[] = [];
  for (const name of names.filter(isManifestName).sort()) {
    const path = join(dir, name);
    if ((await stat(path).catch(() => undefined))?.isFile() !== true) continue;
    try {
      files.push(await read(path));
    } catch (thrown) {
      // Somebody may have removed it since, such as another command like this one.
      if (!hasCode(thrown, 'ENOENT')) throw fileError('read', path, thrown);
    }
  }
  return files;
}

export async function readManifest(path: string): Promise<ManifestFile> {
  try {
    return await read(path);
  } catch (thrown) {
    throw fileError('read', path, thrown);
  }
}

async function read(path: string): Promise<ManifestFile> {
  const { size } = await stat(path);
  if (size > maxManifestBytes)
    throw new Error(`it has ${size} bytes, more than ${maxManifestBytes}`);
  return { path, text: await readFile(path, 'utf8') };
}

/** Replaces a file that still holds `before`. */
export async function replaceFile(path: string, before: string, after: string): Promise<void> {
  try {
    // Through a symbolic link, so that the link stays one.
    const target = await realpath(path);
    const mode = (await stat(target)).mode & 0o777;
    await throughTemporary(target, after, mode, async (temporary) => {
      await requireUnchanged(target, before);
      await rename(temporary, target);
    });
  } catch (thrown) {
    throw fileError('write', path, thrown);
  }
}

/** Makes a file, and its directory where that is missing; never replaces one. */
export async function createFile(path: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await throughTemporary(path, text, 0o644, (temporary) => link(temporary, path));
  } catch (thrown) {
    throw fileError('create', path, thrown);
  }
}

/** Removes a file that still holds `before`. */
export async function removeFile(path: string, before: string): Promise<void> {
  try {
    await requireUnchanged(path, before);
    await rm(path);
    await syncDirectory(dirname(path));
  } catch (thrown) {
    throw fileError('remove', path, thrown);
  }
}

async function throughTemporary(
  path: string,
  text: string,
  mode: number,
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  const temporary = join(dirname(path), `.${basename(path)}.${randomUUID()}.tmp`);
  try {
    const file = await open(temporary, 'wx', mode);
    try {
      await file.writeFile(text);
      await file.sync();
    } finally {
      await file.close();
    }
    await publish(temporary);
    await syncDirectory(dirname(path));
  } finally {
    await rm(temporary, { force: true });
  }
}

async function requireUnchanged(path: string, before: string): Promise<void> {
  if ((await readFile(path, 'utf8')) === before) return;
  throw new CliError(
    'failed',
    `${path} was changed by somebody else meanwhile`,
    'run the command again',
  );
}

async function syncDirectory(dir: string): Promise<void> {
  const handle = await open(dir, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

function fileError(verb: string, path: string, thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  const code = hasCode(thrown, 'ENOENT') ? 'notFound' : 'failed';
  const what = `cannot ${verb} ${path}: ${toError(thrown).message}`;
  return new CliError(code, what, `ls -ld ${path} ${dirname(path)}`, { cause: thrown });
}
