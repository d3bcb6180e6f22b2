/**
 * What differs between two versions of an object, field by field, each with its update effect from
 * the schema. Pure. Objects of a list that have names are compared by name, so that a pool that
 * moved in the list has not changed.
 */
import type { UpdateEffect } from './field.ts';
import { isKindName, type KindName } from './kinds.ts';
import { type SchemaNode, schemaTree } from './schema-tree.ts';

export interface FieldChange {
  /** Such as `spec.workers[compute].memory`. */
  path: string;
  /** Absent: the field was not, or is no longer, there. */
  from?: unknown;
  to?: unknown;
  effect: UpdateEffect;
}

/** In the order of the schema. Both are objects as the schema makes them, with defaults filled in. */
export function changesOf<T extends { kind: KindName; spec: object }>(
  from: T,
  to: T,
): FieldChange[] {
  if (!isKindName(to.kind) || from.kind !== to.kind) {
    throw new RangeError(`cannot compare a ${from.kind} with a ${to.kind}`);
  }
  const changes: FieldChange[] = [];
  const context: Context = { changes, effect: 'live' };
  compare(schemaTree(to.kind), '', from, to, context);
  return changes;
}

interface Context {
  changes: FieldChange[];
  /** Of the nearest field around, for those that state none. */
  effect: UpdateEffect;
}

function compare(
  node: SchemaNode | undefined,
  path: string,
  from: unknown,
  to: unknown,
  context: Context,
): void {
  if (same(from, to)) return;
  const effect = node?.effect ?? context.effect;
  const inner = { ...context, effect };
  if (node?.keyedBy !== undefined && Array.isArray(from) && Array.isArray(to)) {
    compareLists(node, path, { from, to, key: node.keyedBy }, inner);
  } else if (isRecord(from) && isRecord(to)) {
    for (const name of fieldsOf(node, from, to)) {
      const child = node?.properties?.[name] ?? additional(node);
      compare(child, path === '' ? name : `${path}.${name}`, from[name], to[name], inner);
    }
  } else {
    context.changes.push({
      path,
      ...(from !== undefined && { from }),
      ...(to !== undefined && { to }),
      effect,
    });
  }
}

function compareLists(
  node: SchemaNode,
  path: string,
  { from, to, key }: { from: unknown[]; to: unknown[]; key: string },
  context: Context,
): void {
  const name = (item: unknown) => (isRecord(item) ? String(item[key]) : '');
  const names = new Set([...from, ...to].map(name));
  for (const each of names) {
    const before = from.find((item) => name(item) === each);
    const after = to.find((item) => name(item) === each);
    compare(node.items, `${path}[${each}]`, before, after, context);
  }
}

function fieldsOf(
  node: SchemaNode | undefined,
  from: Record<string, unknown>,
  to: Record<string, unknown>,
): Set<string> {
  return new Set([
    ...Object.keys(node?.properties ?? {}),
    ...Object.keys(from).sort(),
    ...Object.keys(to).sort(),
  ]);
}

function additional(node: SchemaNode | undefined): SchemaNode | undefined {
  return typeof node?.additionalProperties === 'object' ? node.additionalProperties : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function same(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (Array.isArray(a) && Array.isArray(b)) {
    return a.length === b.length && a.every((item, index) => same(item, b[index]));
  }
  if (!isRecord(a) || !isRecord(b)) return false;
  const names = new Set([...Object.keys(a), ...Object.keys(b)]);
  return [...names].every((name) => same(a[name], b[name]));
}
