/**
 * Files of the state: written whole or not at all (temporary file, fsync, rename), readable by the
 * owner alone, and never reached through a symbolic link. It knows nothing of what they hold.
 */
import { randomBytes } from 'node:crypto';
import { constants } from 'node:fs';
import { link, lstat, mkdir, open, readdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { codeOf, hasCode } from '../lib/error.ts';
import { StateError, type StateFault } from './state-error.ts';

const noFollow = constants.O_RDONLY | constants.O_NOFOLLOW;
const temporaryEnd = '.tmp';
const away = 'move it away';

/** Replaces the file; a reader sees the old or the new content, also after a power loss. */
export async function writeWhole(file: string, content: string | Uint8Array): Promise<void> {
  await written(file, content, (temporary) => rename(temporary, file));
}

/** Makes the file only if there is none; false when somebody was first. */
export async function writeOnce(file: string, content: Uint8Array): Promise<boolean> {
  let first = true;
  await written(file, content, async (temporary) => {
    try {
      await link(temporary, file);
    } catch (thrown) {
      if (!hasCode(thrown, 'EEXIST')) throw thrown;
      first = false;
    }
    await rm(temporary, { force: true });
  });
  return first;
}

async function written(
  file: string,
  content: string | Uint8Array,
  publish: (temporary: string) => Promise<void>,
): Promise<void> {
  const random = randomBytes(6).toString('hex');
  const temporary = join(dirname(file), `.${basename(file)}.${random}${temporaryEnd}`);
  try {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    const handle = await open(temporary, 'wx', 0o600);
    try {
      await handle.writeFile(content);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await publish(temporary);
    await syncDirectory(dirname(file));
  } catch (cause) {
    await rm(temporary, { force: true });
    const reason = `cannot be written (${codeOf(cause)})`;
    throw new StateError('unwritable', { file, reason, cause });
  }
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

export interface StateFile {
  content: Buffer;
  modifiedAt: Date;
}

/** Undefined when there is none. `secret`: also refuses a file that others may read. */
export async function readState(
  file: string,
  options: { secret?: boolean; limit?: number } = {},
): Promise<StateFile | undefined> {
  const limit = options.limit ?? 16 * 1024 * 1024;
  let handle: Awaited<ReturnType<typeof open>> | undefined;
  try {
    handle = await open(file, noFollow);
    const stats = await handle.stat();
    if (!stats.isFile()) throw unsafe(file, 'is not a regular file');
    if (options.secret && (stats.mode & 0o077) !== 0) {
      throw unsafe(file, 'may be read by others', `chmod 600 ${file}`);
    }
    if (options.secret && !isOurs(stats.uid)) throw unsafe(file, 'belongs to another user');
    if (stats.size > limit) throw fault('corrupt', file, `is larger than ${limit} bytes`);
    return { content: await handle.readFile(), modifiedAt: stats.mtime };
  } catch (thrown) {
    if (thrown instanceof StateError) throw thrown;
    if (hasCode(thrown, 'ENOENT')) return undefined;
    if (hasCode(thrown, 'ELOOP')) throw unsafe(file, 'is a symbolic link', 'put the file there');
    throw new StateError('unwritable', {
      file,
      reason: `cannot be read (${codeOf(thrown)})`,
      cause: thrown,
    });
  } finally {
    await handle?.close();
  }
}

/** Makes the directory, or checks that nobody else can put files in it, or (`secret`) see them. */
export async function safeDirectory(directory: string, secret = false): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    const reason = `cannot be made (${codeOf(cause)})`;
    throw new StateError('unwritable', { file: directory, reason, cause });
  }
  const stats = await lstat(directory);
  if (!stats.isDirectory()) throw unsafe(directory, 'is not a directory of its own');
  if (!isOurs(stats.uid)) throw unsafe(directory, 'belongs to another user');
  const forbidden = secret ? 0o077 : 0o022;
  if ((stats.mode & forbidden) !== 0) {
    const reason = secret ? 'may be entered by others' : 'may be written by others';
    throw unsafe(directory, reason, `chmod 700 ${directory}`);
  }
}

/** Names in a directory, without what an interrupted write left; none when it does not exist. */
export async function listState(directory: string): Promise<string[]> {
  try {
    return (await readdir(directory)).filter((name) => !name.startsWith('.')).sort();
  } catch (thrown) {
    if (hasCode(thrown, 'ENOENT')) return [];
    if (hasCode(thrown, 'ENOTDIR')) throw fault('corrupt', directory, 'is not a directory', away);
    const reason = `cannot be read (${codeOf(thrown)})`;
    throw new StateError('unwritable', { file: directory, reason, cause: thrown });
  }
}

/** Throws `unsafe` when anybody else can read anything below the directory. */
export async function checkPrivate(directory: string): Promise<void> {
  await safeDirectory(directory, true);
  for (const entry of await readdir(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) await checkPrivate(path);
    else await readState(path, { secret: true });
  }
}

/** Removes what interrupted writes left. Only for the one that holds the lock. */
export async function sweep(directory: string): Promise<void> {
  const names = await readdir(directory, { recursive: true });
  const left = names.filter((name) => /^\..*\.[0-9a-f]{12}\.tmp$/.test(basename(name)));
  await Promise.all(left.map((name) => rm(join(directory, name), { force: true })));
}

function isOurs(uid: number): boolean {
  return process.getuid === undefined || process.getuid() === uid;
}

function fault(kind: StateFault, file: string, reason: string, hint?: string): StateError {
  return new StateError(kind, { file, reason, ...(hint !== undefined && { hint }) });
}

function unsafe(file: string, reason: string, hint?: string): StateError {
  return fault('unsafe', file, reason, hint);
}
