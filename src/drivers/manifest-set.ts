/**
 * What a directory of manifest files means: readings → the objects in force and the faults. Pure.
 * A file counts as a whole or not at all: while it has a fault, the objects of its last good
 * version stay in force. What vanishes (a file, or an object of a file) stays in force until its
 * absence is confirmed, so nothing that is half written, moved or unmounted ever takes one away.
 */
import { conflictFaults, type ObjectRef, objectKey } from '../crd/conflicts.ts';
import type { Fault } from '../crd/fault.ts';
import type { Loaded } from '../crd/load.ts';
import type { Manifest } from '../crd/manifest.ts';

export interface ManifestFile {
  /** Absolute. */
  path: string;
  /** As last read. */
  loaded: Loaded;
  /** The same was read twice, with time between. */
  settled: boolean;
  /** What it held before is known: it was settled once, or came when all others were. */
  known: boolean;
  /** It was not there when the directory was last read. */
  missing: boolean;
  /** In force from this file, also while it is broken or missing. */
  kept: Manifest[];
  /** The version in force ended with the mark `...`. */
  marked: boolean;
}

export interface ManifestSet {
  manifests: Manifest[];
  faults: Fault[];
  /** A file of which nobody knows what it stands for. */
  unknown?: Unknown;
}

export interface Unknown {
  path: string;
  /** No good version of it was seen; otherwise it is being written, and another look tells. */
  broken: boolean;
}

export function manifestKey({ kind, object }: Manifest): string {
  return objectKey({ kind, ...object.metadata });
}

/** Takes in what may be taken in (updates `kept`), and says what is in force now. */
export function takeIn(files: readonly ManifestFile[]): ManifestSet {
  const present = files.filter(({ missing }) => !missing);
  const lost = present.flatMap(lostMarkFault);
  const conflicts = conflictFaults(present.flatMap(refsOf));
  const broken = new Set([...lost, ...conflicts].map(({ file }) => file));
  const faults = [...lost, ...conflicts];
  for (const file of present) {
    faults.push(...file.loaded.faults);
    if (file.loaded.faults.length > 0) broken.add(file.path);
  }
  const early = new Set(present.filter(takesOver(files)).map(({ path }) => path));
  const held = new Set([...broken, ...early]);
  for (const file of present) {
    if (!held.has(file.path)) accept(file);
    else if (broken.has(file.path)) faults.push(...heldBackFaults(file, faults));
  }
  const unknown = unknownOf(files, broken, early);
  return { manifests: inForce(files, held), faults, ...(unknown && { unknown }) };
}

/**
 * An object that another file may only have lost for a moment, while it is saved, is not taken from
 * a second file yet, as it would not be taken from there in the moment before: it may be an old copy.
 */
function takesOver(files: readonly ManifestFile[]): (file: ManifestFile) => boolean {
  const losers = new Map<string, Set<string>>();
  for (const { path, kept, loaded, missing, settled } of files) {
    if (settled && !missing) continue;
    const defined = new Set(missing ? [] : loaded.manifests.map(manifestKey));
    for (const key of kept.map(manifestKey)) {
      if (!defined.has(key)) losers.set(key, (losers.get(key) ?? new Set()).add(path));
    }
  }
  return ({ path, loaded }) =>
    loaded.manifests.some((manifest) =>
      [...(losers.get(manifestKey(manifest)) ?? [])].some((loser) => loser !== path),
    );
}

/** One that was never good and is gone counts, too, until its absence is confirmed. */
function unknownOf(
  files: readonly ManifestFile[],
  broken: ReadonlySet<string>,
  early: ReadonlySet<string>,
): Unknown | undefined {
  const isBroken = ({ path, kept, missing, loaded }: ManifestFile) =>
    kept.length === 0 && (missing ? loaded.faults.length > 0 : broken.has(path));
  const isEarly = ({ path, known }: ManifestFile) => !known || early.has(path);
  const file = files.find(isBroken) ?? files.find(isEarly);
  return file && { path: file.path, broken: isBroken(file) };
}

function accept(file: ManifestFile): void {
  const { manifests, marked } = file.loaded;
  const now = manifests.map((manifest): Manifest => {
    const whole = marked && ({ whole: true } as const);
    const origin = { ...manifest.origin, settled: file.settled, ...whole };
    return { ...manifest, origin };
  });
  const keys = new Set(now.map(manifestKey));
  const vanished = file.settled
    ? []
    : file.kept.filter((each) => !keys.has(manifestKey(each))).map(asMissing);
  file.kept = [...now, ...vanished];
  file.marked = marked;
}

/** As one that is gone from its file, and whose absence is not confirmed. */
export function asMissing(manifest: Manifest): Manifest {
  return { ...manifest, origin: { ...manifest.origin, missing: true } } as Manifest;
}

/** What a file stands for: what it says, or what it last said while it cannot be read. */
function refsOf(file: ManifestFile): ObjectRef[] {
  const { path, loaded, kept } = file;
  const isUnread = loaded.faults.length > 0 || lostMarkFault(file).length > 0;
  const manifests = isUnread ? kept : loaded.manifests;
  return manifests.map(({ kind, object, origin }) => {
    const { namespace, name } = object.metadata;
    return { file: path, line: origin.line, object: { kind, namespace, name } };
  });
}

function lostMarkFault({ path, loaded, marked }: ManifestFile): Fault[] {
  if (!marked || loaded.marked || loaded.faults.length > 0) return [];
  const message = 'has lost its last line `...`, so it may be cut short';
  return [{ file: path, message, hint: 'write `...` as the last line again' }];
}

/** Objects that are held back by the fault of another object of their file are told so. */
function heldBackFaults(file: ManifestFile, faults: readonly Fault[]): Fault[] {
  const own = faults.filter((fault) => fault.file === file.path);
  if (own.some(({ object }) => object === undefined)) return [];
  const named = new Set(own.flatMap(({ object }) => (object ? [objectKey(object)] : [])));
  const held = new Map([...file.kept, ...file.loaded.manifests].map((m) => [manifestKey(m), m]));
  const line = own[0]?.line;
  return [...held].flatMap(([key, { kind, object, origin }]) => {
    if (named.has(key)) return [];
    const { namespace, name } = object.metadata;
    const where = line === undefined ? '' : ` (see line ${line})`;
    const message = `is not taken in, because another object of the file has a fault${where}`;
    return [{ file: file.path, line: origin.line, message, object: { kind, namespace, name } }];
  });
}

/** Of several files that have an object, the one that defines it now comes first. */
function inForce(files: readonly ManifestFile[], held: ReadonlySet<string>): Manifest[] {
  const rank = (file: ManifestFile, manifest: Manifest) => {
    if (file.missing) return 2;
    const key = manifestKey(manifest);
    const defined = file.loaded.manifests.some((each) => manifestKey(each) === key);
    return defined && !held.has(file.path) ? 0 : 1;
  };
  const best = new Map<string, { rank: number; manifest: Manifest }>();
  for (const file of files) {
    for (const manifest of file.kept) {
      const inForce = file.missing ? asMissing(manifest) : manifest;
      const candidate = { rank: rank(file, manifest), manifest: inForce };
      const key = manifestKey(manifest);
      if (candidate.rank < (best.get(key)?.rank ?? 3)) best.set(key, candidate);
    }
  }
  return [...best.values()].map(({ manifest }) => manifest);
}
