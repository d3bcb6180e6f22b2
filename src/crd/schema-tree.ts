/**
 * The API as one tree of plain JSON Schema, made from the zod schemas: what the docs, the CRDs,
 * the update effects and the hints of faults are read from. Pure; made once per kind.
 */
import { z } from 'zod';
import type { CelRule, UpdateEffect } from './field.ts';
import type { FieldPath } from './field-path.ts';
import { type KindName, kindSchemas } from './kinds.ts';
import { ClusterStatus } from './status.ts';

export interface SchemaNode {
  type?: 'object' | 'array' | 'string' | 'integer' | 'number' | 'boolean';
  description?: string;
  effect?: UpdateEffect;
  cel?: CelRule[];
  keyedBy?: string;
  default?: unknown;
  enum?: unknown[];
  pattern?: string;
  format?: string;
  minimum?: number;
  maximum?: number;
  minLength?: number;
  maxLength?: number;
  minItems?: number;
  maxItems?: number;
  required?: string[];
  properties?: Record<string, SchemaNode>;
  items?: SchemaNode;
  additionalProperties?: boolean | SchemaNode;
  anyOf?: SchemaNode[];
}

const trees = new Map<KindName | 'status', SchemaNode>();

export function schemaTree(kind: KindName): SchemaNode {
  return made(kind, () => kindSchemas[kind]);
}

export function statusTree(): SchemaNode {
  return made('status', () => ClusterStatus);
}

function made(key: KindName | 'status', schema: () => z.ZodType): SchemaNode {
  const known = trees.get(key);
  if (known !== undefined) return known;
  const options = { target: 'openapi-3.0', io: 'input', reused: 'inline' } as const;
  const tree = z.toJSONSchema(schema(), options) as SchemaNode;
  trees.set(key, tree);
  return tree;
}

/** The schema of a field; undefined where there is none. */
export function schemaAt(tree: SchemaNode, path: FieldPath): SchemaNode | undefined {
  let node: SchemaNode | undefined = tree;
  for (const step of path) {
    if (node === undefined) return undefined;
    node = typeof step === 'number' ? node.items : childOf(node, step);
  }
  return node;
}

function childOf(node: SchemaNode, name: string): SchemaNode | undefined {
  if (node.properties && Object.hasOwn(node.properties, name)) return node.properties[name];
  return typeof node.additionalProperties === 'object' ? node.additionalProperties : undefined;
}
