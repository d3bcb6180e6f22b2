/** `-o`: objects as JSON, YAML or names. Pure. Tables are printed by their commands. */
import { Option } from 'commander';
import { apiVersion } from '../crd/field.ts';
import type { Manifest } from '../crd/manifest.ts';
import { type Kind, printRef } from './kind.ts';
import type { KnownCluster } from './view/cluster-summary.ts';
import type { KnownNode } from './view/object-tables.ts';
import { printYaml } from './view/yaml.ts';

export type OutputFormat = 'json' | 'yaml' | 'wide' | 'name';

export function outputOption(formats: readonly OutputFormat[]): Option {
  return new Option('-o, --output <format>', 'output format').choices(formats);
}

/** An object as Kubernetes shapes it. */
export interface PrintedObject {
  apiVersion: string;
  kind: string;
  metadata: { name: string; namespace: string; [key: string]: unknown };
  spec: unknown;
  status?: unknown;
}

export function printedCluster(known: KnownCluster): PrintedObject {
  const { record, createdAt, cluster } = known;
  return {
    apiVersion,
    kind: 'BenchCluster',
    metadata: {
      ...cluster.metadata,
      ...(record === undefined ? {} : { generation: record.generation }),
      ...(createdAt === undefined ? {} : { creationTimestamp: createdAt }),
      ...(record?.deletionTimestamp === undefined
        ? {}
        : { deletionTimestamp: record.deletionTimestamp }),
    },
    spec: cluster.spec,
    ...(record?.status === undefined ? {} : { status: record.status }),
  };
}

export function printedNode(node: KnownNode): PrintedObject {
  const { name, pool, role, host, ...status } = node.status;
  return {
    apiVersion,
    kind: 'BenchNode',
    metadata: { name, namespace: node.namespace },
    spec: { cluster: node.cluster, pool, role, host },
    status,
  };
}

export function printedManifest(manifest: Manifest): PrintedObject {
  const { kind, metadata, spec } = manifest.object;
  return { apiVersion, kind, metadata, spec };
}

/** One object asked for by name stands alone; anything else is a list, also when it is empty. */
export function printObjects(
  objects: readonly PrintedObject[],
  format: 'json' | 'yaml' | 'name',
  options: { kind: Kind; single: boolean },
): string {
  if (format === 'name') {
    return objects
      .map((item) => `${printRef({ kind: options.kind, name: item.metadata.name })}\n`)
      .join('');
  }
  const value = options.single ? objects[0] : { apiVersion, kind: 'List', items: objects };
  return format === 'yaml' ? printYaml(value) : `${JSON.stringify(value, undefined, 2)}\n`;
}
