/**
 * Manifests from a directory: *.yaml, *.yml and *.json directly in it. An event of the watcher only
 * says "look again"; each look reads what changed, so renames, symlink swaps and lost events all
 * end in the same state. A file is settled when the same was read twice with `settleMs` between;
 * a file that is gone, and a directory that was gone, count only after the same time.
 */
import { resolve } from 'node:path';
import type { ManifestSource, SourceSnapshot } from '../controllers/ports.ts';
import { isManifestName } from '../crd/manifest-text.ts';
import type { Clock } from '../lib/clock.ts';
import { codeOf, toError } from '../lib/error.ts';
import { digestOf } from '../lib/hash.ts';
import { diskFiles } from './disk-files.ts';
import type { Files, Watch } from './files.ts';
import { isOf, type ManifestMemory, toRemember } from './manifest-memory.ts';
import { takeIn } from './manifest-set.ts';
import { WatchedFiles } from './watched-files.ts';

export interface ManifestDirectoryOptions {
  clock: Clock;
  /** Between the two looks that confirm what was read; 0: one look is enough (commands). */
  settleMs?: number;
  /** Looks without an event, for what no watcher reports: a mount over the directory, NFS. */
  resyncMs?: number;
  /** Where the directory is; default: the disk. */
  files?: Files;
  /** What is known of its files from before, and is kept for the next; default: nothing. */
  memory?: ManifestMemory;
}

const forgetful: ManifestMemory = { read: async () => [], write: async () => {} };
const defaults = { settleMs: 2_000, resyncMs: 10_000, files: diskFiles, memory: forgetful };
const maxFiles = 1_000;
/** Goes by itself, when the second look finds the same. */
const onlyOnce = 'was read only once so far';
/** How soon a directory that cannot be read is looked at again. */
const retryMs = 1_000;

/** Resolves after the first full read. The directory need not exist yet. */
export async function openManifestDirectory(
  directory: string,
  options: ManifestDirectoryOptions,
): Promise<ManifestSource> {
  const source = new ManifestDirectory(resolve(directory), { ...defaults, ...options });
  await source.start();
  return source;
}

interface Listing {
  identity: string;
  names: string[];
}

class ManifestDirectory implements ManifestSource {
  readonly #directory: string;
  readonly #options: Required<ManifestDirectoryOptions>;
  readonly #files: WatchedFiles;
  readonly #listeners = new Set<() => void>();
  #snapshot: SourceSnapshot = { trusted: false, manifests: [], faults: [] };
  #shown = '';
  /** Digest of what the memory has; and whether that is all. */
  #remembered = '';
  #isKept = true;
  #watch: Watch | undefined;
  /** Device and inode of the directory; undefined while it cannot be read. */
  #identity: string | undefined;
  /** `first`: read once since it appeared; `due`: the next good read confirms it. */
  #trust: 'unread' | 'first' | 'due' | 'confirmed' = 'unread';
  #listing = '';
  #cancelTrust: () => void = () => {};
  #cancelResync: () => void = () => {};
  #endWait: () => void = () => {};
  #dirty = false;
  #looking: Promise<void> | undefined;
  #closed = false;

  constructor(directory: string, options: Required<ManifestDirectoryOptions>) {
    this.#directory = directory;
    this.#options = options;
    this.#files = new WatchedFiles(directory, options, () => this.#wake());
  }

  async start(): Promise<void> {
    const before = await this.#options.memory.read();
    this.#files.remember(before.filter(isOf(this.#directory)));
    this.#remembered = digestOf(toRemember(this.#files.list()));
    this.#wake();
    await this.#looking;
    this.#files.started();
  }

  snapshot(): SourceSnapshot {
    return this.#snapshot;
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#endWait();
    this.#cancelTrust();
    this.#cancelResync();
    this.#files.close();
    this.#listeners.clear();
    await this.#watch?.close();
    await this.#looking;
  }

  /** Any number of wakes during a look make one more look. */
  #wake(): void {
    this.#dirty = true;
    this.#looking ??= this.#lookWhileDirty();
  }

  async #lookWhileDirty(): Promise<void> {
    while (this.#dirty && !this.#closed) {
      this.#dirty = false;
      try {
        await this.#look();
      } catch (thrown) {
        await this.#unreadable(`cannot be watched (${toError(thrown).message})`);
        this.#lookAgainIn(retryMs);
      }
    }
    this.#looking = undefined;
  }

  async #look(): Promise<void> {
    const due = this.#files.due();
    const listed = await this.#list();
    if (this.#closed) return;
    if ('reason' in listed) {
      await this.#unreadable(listed.reason);
    } else {
      await this.#directoryRead(listed);
      await this.#files.look(listed.names, { confirmed: this.#trust === 'confirmed', due });
      if (this.#closed) return;
      // A mount in the midst of a look gives half of one directory and half of another.
      const now = await this.#options.files.identity(this.#directory).catch(() => undefined);
      if (this.#closed) return;
      if (now === listed.identity) await this.#publish(this.#distrust());
      else this.#dirty = true;
    }
    const isGood = this.#identity !== undefined && this.#isKept;
    this.#lookAgainIn(isGood ? this.#options.resyncMs : retryMs);
  }

  #lookAgainIn(pauseMs: number): void {
    this.#cancelResync();
    if (this.#closed) return;
    this.#cancelResync = this.#options.clock.after(pauseMs, () => this.#wake());
  }

  async #unreadable(reason: string): Promise<void> {
    this.#trust = 'unread';
    this.#cancelTrust();
    this.#identity = undefined;
    await this.#publish(reason);
  }

  async #list(): Promise<Listing | { reason: string }> {
    try {
      const { files } = this.#options;
      const identity = await files.identity(this.#directory);
      const names = (await files.names(this.#directory)).filter(isManifestName);
      if (names.length > maxFiles) return { reason: `has more than ${maxFiles} manifests` };
      return { identity, names };
    } catch (thrown) {
      const code = codeOf(thrown);
      if (code === 'ENOENT') return { reason: 'does not exist' };
      if (code === 'ENOTDIR') return { reason: 'is not a directory' };
      return { reason: `cannot be read (${code})` };
    }
  }

  /** Another directory under the same name needs another watcher, and a second look. */
  async #directoryRead({ identity, names }: Listing): Promise<void> {
    if (identity !== this.#identity) {
      this.#identity = identity;
      this.#trust = 'unread';
      await this.#rewatch();
    }
    if (this.#trust === 'confirmed' && names.length > 0) return;
    // A directory that is being filled must not be taken for one from which files were removed.
    const listing = names.toSorted().join('/');
    const same = listing === this.#listing && names.length > 0;
    this.#listing = listing;
    if (same && this.#trust === 'due') this.#trust = 'confirmed';
    if (same && this.#trust !== 'unread') return;
    if (this.#options.settleMs === 0) {
      this.#trust = 'confirmed';
      return;
    }
    this.#trust = 'first';
    this.#cancelTrust();
    this.#cancelTrust = this.#options.clock.after(this.#options.settleMs, () => {
      this.#trust = 'due';
      this.#wake();
    });
  }

  async #rewatch(): Promise<void> {
    await this.#watch?.close();
    if (this.#closed) return;
    const watch = this.#options.files.watch(this.#directory, isManifestName, (replaced) => {
      if (replaced) this.#identity = undefined;
      this.#wake();
    });
    this.#watch = watch;
    await new Promise<void>((done) => {
      const cancel = this.#options.clock.after(retryMs, done);
      this.#endWait = () => {
        cancel();
        done();
      };
      void watch.ready.then(this.#endWait);
    });
    // What changed after the directory was listed and before the watch was ready.
    this.#dirty = true;
  }

  /** Why what is absent may not be taken for deleted, though the directory can be read. */
  #distrust(): string | undefined {
    const present = this.#files.list().some(({ missing }) => !missing);
    if (!present) return 'holds no manifest';
    if (this.#trust !== 'confirmed') return onlyOnce;
    return undefined;
  }

  async #publish(distrust: string | undefined): Promise<void> {
    const { manifests, faults, unknown } = takeIn(this.#files.list());
    const what = unknown?.broken ? 'has faults' : 'is being written';
    const reason =
      distrust !== undefined
        ? `${this.#directory} ${distrust}`
        : unknown && `${unknown.path} ${what}, and what it held before is not known`;
    const settling = distrust === undefined ? unknown?.broken === false : distrust === onlyOnce;
    const failure = await this.#remember();
    if (this.#closed) return;
    this.#isKept = failure === undefined;
    // What the next process would not know must not count: it would take a broken file for less.
    if (failure !== undefined) {
      return this.#tell({ ...this.#snapshot, trusted: false, reason: failure });
    }
    this.#tell({
      trusted: reason === undefined,
      ...(reason !== undefined && { reason }),
      ...(settling && { settling }),
      manifests,
      faults,
    });
  }

  /** Why it failed, if it did. */
  async #remember(): Promise<string | undefined> {
    const files = toRemember(this.#files.list());
    const digest = digestOf(files);
    if (digest === this.#remembered) return undefined;
    try {
      await this.#options.memory.write(files);
      this.#remembered = digest;
      return undefined;
    } catch (thrown) {
      return `what ${this.#directory} holds cannot be kept: ${toError(thrown).message}`;
    }
  }

  #tell(snapshot: SourceSnapshot): void {
    this.#snapshot = snapshot;
    const shown = JSON.stringify(this.#snapshot);
    if (shown === this.#shown) return;
    this.#shown = shown;
    for (const listener of [...this.#listeners]) listener();
  }
}
