/**
 * What `apply` and `delete` do to the files of a directory, as texts. Pure.
 * Every edited text is loaded again and must hold exactly the objects that it should; an edit that
 * cannot be proven so is refused, and a person edits the file.
 */
import { describeFault, type Fault } from '../../crd/fault.ts';
import { load } from '../../crd/load.ts';
import type { Manifest } from '../../crd/manifest.ts';
import { digestOf } from '../../lib/hash.ts';
import { CliError } from '../cli-error.ts';
import { kindOf, type ManifestKind, printRef } from '../kind.ts';
import type { ManifestFile } from './directory.ts';
import { documentAt, removeDocument, replaceDocument } from './document.ts';

/** A file before and after; undefined is a file that is not there. */
export interface FileEdit {
  path: string;
  before?: string;
  after?: string;
}

export interface ObjectId {
  kind: ManifestKind;
  namespace: string;
  name: string;
}

export function idOf(manifest: Manifest): ObjectId {
  const { namespace, name } = manifest.object.metadata;
  return { kind: kindOf(manifest), namespace, name };
}

export function sameId(a: ObjectId, b: ObjectId): boolean {
  return a.kind === b.kind && a.namespace === b.namespace && a.name === b.name;
}

/** The files of a directory, edited in memory one object after the other. */
export class DirectoryEdit {
  readonly #before = new Map<string, string>();
  readonly #now = new Map<string, string>();

  constructor(files: readonly ManifestFile[]) {
    for (const { path, text } of files) {
      this.#before.set(path, text);
      this.#now.set(path, text);
    }
  }

  /** Objects of all files as they are now. */
  manifests(): Manifest[] {
    return [...this.#now].flatMap(([path, text]) => load(path, text).manifests);
  }

  faults(): Fault[] {
    return [...this.#now].flatMap(([path, text]) => load(path, text).faults);
  }

  /** Puts the object's document in place of its old one, or into a new file. */
  put(
    manifest: Manifest,
    document: string,
    newPath: (attempt: number) => string,
  ): 'created' | 'configured' | 'unchanged' {
    const id = idOf(manifest);
    const old = this.#find(id);
    if (old === undefined) {
      let attempt = 0;
      while (this.#now.has(newPath(attempt))) attempt += 1;
      this.#set(newPath(attempt), document, id, manifest);
      return 'created';
    }
    const { file, line } = old.origin;
    const text = this.#now.get(file) ?? '';
    this.#set(file, replaceDocument(text, line, document), id, manifest);
    return digestOf(old.object) === digestOf(manifest.object) ? 'unchanged' : 'configured';
  }

  /** Of the object as it stands; undefined when no file defines it. */
  annotations(id: ObjectId): Record<string, string> | undefined {
    const found = this.#find(id);
    return found && (found.object.metadata.annotations ?? {});
  }

  /** Changes the text of the object's document. Its faults, as the loader tells them, are thrown. */
  change(id: ObjectId, change: (document: string) => string): void {
    const old = this.#find(id);
    if (old === undefined) throw new RangeError(`${printRef(id)} is in no file`);
    const { file, line } = old.origin;
    const text = this.#now.get(file) ?? '';
    const edited = replaceDocument(text, line, change(documentOf(text, old)));
    const { manifests, faults } = load(file, edited);
    const fault = faults[0];
    if (fault) {
      const next = `mend ${file} or what you typed, then run the command again; nothing was written`;
      throw new CliError('invalidManifests', describeFault(fault), next);
    }
    this.#set(
      file,
      edited,
      id,
      manifests.find((manifest) => sameId(idOf(manifest), id)),
    );
  }

  /** False: no file defines it. */
  remove(id: ObjectId): boolean {
    const old = this.#find(id);
    if (old === undefined) return false;
    const { file, line } = old.origin;
    this.#set(file, removeDocument(this.#now.get(file) ?? '', line), id, undefined);
    return true;
  }

  edits(): FileEdit[] {
    const paths = new Set([...this.#before.keys(), ...this.#now.keys()]);
    return [...paths].flatMap((path) => {
      const before = this.#before.get(path);
      const after = this.#now.get(path);
      if (before === after) return [];
      return [
        {
          path,
          ...(before === undefined ? {} : { before }),
          ...(after === undefined ? {} : { after }),
        },
      ];
    });
  }

  #find(id: ObjectId): Manifest | undefined {
    const found = this.manifests().filter((manifest) => sameId(idOf(manifest), id));
    const broken = this.faults().find(({ object }) => faultConcerns(object, id));
    if (found.length > 1 || broken !== undefined) {
      const file = broken?.file ?? found.map(({ origin }) => origin.file).join(' and ');
      const why = found.length > 1 ? 'is defined twice' : 'has faults';
      throw new CliError(
        'invalidManifests',
        `${printRef(id)} ${why}, in ${file}`,
        `mend ${file}, then run the command again`,
      );
    }
    return found[0];
  }

  /** `wanted` undefined: the object must be gone. */
  #set(path: string, edited: string, id: ObjectId, wanted: Manifest | undefined): void {
    const old = this.#now.get(path);
    const before = load(path, old ?? '');
    const text = old === undefined || before.marked ? marked(path, edited) : edited;
    const after = text === '' ? [] : load(path, text).manifests;
    const kept = before.manifests.filter((manifest) => !sameId(idOf(manifest), id));
    const expected = wanted === undefined ? kept : [...kept, wanted];
    if (!sameObjects(expected, after)) {
      const next = `edit ${path} by hand; benchctl plan shows the effect`;
      throw new CliError('failed', `cannot edit ${path} safely`, next);
    }
    if (text === '') this.#now.delete(path);
    else this.#now.set(path, text);
  }
}

/** With the last line `...`, by which a file says that it is whole and not cut off. */
function marked(path: string, text: string): string {
  if (text === '' || load(path, text).marked) return text;
  return `${text}${text.endsWith('\n') ? '' : '\n'}...\n`;
}

function sameObjects(a: readonly Manifest[], b: readonly Manifest[]): boolean {
  const digests = (list: readonly Manifest[]) => list.map(({ object }) => digestOf(object)).sort();
  return digestOf(digests(a)) === digestOf(digests(b));
}

function faultConcerns(object: Fault['object'], id: ObjectId): boolean {
  return (
    object !== undefined &&
    object.kind.toLowerCase() === `bench${id.kind}` &&
    object.namespace === id.namespace &&
    object.name === id.name
  );
}

/** The part of the input that defines the manifest. */
export function documentOf(text: string, manifest: Manifest): string {
  return documentAt(text, manifest.origin.line) ?? text;
}
