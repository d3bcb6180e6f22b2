/**
 * The text of a manifest file → its objects, and every fault of it at once, each with line, column,
 * field path and what to write instead. It never throws and never blocks: what it cannot read is a
 * fault. It knows nothing of directories; relative paths in an object are resolved against `file`.
 */
import { posix } from 'node:path';
import type { Document, LineCounter } from 'yaml';
import { oneLine } from '../lib/printable.ts';
import { conflictFaults, type ObjectRef } from './conflicts.ts';
import type { Fault } from './fault.ts';
import { apiVersion, namePattern } from './field.ts';
import { type FieldPath, pathKey, pathText } from './field-path.ts';
import { type Finding, findingsOf } from './issue-problem.ts';
import { isKindName, type KindName, kindNames, kindSchemas } from './kinds.ts';
import type { Manifest } from './manifest.ts';
import { manifestText, type TextFault } from './manifest-text.ts';
import { schemaTree } from './schema-tree.ts';
import { suggestion } from './suggest.ts';
import { parseYaml } from './yaml-syntax.ts';
import { type PlainDocument, plainDocument } from './yaml-value.ts';

export interface Loaded {
  /** Objects without a fault, in the order of the file. */
  manifests: Manifest[];
  faults: Fault[];
  /** The file says by a last line `...` that it is whole. */
  marked: boolean;
}

const maxFaults = 50;

export function load(
  file: string,
  content: string | Uint8Array,
  options: { settled?: boolean } = {},
): Loaded {
  const bytes = typeof content === 'string' ? new TextEncoder().encode(content) : content;
  try {
    return loadBytes(file, bytes, options.settled ?? false);
  } catch (thrown) {
    // The last fence: a bug here, or in a library, must look like a bad file and not end a process.
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    const message = `cannot be read: ${reason.slice(0, 200)}`;
    return { manifests: [], faults: [{ file, message }], marked: false };
  }
}

function loadBytes(file: string, bytes: Uint8Array, settled: boolean): Loaded {
  const read = manifestText(bytes);
  if ('fault' in read) {
    const { offset } = read.fault;
    const place = offset === undefined ? {} : placeIn(bytes, offset);
    return { manifests: [], faults: [textFault(file, read.fault, place)], marked: false };
  }
  const { documents, faults, lines } = parseYaml(read.text);
  const place = (offset: number) => placeOf(lines, offset);
  const found: Loaded = {
    manifests: [],
    faults: faults.map((fault) => textFault(file, fault, placeAt(place, fault.offset))),
    marked: /(^|\n)\.\.\.[ \t]*\r?\n\s*$/.test(read.text),
  };
  const refs: ObjectRef[] = [];
  for (const document of documents) {
    const { manifest, faults, ref } = loadDocument({ file, document, place, settled });
    if (manifest) found.manifests.push(manifest);
    if (ref) refs.push(ref);
    found.faults.push(...faults);
  }
  if (refs.length === 0 && found.faults.length === 0) {
    const hint = 'delete the file if its objects are to go';
    found.faults.push({ file, message: 'holds no manifest', hint });
  }
  return limited(withoutConflicts(found, refs));
}

/** Documents of one file that define the same object: none of them counts. */
function withoutConflicts(loaded: Loaded, refs: readonly ObjectRef[]): Loaded {
  const conflicts = conflictFaults(refs);
  if (conflicts.length === 0) return loaded;
  const lines = new Set(conflicts.map(({ line }) => line));
  return {
    ...loaded,
    manifests: loaded.manifests.filter(({ origin }) => !lines.has(origin.line)),
    faults: [...loaded.faults, ...conflicts],
  };
}

function limited(loaded: Loaded): Loaded {
  const more = loaded.faults.length - maxFaults;
  if (more <= 0) return loaded;
  const file = loaded.faults[0]?.file ?? '';
  const rest = { file, message: `has ${more} more faults` };
  return { ...loaded, faults: [...loaded.faults.slice(0, maxFaults), rest] };
}

type PlaceOf = (offset: number) => { line: number; column: number };

interface DocumentInput {
  file: string;
  document: Document.Parsed;
  place: PlaceOf;
  settled: boolean;
}

interface LoadedDocument {
  manifest?: Manifest;
  faults: Fault[];
  /** Absent for an empty document. */
  ref?: ObjectRef;
}

function loadDocument({ file, document, place, settled }: DocumentInput): LoadedDocument {
  const plain = plainDocument(document);
  const errors = [...document.errors, ...document.warnings];
  if (plain.value === undefined || plain.value === null) {
    if (errors.length === 0 && plain.problems.length === 0) return { faults: [] };
  }
  const { line } = place(plain.places.get('[]')?.value ?? document.range[0]);
  const ref: ObjectRef = { file, line, ...identityOf(plain.value) };
  // What names an object is about no other one: it keeps no absence from being believed.
  const object = ref.object && !mayHoldMore(document, plain) && { object: ref.object };
  const faults: Fault[] = errors.map(({ message, pos }) => ({
    file,
    ...place(pos[0]),
    message: short(message),
    ...object,
  }));
  // Text that could not be read whole lacks fields that were written: no further faults of it.
  const readable = document.errors.length === 0;
  const { findings, manifest } = readable ? check(plain, { file, line, settled }) : nothing;
  for (const finding of [...plain.problems, ...withoutProblems(findings, plain)]) {
    const { path, message, hint } = finding;
    const at = place('offset' in finding ? finding.offset : offsetOf(plain, finding));
    faults.push({ file, ...at, ...fieldFault(path, message, hint), ...object });
  }
  faults.sort((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0));
  return { ...(manifest && faults.length === 0 && { manifest }), faults, ref };
}

/** Where `---` is lost, or a quote does not end, another object may be in the same document. */
function mayHoldMore(document: Document.Parsed, { problems }: PlainDocument): boolean {
  const isOfIdentity = ({ path }: { path: FieldPath }) =>
    path.length <= 1 || (path.length === 2 && path[0] === 'metadata');
  return document.errors.length > 0 || problems.some(isOfIdentity);
}

const nothing: { findings: Finding[]; manifest?: Manifest } = { findings: [] };

/** What is wrong with a value that could not be taken over is said once. */
function withoutProblems(findings: Finding[], plain: PlainDocument): Finding[] {
  const known = new Set(plain.problems.map(({ path }) => pathKey(path)));
  return findings.filter(({ path }) => !known.has(pathKey(path)));
}

function check(
  plain: PlainDocument,
  origin: Manifest['origin'],
): { findings: Finding[]; manifest?: Manifest } {
  const { value } = plain;
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    const hint = 'it begins with apiVersion and kind';
    return { findings: [{ path: [], message: 'is not a manifest', hint }] };
  }
  const { kind } = value as Record<string, unknown>;
  if (!isKindName(kind)) {
    const path = ['kind'];
    if (kind === undefined) return { findings: [{ path, message: 'is required' }] };
    const text = typeof kind === 'string' ? kind.slice(0, 60) : '';
    const hint = suggestion(text, kindNames);
    const message = `${text && `"${text}" `}is not a kind of ${apiVersion}`;
    return { findings: [{ path, message, ...(hint !== undefined && { hint }) }] };
  }
  const result = kindSchemas[kind].safeParse(value);
  if (result.success) return { findings: [], manifest: manifestOf(kind, result.data, origin) };
  const subject = {
    value,
    tree: schemaTree(kind),
    sourceAt: (path: FieldPath) => plain.places.get(pathKey(path))?.source,
  };
  const issues = result.error.issues.slice(0, maxFaults);
  return { findings: issues.flatMap((issue) => findingsOf(issue, subject)) };
}

/** The kind that was parsed is the kind of the object. Its paths become those of the file's. */
function manifestOf(kind: KindName, object: unknown, origin: Manifest['origin']): Manifest {
  const manifest = { kind, object, origin } as Manifest;
  const directory = posix.dirname(origin.file);
  const resolved = (path: string) => (posix.isAbsolute(path) ? path : posix.join(directory, path));
  if (manifest.kind === 'BenchImage') {
    const { source, boot } = manifest.object.spec;
    for (const image of [source, boot?.kernel, boot?.initrd]) {
      if (image) image.path = resolved(image.path);
    }
  }
  if (manifest.kind === 'BenchHost' && manifest.object.spec.ssh) {
    const { ssh } = manifest.object.spec;
    if (ssh.identityFile !== undefined) ssh.identityFile = resolved(ssh.identityFile);
    if (ssh.knownHostsFile !== undefined) ssh.knownHostsFile = resolved(ssh.knownHostsFile);
  }
  return manifest;
}

function identityOf(value: unknown): Pick<ObjectRef, 'object'> {
  if (typeof value !== 'object' || value === null) return {};
  const { kind, metadata } = value as Record<string, unknown>;
  if (!isKindName(kind) || typeof metadata !== 'object' || metadata === null) return {};
  const { name, namespace = 'default' } = metadata as Record<string, unknown>;
  return isName(name) && isName(namespace) ? { object: { kind, namespace, name } } : {};
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length <= 63 && namePattern.test(value);
}

/** Where the field is, or else the nearest field around it. */
function offsetOf({ places }: PlainDocument, { path, name }: Finding): number {
  for (let length = path.length; length >= 0; length -= 1) {
    const place = places.get(pathKey(path.slice(0, length)));
    if (place) return length === path.length && !name ? place.value : place.key;
  }
  return 0;
}

/** Words of the file are quoted in it, so it is made safe for a terminal and a log. */
function fieldFault(path: FieldPath, message: string, hint: string | undefined) {
  const text = oneLine(pathText(path));
  return {
    ...(text !== '' && { path: text }),
    message: short(message),
    ...(hint !== undefined && { hint: short(hint) }),
  };
}

function textFault(
  file: string,
  { message, hint }: TextFault,
  place: { line?: number; column?: number },
): Fault {
  return { file, ...place, message: short(message), ...(hint !== undefined && { hint }) };
}

function short(message: string): string {
  return oneLine(message).slice(0, 300);
}

function placeAt(place: PlaceOf, offset: number | undefined) {
  return offset === undefined ? {} : place(offset);
}

function placeOf(lines: LineCounter, offset: number): { line: number; column: number } {
  const { line, col } = lines.linePos(offset);
  return { line: Math.max(1, line), column: Math.max(1, col) };
}

/** For text that no parser has seen. */
function placeIn(bytes: Uint8Array, offset: number): { line: number; column: number } {
  const before = new TextDecoder().decode(bytes).slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
