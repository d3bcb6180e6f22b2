/**
 * A YAML document → plain values, with the place of every field, and a problem for each thing that
 * two readers could understand differently: a key twice, a number with a leading zero, a key that
 * is no text. Merge keys are refused by name. Values inherit no key, so none is special.
 */
import {
  type Alias,
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  Scalar,
} from 'yaml';
import { type FieldPath, pathKey } from './field-path.ts';
import { yamlLimits } from './yaml-syntax.ts';

export interface Place {
  /** Offset of the key, or of the value where there is no key. */
  key: number;
  value: number;
  /** The scalar as it is written. */
  source?: string;
}

export interface Problem {
  path: FieldPath;
  offset: number;
  message: string;
  hint?: string;
}

export interface PlainDocument {
  value: unknown;
  places: ReadonlyMap<string, Place>;
  problems: Problem[];
}

/** Aliases share what they refer to, so a small file could unfold to a large value. */
const maxNodes = 10_000;

/**
 * Inherited by every map: a schema that asks for the length of a list compares a field `length` of
 * a map with a number, and a map without any way to become one would throw there.
 */
const noNumber = Object.freeze(
  Object.create(null, { [Symbol.toPrimitive]: { value: () => Number.NaN } }),
);

/** Reading on would take time and memory for a value that is refused. */
class TooManyValues extends Error {}

export function plainDocument(document: Document.Parsed): PlainDocument {
  const reader = new Reader(document);
  const { places, problems } = reader;
  const root = document.contents;
  try {
    const value = root === null ? undefined : reader.read(root, [], root.range[0]);
    return { value, places, problems };
  } catch (thrown) {
    if (!(thrown instanceof TooManyValues)) throw thrown;
    const offset = root?.range[0] ?? 0;
    problems.push({ path: [], offset, message: `unfolds to more than ${maxNodes} values` });
    return { value: undefined, places, problems };
  }
}

class Reader {
  readonly places = new Map<string, Place>();
  readonly problems: Problem[] = [];
  readonly #document: Document.Parsed;
  readonly #targets = new Map<Alias, { node: Node | undefined }>();
  /** Maps and lists around the node that is read. */
  readonly #open = new Set<Node>();
  #nodes = 0;

  constructor(document: Document.Parsed) {
    this.#document = document;
  }

  read(node: Node, path: FieldPath, key: number): unknown {
    const offset = node.range?.[0] ?? key;
    this.#nodes += 1;
    if (this.#nodes > maxNodes) throw new TooManyValues();
    const source = isScalar(node) ? node.source : undefined;
    const place = { key, value: offset, ...(source !== undefined && { source }) };
    this.places.set(pathKey(path), place);
    if (path.length > yamlLimits.depth) {
      this.#problem(path, offset, `is nested deeper than ${yamlLimits.depth} levels`);
      return undefined;
    }
    if (isAlias(node)) {
      const target = this.#targetOf(node);
      if (target !== undefined && this.#open.has(target)) {
        this.#problem(path, offset, `refers to "${node.source}", which it is part of`);
        return undefined;
      }
      if (target !== undefined) return this.read(target, path, key);
      this.#problem(path, offset, `refers to the unknown anchor "${node.source}"`);
      return undefined;
    }
    if (isMap(node) || isSeq(node)) {
      this.#open.add(node);
      const value = isMap(node)
        ? this.#map(node.items, path)
        : this.#list(node.items, path, offset);
      this.#open.delete(node);
      return value;
    }
    if (isScalar(node)) return this.#scalar(node, path, offset);
    this.#problem(path, offset, 'is not a value');
    return undefined;
  }

  /** The library searches all of the document each time. */
  #targetOf(alias: Alias): Node | undefined {
    const known = this.#targets.get(alias) ?? { node: alias.resolve(this.#document) };
    this.#targets.set(alias, known);
    return known.node;
  }

  #map(items: { key: unknown; value: unknown }[], path: FieldPath): Record<string, unknown> {
    const value: Record<string, unknown> = Object.create(noNumber);
    for (const item of items) {
      const name = this.#key(item.key, path);
      if (name === undefined) continue;
      const { text, offset } = name;
      const inner = [...path, text];
      if (Object.hasOwn(value, text)) {
        this.#problem(inner, offset, 'is written twice', 'keep one of them');
        continue;
      }
      const written = isNode(item.value);
      value[text] = written ? this.read(item.value as Node, inner, offset) : null;
      if (!written) this.places.set(pathKey(inner), { key: offset, value: offset });
    }
    return value;
  }

  #key(key: unknown, path: FieldPath): { text: string; offset: number } | undefined {
    const offset = isNode(key) ? ((key as Node).range?.[0] ?? 0) : 0;
    if (!isScalar(key)) {
      this.#problem(path, offset, 'has a key that is not plain text');
      return undefined;
    }
    const text = typeof key.value === 'string' ? key.value : (key.source ?? '');
    if (text === '<<') {
      const hint = 'write the fields out; anchors and aliases of whole values work';
      this.#problem([...path, text], offset, 'merge keys are not supported', hint);
      return undefined;
    }
    if (text === '__proto__') {
      this.#problem([...path, text], offset, 'is not a field');
      return undefined;
    }
    return { text, offset };
  }

  #list(items: unknown[], path: FieldPath, offset: number): unknown[] {
    return items.map((item, index) => {
      const inner = [...path, index];
      if (isNode(item)) return this.read(item as Node, inner, (item as Node).range?.[0] ?? offset);
      // `[a: 1]` makes a bare pair; wrapped by the composer, so only nothing is left here.
      this.places.set(pathKey(inner), { key: offset, value: offset });
      return null;
    });
  }

  #scalar(node: Scalar, path: FieldPath, offset: number): unknown {
    const { value, source = '', type } = node;
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value;
    if (typeof value !== 'number') {
      this.#problem(path, offset, 'is not a value that a manifest can hold');
      return undefined;
    }
    if (!Number.isFinite(value) || (Number.isInteger(value) && !Number.isSafeInteger(value))) {
      const hint = `write a smaller one, or "${source}" if it is text`;
      this.#problem(path, offset, 'is a number too large to be exact', hint);
      return undefined;
    }
    if (type === Scalar.PLAIN && /^[-+]?0[0-9]/.test(source)) {
      const hint = `write ${value}, or "${source}" if it is text`;
      this.#problem(path, offset, 'is a number that some readers take as octal', hint);
      return undefined;
    }
    return value === 0 ? 0 : value;
  }

  #problem(path: FieldPath, offset: number, message: string, hint?: string): void {
    this.problems.push({ path, offset, message, ...(hint !== undefined && { hint }) });
  }
}

function isNode(value: unknown): boolean {
  return isMap(value) || isSeq(value) || isScalar(value) || isAlias(value);
}
