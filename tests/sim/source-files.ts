/**
 * The files of a simulated installation: what people write into a watched directory, byte by byte
 * if need be, and what the production's own reader makes of it for each process. It is edited as
 * `MemorySource` is. What the reader says is held against what was written.
 */
import { isDeepStrictEqual } from 'node:util';
import { stringify } from 'yaml';
import type { ManifestSource, SourceSnapshot } from '../../src/controllers/ports.ts';
import type { Manifest } from '../../src/crd/manifest.ts';
import { openManifestDirectory } from '../../src/drivers/manifest-directory.ts';
import type { ManifestMemory } from '../../src/drivers/manifest-memory.ts';
import type { Clock } from '../../src/lib/clock.ts';
import { between, type Choice, pick } from '../../src/sim/choice.ts';
import { SimFiles } from '../../src/sim/files.ts';
import type { AnyObject, EditedSource } from '../../src/sim/memory-source.ts';

const directory = '/manifests';
const elsewhere = '/elsewhere';
/** Without events; the reader's own is a sixth of it, and a day at rest would be made of looks. */
const resyncMs = 60_000;
/** The reader's: so long a file must be as it is, or away, to order that something goes. */
const settleMs = 2_000;
/** Of a slow writer; were it longer than `settleMs`, what is cut would be what was meant. */
const longestPauseMs = 1_500;

export interface SourceFilesOptions {
  clock: Clock;
  choice: Choice;
  eventDelayMs: () => number | undefined;
  /** Hears of each thing that the reader says and nobody wrote. */
  misread: (message: string) => void;
}

interface Written {
  /** Each object that was once whole in it. */
  objects: AnyObject[];
  /** Since when it is away, and since when it was there. */
  goneAt?: number;
  backAt: number;
  /** What it holds has been in force, and is not over. */
  inForce?: boolean;
  /** Stops the writer that is at work on it. */
  stop: () => void;
}

export class SourceFiles implements EditedSource {
  readonly #options: SourceFilesOptions;
  readonly #files: SimFiles;
  readonly #written = new Map<string, Written>();
  readonly #listeners = new Set<() => void>();
  #reader: ManifestSource | undefined;
  /** Where the directory is now. */
  #place = directory;

  constructor(options: SourceFilesOptions) {
    this.#options = options;
    this.#files = new SimFiles(options);
    this.#files.makeDirectory(directory);
  }

  /** What a process reads from that begins now; the one before is over. */
  async open(clock: Clock, memory: ManifestMemory): Promise<ManifestSource> {
    void this.#reader?.close();
    const options = { clock, files: this.#files, settleMs, resyncMs, memory };
    const reader = await openManifestDirectory(directory, options);
    this.#reader = reader;
    reader.onChange(() => this.#changed());
    this.#changed();
    return reader;
  }

  put(object: AnyObject): void {
    const { choice } = this.#options;
    const written = this.#writtenOf(object);
    written.objects.push(object);
    if (written.goneAt !== undefined) written.backAt = this.#options.clock.now();
    delete written.goneAt;
    const path = this.#pathOf(object);
    // Wherever the directory was when it could not be read.
    for (const place of [directory, elsewhere]) {
      this.#files.fail(`${place}/${nameOf(object)}`, undefined);
    }
    const text = Buffer.from(stringify(object));
    const how = pick(choice, ['whole', 'renamed', 'in pieces'], 'written');
    if (how === 'renamed') this.#files.replace(path, text);
    else this.#files.write(path, how === 'whole' ? text : '');
    if (how === 'in pieces') this.#append(object, text);
  }

  remove(object: AnyObject): void {
    this.#writtenOf(object).goneAt ??= this.#options.clock.now();
    this.#files.remove(this.#pathOf(object));
  }

  /** Until it is put again. */
  breakFile(object: AnyObject): void {
    this.#writtenOf(object);
    const isUnreadable = this.#options.choice.choose(2, 'file unreadable') === 1;
    if (isUnreadable) this.#files.fail(this.#pathOf(object), 'EACCES');
    else this.#files.write(this.#pathOf(object), 'kind: [BenchCluster');
  }

  distrust(): void {
    if (this.#options.choice.choose(2, 'directory away') === 1) {
      this.#files.fail(directory, 'EACCES');
    } else if (this.#place === directory) {
      this.#files.moveDirectory(directory, elsewhere);
      this.#place = elsewhere;
    }
  }

  /** The directory is there again; what was broken is written again by others. */
  mend(): void {
    this.#files.fail(directory, undefined);
    if (this.#place === directory) return;
    this.#files.moveDirectory(elsewhere, directory);
    this.#place = directory;
  }

  /** As the reader has it; what is gone by now is marked so, whether or not that was seen. */
  snapshot(): SourceSnapshot {
    const read = this.#reader?.snapshot() ?? { trusted: false, manifests: [], faults: [] };
    const manifests = read.manifests.map((manifest) => {
      const isGone = this.#written.get(nameOf(manifest.object))?.goneAt !== undefined;
      if (!isGone) return manifest;
      return { ...manifest, origin: { ...manifest.origin, missing: true } } as Manifest;
    });
    return { ...read, manifests };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    await this.#reader?.close();
  }

  /** Piece after piece, the last of them at the end of the text; another writer puts an end to it. */
  #append(object: AnyObject, text: Uint8Array): void {
    const { clock, choice } = this.#options;
    const written = this.#writtenOf(object);
    const length = between(choice, 1, text.length, 'bytes');
    const pauseMs = between(choice, 1, longestPauseMs, 'pause ms');
    const cancel = clock.after(pauseMs, () => {
      this.#files.append(this.#pathOf(object), text.subarray(0, length));
      if (length < text.length) this.#append(object, text.subarray(length));
    });
    written.stop = cancel;
  }

  /** Whoever writes a file now, nobody else does. */
  #writtenOf(object: AnyObject): Written {
    const name = nameOf(object);
    const written = this.#written.get(name) ?? { objects: [], backAt: 0, stop: () => {} };
    this.#written.set(name, written);
    written.stop();
    return written;
  }

  #pathOf(object: AnyObject): string {
    return `${this.#place}/${nameOf(object)}`;
  }

  #changed(): void {
    this.#judge(this.snapshot());
    for (const listener of this.#listeners) listener();
  }

  /** Nothing goes, and nothing is an order to make less, that nobody meant. */
  #judge({ trusted, manifests }: SourceSnapshot): void {
    const { clock, misread } = this.#options;
    const present = new Set(manifests.map(({ object }) => nameOf(object)));
    for (const { object, origin } of manifests) {
      const written = this.#written.get(nameOf(object));
      if (written) written.inForce = true;
      const isMeant = written?.objects.some((each) => isDeepStrictEqual(each, object));
      if (origin.settled && !isMeant) misread(`${nameOf(object)} was never written so for good`);
    }
    for (const [name, written] of this.#written) {
      if (!trusted || !written.inForce || present.has(name)) continue;
      // One that came back for less than that may not have been seen in between.
      const { goneAt = clock.now(), backAt } = written;
      const wasThere = written.goneAt === undefined || goneAt - backAt >= settleMs;
      if (wasThere && clock.now() - goneAt < settleMs) {
        misread(`${name} counts as gone, and is not for long`);
      }
      written.inForce = false;
    }
  }
}

function nameOf({ kind, metadata }: AnyObject): string {
  return `${kind.toLowerCase()}-${metadata.name}.yaml`;
}
