/** The disk, for the watched directory. The only place that knows chokidar. */
import { constants, type FileHandle, lstat, open, readdir, stat } from 'node:fs/promises';
import { basename } from 'node:path';
import { watch } from 'chokidar';
import { hasCode } from '../lib/error.ts';
import type { Files, Watch } from './files.ts';

export const diskFiles: Files = {
  async identity(directory) {
    const { dev, ino, birthtimeNs } = await stat(directory, { bigint: true });
    // A directory that is made anew often gets the inode of the one before.
    return `${dev}-${ino}-${birthtimeNs}`;
  },
  names: (directory) => readdir(directory),
  async stamp(file) {
    try {
      return stampOf(await stat(file, { bigint: true }));
    } catch {
      // Absent, or not to be looked at: the reading that follows says which.
      return undefined;
    }
  },
  async read(file, limit) {
    // A pipe in the directory must not hang the controller.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK;
    const handle = await open(file, flags).catch((thrown) => absentOrLink(file, thrown));
    try {
      const stats = await handle.stat({ bigint: true });
      const stamp = stampOf(stats);
      return stats.isFile() ? { stamp, bytes: await readAtMost(handle, limit) } : { stamp };
    } finally {
      await handle.close();
    }
  },
  watch: watchDirectory,
};

function watchDirectory(
  directory: string,
  isWanted: (name: string) => boolean,
  changed: (replaced: boolean) => void,
): Watch {
  const watcher = watch(directory, {
    depth: 0,
    atomic: false,
    ignoreInitial: true,
    ignorePermissionErrors: true,
    ignored: (path, stats) => stats?.isFile() === true && !isWanted(basename(path)),
  });
  // The watcher does not follow a directory that was taken away and put back.
  watcher.on('all', (event, path) => changed(event.endsWith('Dir') && path === directory));
  // The kernel's own events come first; the watcher's may be held back when they follow closely.
  watcher.on('raw', () => changed(false));
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', resolve);
    // Such as no watches left in the kernel: the resync goes on finding the changes.
    watcher.on('error', () => resolve());
  });
  return { ready, close: () => watcher.close() };
}

/** The system says of a link that leads nowhere what it says of a file that is gone. */
async function absentOrLink(file: string, thrown: unknown): Promise<never> {
  // Whatever else is wrong with the name is told as such, and not as its absence.
  const isLink = hasCode(thrown, 'ENOENT') && (await lstat(file)).isSymbolicLink();
  throw isLink ? Object.assign(new Error(`${file} leads nowhere`), { code: 'ELOOP' }) : thrown;
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
