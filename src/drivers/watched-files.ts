/**
 * The manifest files of a directory between two looks: what was last read of each, since when it is
 * unchanged or gone, and the timers that ask for the look that confirms it. It decides nothing
 * about objects; `manifest-set.ts` does.
 */
import { basename, join } from 'node:path';
import type { Clock } from '../lib/clock.ts';
import type { Files } from './files.ts';
import { type Reading, readManifestFile } from './manifest-file.ts';
import type { RememberedFile } from './manifest-memory.ts';
import type { ManifestFile } from './manifest-set.ts';

/** How long a file may be in the middle of being saved before its faults are shown. */
const saveMs = 100;

interface WatchedFile extends ManifestFile {
  stamp: string;
  digest: string;
  /** Only a process before has seen it. */
  unread?: true;
  /** Its time is over: the next look that finds it unchanged confirms it. */
  due: boolean;
  cancel: () => void;
}

export class WatchedFiles {
  readonly #directory: string;
  readonly #options: { clock: Clock; settleMs: number; files: Files };
  readonly #wake: () => void;
  readonly #files = new Map<string, WatchedFile>();
  /** Files with faults that may only be in the middle of being saved: whether their time is over. */
  readonly #saving = new Map<string, { over: boolean; cancel: () => void }>();
  /** Read the same twice, in the look that goes on. */
  readonly #confirmed = new Set<WatchedFile>();
  #started = false;
  #closed = false;

  /** `wake` is called when a file is due for another look. */
  constructor(
    directory: string,
    options: { clock: Clock; settleMs: number; files: Files },
    wake: () => void,
  ) {
    this.#directory = directory;
    this.#options = options;
    this.#wake = wake;
  }

  /** What a process before has seen; before the first look. */
  remember(files: readonly RememberedFile[]): void {
    const loaded = { manifests: [], faults: [], marked: false };
    const unread = { loaded, stamp: '', digest: '', settled: false, missing: true, due: false };
    for (const file of files) {
      this.#files.set(basename(file.path), { ...unread, ...file, unread: true, cancel: () => {} });
    }
  }

  /** The first look is over: from now on a file with faults may be one that is being saved. */
  started(): void {
    this.#started = true;
  }

  /** By path, so that the same files always give the same answer. */
  list(): ManifestFile[] {
    return [...this.#files.values()].sort((a, b) => (a.path < b.path ? -1 : 1));
  }

  /** Those whose time is over. Only a look that begins afterwards can confirm what was seen of them. */
  due(): Set<string> {
    return new Set([...this.#files].flatMap(([name, { due }]) => (due ? [name] : [])));
  }

  /**
   * The directory was read well, and these are its manifests; `confirmed`: all that was in it has
   * been seen before, so what appears now is new; `due`: as it was before the directory was read.
   */
  async look(
    names: readonly string[],
    { confirmed, due }: { confirmed: boolean; due: ReadonlySet<string> },
  ): Promise<void> {
    this.#confirmed.clear();
    await Promise.all(names.map((name) => this.#lookAt(name, confirmed, due.has(name))));
    const present = new Set(names);
    for (const name of [...this.#saving.keys(), ...this.#files.keys()]) {
      if (!present.has(name)) this.#missing(name, due.has(name));
    }
    // What is being saved may hold what another file has lost; the end of the saving wakes.
    if (this.#isSaving()) return;
    for (const file of this.#confirmed) Object.assign(file, { settled: true, known: true });
  }

  close(): void {
    this.#closed = true;
    for (const { cancel } of [...this.#files.values(), ...this.#saving.values()]) cancel();
  }

  async #lookAt(name: string, confirmed: boolean, due: boolean): Promise<void> {
    const { files } = this.#options;
    const path = join(this.#directory, name);
    const known = this.#files.get(name);
    if (known?.settled && !known.missing && (await files.stamp(path)) === known.stamp) return;
    const reading = await readManifestFile(files, path);
    if (this.#closed) return;
    if (reading === undefined) this.#missing(name, due);
    else if (known && !known.missing && sameReading(known, reading)) {
      if (due && !known.settled) this.#confirmed.add(known);
    } else if (!this.#mayBeSaving(name, reading)) {
      this.#changed(name, path, reading, confirmed);
    } else if (known?.missing) {
      // It is there: should it go again, that is another absence.
      this.#confirmLater(known);
    }
  }

  #changed(
    name: string,
    path: string,
    { stamp, digest, loaded }: Reading,
    confirmed: boolean,
  ): void {
    const known = this.#files.get(name);
    known?.cancel();
    const settled = this.#options.settleMs === 0;
    const file: WatchedFile = {
      path,
      stamp,
      digest,
      loaded,
      settled,
      known: settled || (known?.known ?? confirmed),
      missing: false,
      kept: known?.kept ?? [],
      marked: known?.marked ?? false,
      due: false,
      cancel: () => {},
    };
    this.#files.set(name, file);
    this.#confirmLater(file);
  }

  /** Many programs empty a file before they write it: its faults wait a moment. */
  #mayBeSaving(name: string, reading: Reading): boolean {
    const saving = this.#saving.get(name);
    const good = reading.loaded.faults.length === 0;
    if (good || saving?.over || !this.#started) {
      saving?.cancel();
      this.#saving.delete(name);
      return false;
    }
    if (saving) return true;
    const entry = { over: false, cancel: () => {} };
    entry.cancel = this.#options.clock.after(saveMs, () => {
      entry.over = true;
      this.#wake();
    });
    this.#saving.set(name, entry);
    return true;
  }

  #isSaving(): boolean {
    return [...this.#saving.values()].some(({ over }) => !over);
  }

  #missing(name: string, due: boolean): void {
    this.#saving.get(name)?.cancel();
    this.#saving.delete(name);
    const file = this.#files.get(name);
    if (file === undefined) return;
    if (!file.missing || file.unread) {
      file.missing = true;
      file.settled = false;
      delete file.unread;
      this.#confirmLater(file);
    }
    const isProven = due || this.#options.settleMs === 0;
    if (!file.due || !isProven || this.#isSaving()) return;
    file.cancel();
    this.#files.delete(name);
  }

  #confirmLater(file: WatchedFile): void {
    file.cancel();
    file.due = this.#options.settleMs === 0;
    if (file.due) return;
    file.cancel = this.#options.clock.after(this.#options.settleMs, () => {
      file.due = true;
      this.#wake();
    });
  }
}

function sameReading(known: WatchedFile, reading: Reading): boolean {
  return known.digest === reading.digest && known.stamp === reading.stamp;
}
