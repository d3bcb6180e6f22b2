/**
 * A file system in memory for the watched directory, with the habits that make real ones hard:
 * a file is there while it is written, byte by byte if need be; a rename replaces it at once; a
 * directory can be moved away, replaced, mounted over or made unreadable; an event says only that
 * something happened, late, and sometimes not at all.
 */
import type { FileBytes, Files, Watch } from '../drivers/files.ts';
import type { Clock } from '../lib/clock.ts';

interface SimFile {
  inode: number;
  bytes: Uint8Array;
  /** Counts the writes, as times do. */
  version: number;
}

interface SimDirectory {
  identity: string;
  files: Map<string, SimFile>;
}

interface Watcher {
  directory: SimDirectory | undefined;
  path: string;
  isWanted: (name: string) => boolean;
  changed: (replaced: boolean) => void;
}

export interface SimFilesOptions {
  clock: Clock;
  /** Delay of an event in ms; undefined loses it. Default: 1 ms. */
  eventDelayMs?: () => number | undefined;
}

export class SimFiles implements Files {
  readonly #options: SimFilesOptions;
  /** What is under a path now; the one on top of a stack of mounts comes last. */
  readonly #directories = new Map<string, SimDirectory[]>();
  readonly #unreadable = new Map<string, string>();
  readonly #watchers = new Set<Watcher>();
  #numbers = 0;

  constructor(options: SimFilesOptions) {
    this.#options = options;
  }

  /** A new empty directory. */
  makeDirectory(path: string): void {
    this.#directories.set(path, [this.#newDirectory()]);
    this.#tell(path, '', true);
  }

  /** Moves it away with all that is in it; a watch on it follows it and sees nothing more. */
  moveDirectory(from: string, to: string): void {
    const stack = this.#directories.get(from);
    if (stack === undefined) throw systemError('ENOENT', from);
    this.#directories.delete(from);
    this.#directories.set(to, stack);
    this.#tell(from, '', true);
  }

  /** Hides what is under the path behind an empty directory, without an event, as mount(8) does. */
  mountOver(path: string): void {
    this.#stack(path).push(this.#newDirectory());
  }

  unmount(path: string): void {
    this.#stack(path).pop();
  }

  /** Reading the directory or file fails with that code until it is undefined again. */
  fail(path: string, code: string | undefined): void {
    if (code === undefined) this.#unreadable.delete(path);
    else this.#unreadable.set(path, code);
    const { directory, name } = split(path);
    this.#tell(directory, name, false);
  }

  /** In place, whole: open with O_TRUNC, one write. */
  write(path: string, text: string | Uint8Array): void {
    const file = this.#open(path);
    file.bytes = Buffer.from(text);
    this.#touched(path, file);
  }

  /** Adds bytes to what is there, as a writer does that is in the middle of its work. */
  append(path: string, bytes: Uint8Array): void {
    const file = this.#open(path);
    file.bytes = Buffer.concat([file.bytes, bytes]);
    this.#touched(path, file);
  }

  /** By a temporary file that is renamed over the old one: another inode at once. */
  replace(path: string, text: string | Uint8Array): void {
    const { directory, name } = split(path);
    const file = this.#newFile(Buffer.from(text));
    this.#top(directory).files.set(name, file);
    this.#tell(directory, name, false);
  }

  remove(path: string): void {
    const { directory, name } = split(path);
    this.#top(directory).files.delete(name);
    this.#tell(directory, name, false);
  }

  has(path: string): boolean {
    const { directory, name } = split(path);
    return this.#directories.get(directory)?.at(-1)?.files.has(name) === true;
  }

  async identity(directory: string): Promise<string> {
    this.#mayRead(directory);
    return this.#top(directory).identity;
  }

  async names(directory: string): Promise<string[]> {
    this.#mayRead(directory);
    return [...this.#top(directory).files.keys()];
  }

  async stamp(path: string): Promise<string | undefined> {
    const { directory, name } = split(path);
    const file = this.#directories.get(directory)?.at(-1)?.files.get(name);
    return file === undefined ? undefined : stampOf(file);
  }

  async read(path: string, limit: number): Promise<FileBytes> {
    const { directory, name } = split(path);
    const file = this.#top(directory).files.get(name);
    if (file === undefined) throw systemError('ENOENT', path);
    this.#mayRead(path);
    return { stamp: stampOf(file), bytes: file.bytes.slice(0, limit) };
  }

  watch(
    path: string,
    isWanted: (name: string) => boolean,
    changed: (replaced: boolean) => void,
  ): Watch {
    const directory = this.#directories.get(path)?.at(-1);
    const watcher = { directory, path, isWanted, changed };
    this.#watchers.add(watcher);
    return {
      ready: Promise.resolve(),
      close: async () => {
        this.#watchers.delete(watcher);
      },
    };
  }

  #open(path: string): SimFile {
    const { directory, name } = split(path);
    const { files } = this.#top(directory);
    const known = files.get(name) ?? this.#newFile(new Uint8Array());
    files.set(name, known);
    return known;
  }

  #newFile(bytes: Uint8Array): SimFile {
    return { inode: this.#next(), bytes, version: this.#next() };
  }

  #newDirectory(): SimDirectory {
    return { identity: `1-${this.#next()}`, files: new Map() };
  }

  #next(): number {
    this.#numbers += 1;
    return this.#numbers;
  }

  #touched(path: string, file: SimFile): void {
    file.version = this.#next();
    const { directory, name } = split(path);
    this.#tell(directory, name, false);
  }

  #stack(path: string): SimDirectory[] {
    const stack = this.#directories.get(path);
    if (stack === undefined) throw systemError('ENOENT', path);
    return stack;
  }

  #top(path: string): SimDirectory {
    const top = this.#stack(path).at(-1);
    if (top === undefined) throw systemError('ENOENT', path);
    return top;
  }

  #mayRead(path: string): void {
    const code = this.#unreadable.get(path);
    if (code !== undefined) throw systemError(code, path);
  }

  /** A watch is on the directory that had the name when it began, not on the name. */
  #tell(path: string, name: string, replaced: boolean): void {
    const top = this.#directories.get(path)?.at(-1);
    for (const watcher of [...this.#watchers]) {
      const here = replaced ? watcher.path === path : watcher.directory === top;
      if (watcher.path !== path || !here || (!replaced && !watcher.isWanted(name))) continue;
      const delayMs = this.#options.eventDelayMs === undefined ? 1 : this.#options.eventDelayMs();
      if (delayMs === undefined) continue;
      this.#options.clock.after(delayMs, () => {
        if (this.#watchers.has(watcher)) watcher.changed(replaced);
      });
    }
  }
}

function split(path: string): { directory: string; name: string } {
  const at = path.lastIndexOf('/');
  return { directory: path.slice(0, at), name: path.slice(at + 1) };
}

function stampOf({ inode, bytes, version }: SimFile): string {
  return `1-${inode}-${bytes.length}-${version}`;
}

function systemError(code: string, path: string): Error {
  return Object.assign(new Error(`${code}: ${path}`), { code });
}
