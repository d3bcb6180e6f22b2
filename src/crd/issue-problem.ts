/**
 * An issue that zod found → the problems that people read: what is wrong in their words, and what
 * to write instead. One unknown field is one problem, so each gets its own line and hint.
 */
import type { z } from 'zod';
import type { FieldPath } from './field-path.ts';
import { type SchemaNode, schemaAt } from './schema-tree.ts';
import { nearest, suggestion } from './suggest.ts';

type Issue = z.core.$ZodIssue;

export interface Finding {
  path: FieldPath;
  message: string;
  hint?: string;
  /** It is the name that is wrong, not the value. */
  name?: boolean;
}

export interface Subject {
  value: unknown;
  tree: SchemaNode;
  /** How the scalar at a path is written in the file. */
  sourceAt(path: FieldPath): string | undefined;
}

export function findingsOf(issue: Issue, subject: Subject): Finding[] {
  const path = issue.path.map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code === 'unrecognized_keys') {
    const known = Object.keys(schemaAt(subject.tree, path)?.properties ?? {});
    return issue.keys.map((key) => ({
      ...finding([...path, key], 'is not a known field', suggestion(key, known)),
      name: true,
    }));
  }
  if (issue.code === 'invalid_key') {
    const message = issue.issues[0]?.message ?? 'is not a possible name';
    return [{ ...finding(path, message), name: true }];
  }
  const value = valueAt(subject.value, path);
  if (value === undefined && issue.code !== 'custom') {
    return [finding(path, 'is required', schemaAt(subject.tree, path)?.description)];
  }
  if (value === null) return [finding(path, 'has no value', 'write one, or remove the line')];
  const text = { value, source: subject.sourceAt(path), node: schemaAt(subject.tree, path) };
  return [finding(path, ...wording(issue, text))];
}

interface Written {
  value: unknown;
  source: string | undefined;
  node: SchemaNode | undefined;
}

function finding(path: FieldPath, message: string, hint?: string): Finding {
  return { path, message, ...(hint !== undefined && { hint }) };
}

function wording(issue: Issue, written: Written): [string, (string | undefined)?] {
  const { value, source, node } = written;
  switch (issue.code) {
    case 'invalid_type': {
      const expected = node?.type === 'integer' ? 'int' : issue.expected;
      const given = expected === 'int' && typeof value === 'number' ? value : typeOf(value);
      const message = `must be ${typeNames[expected] ?? expected}, not ${given}`;
      return [message, typeHint(expected, value, source)];
    }
    case 'invalid_value': {
      const known = issue.values.map(String);
      const near = typeof value === 'string' ? nearest(value, known) : undefined;
      const hint = near === undefined || known.length === 1 ? undefined : `did you mean "${near}"?`;
      return [`must be ${known.length > 1 ? 'one of ' : ''}${known.join(', ')}`, hint];
    }
    case 'too_small':
      return [`must ${bound(issue.origin, 'at least', issue.minimum)}`];
    case 'too_big':
      return [`must ${bound(issue.origin, 'at most', issue.maximum)}`];
    case 'invalid_union':
      return [`must be text or a whole number, not ${typeOf(value)}`, quoted(value, source)];
    case 'custom': {
      const hint: unknown = issue.params?.hint;
      return [issue.message, typeof hint === 'string' ? hint : undefined];
    }
    default:
      return [issue.message];
  }
}

function bound(origin: string, relation: string, limit: number | bigint): string {
  if (origin === 'string') return `have ${relation} ${limit} characters`;
  if (origin === 'array') return `have ${relation} ${limit} entries`;
  return `be ${relation} ${limit}`;
}

const typeNames: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map of fields',
  record: 'a map of names to values',
};

function typeOf(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'a map';
  if (typeof value === 'string') return 'text';
  return typeof value === 'boolean' ? 'true or false' : 'a number';
}

function typeHint(expected: string, value: unknown, source?: string): string | undefined {
  if (expected === 'string') return quoted(value, source);
  if (typeof value !== 'string' || value.length > 40) return undefined;
  if (expected === 'boolean' && /^(y|yes|on)$/i.test(value)) return 'write true';
  if (expected === 'boolean' && /^(n|no|off)$/i.test(value)) return 'write false';
  if (/^(number|int)$/.test(expected) && /^\d+$/.test(value)) return `without quotes: ${value}`;
  return undefined;
}

function quoted(value: unknown, source: string | undefined): string | undefined {
  if (typeof value === 'object' || source === undefined || source.length > 80) return undefined;
  return `quote it: "${source}"`;
}

function valueAt(value: unknown, path: FieldPath): unknown {
  let current = value;
  for (const step of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.hasOwn(current, step)
      ? (current as Record<string | number, unknown>)[step]
      : undefined;
  }
  return current;
}
