/**
 * The printer columns of clusters, nodes, images and hosts, narrow and wide. Pure.
 * Each row has a key, by which `--watch` knows it again, and one column that passes with time.
 */
import type { HostInventory } from '../../controllers/ports.ts';
import type { BenchImage } from '../../crd/bench-image.ts';
import type { NodeStatus } from '../../crd/status.ts';
import { isReached, type SeenHost } from '../hosts/look.ts';
import { printAge } from './age.ts';
import { printBytes } from './bytes.ts';
import {
  conditionOf,
  headCount,
  type KnownCluster,
  readiness,
  schedulerOf,
  toneOfPhase,
  upToDateCount,
  workerCount,
} from './cluster-summary.ts';
import type { Cell } from './table.ts';

export interface Row {
  key: string;
  cells: Cell[];
}

export interface ObjectTable {
  titles: string[];
  rows: Row[];
}

export interface ViewOptions {
  wide: boolean;
  /** Show the namespace as first column. */
  namespaces: boolean;
  now: number;
}

/** A node with the cluster it belongs to. */
export interface KnownNode {
  namespace: string;
  cluster: string;
  status: NodeStatus;
}

interface Column<T> {
  title: string;
  wide?: true;
  cell(item: T, now: number): Cell;
}

const clusterColumns: Column<KnownCluster>[] = [
  { title: 'NAME', cell: (item) => item.name },
  { title: 'READY', cell: readiness },
  { title: 'SCHEDULER', cell: (item) => schedulerOf(item.cluster) },
  { title: 'HEAD', cell: headCount },
  { title: 'WORKERS', cell: workerCount },
  { title: 'UP-TO-DATE', cell: upToDateCount },
  { title: 'AGE', cell: (item, now) => printAge(item.createdAt, now) },
  { title: 'ENDPOINT', wide: true, cell: (item) => item.record?.status?.endpoint ?? '-' },
  { title: 'REASON', wide: true, cell: (item) => readyCondition(item)?.reason ?? 'NotSeen' },
  { title: 'MESSAGE', wide: true, cell: (item) => readyCondition(item)?.message ?? '' },
];

const nodeColumns: Column<KnownNode>[] = [
  { title: 'NAME', cell: ({ status }) => status.name },
  { title: 'CLUSTER', cell: (item) => item.cluster },
  { title: 'POOL', cell: ({ status }) => status.pool },
  {
    title: 'PHASE',
    cell: ({ status }) => ({ text: status.phase, tone: toneOfPhase(status.phase) }),
  },
  { title: 'ADDRESS', cell: ({ status }) => status.address ?? '-' },
  { title: 'HOST', cell: ({ status }) => status.host },
  { title: 'AGE', cell: ({ status }, now) => printAge(status.since, now) },
  { title: 'UUID', wide: true, cell: ({ status }) => status.uuid },
  { title: 'REASON', wide: true, cell: ({ status }) => status.reason },
];

/** An image with the names of the hosts that have it. */
export interface KnownImage {
  image: BenchImage;
  hosts: string[];
}

const imageColumns: Column<KnownImage>[] = [
  { title: 'NAME', cell: ({ image }) => image.metadata.name },
  { title: 'DIGEST', cell: ({ image }) => image.spec.source.sha256.slice(0, 12) },
  { title: 'PROVIDES', cell: ({ image }) => image.spec.provides.join(',') || '-' },
  { title: 'BOOT', cell: ({ image }) => (image.spec.boot === undefined ? 'disk' : 'kernel') },
  { title: 'HOSTS', cell: ({ hosts }) => hosts.join(',') || '-' },
  { title: 'FILE', wide: true, cell: ({ image }) => image.spec.source.path },
];

/** `-` for a host that did not answer. */
function told(text: (inventory: HostInventory) => string): (seen: SeenHost) => string {
  return (seen) => (isReached(seen) ? text(seen.inventory) : '-');
}

const hostColumns: Column<SeenHost>[] = [
  { title: 'NAME', cell: ({ host }) => host.metadata.name },
  {
    title: 'STATUS',
    cell: (seen) =>
      isReached(seen) ? { text: 'Reachable', tone: 'good' } : { text: 'Unreachable', tone: 'bad' },
  },
  { title: 'LIBVIRT', cell: told(({ libvirtVersion }) => libvirtVersion) },
  { title: 'TYPES', cell: told(({ domainTypes }) => domainTypes.join(',') || '-') },
  { title: 'CPUS', cell: told(({ cpus }) => `${cpus}`) },
  { title: 'MEMORY', cell: told(({ memoryBytes }) => printBytes(memoryBytes)) },
  { title: 'POOL', cell: ({ host }) => host.spec.pool },
  { title: 'FREE', cell: told(({ pool }) => printBytes(pool.availableBytes)) },
  { title: 'URI', cell: ({ host }) => host.spec.uri },
  { title: 'HOSTNAME', wide: true, cell: told(({ hostname }) => hostname) },
  { title: 'DOMAIN-TYPE', wide: true, cell: ({ host }) => host.spec.domainType ?? 'auto' },
  { title: 'VMS', wide: true, cell: told(({ domains }) => `${domains.length}`) },
];

export function clusterTable(clusters: readonly KnownCluster[], options: ViewOptions): ObjectTable {
  return objectTable(clusters, clusterColumns, (item) => item, options);
}

export function nodeTable(nodes: readonly KnownNode[], options: ViewOptions): ObjectTable {
  const identity = (item: KnownNode) => ({ namespace: item.namespace, name: item.status.name });
  return objectTable(nodes, nodeColumns, identity, options);
}

export function imageTable(images: readonly KnownImage[], options: ViewOptions): ObjectTable {
  return objectTable(images, imageColumns, ({ image }) => image.metadata, options);
}

export function hostTable(hosts: readonly SeenHost[], options: ViewOptions): ObjectTable {
  return objectTable(hosts, hostColumns, ({ host }) => host.metadata, options);
}

function objectTable<T>(
  items: readonly T[],
  columns: readonly Column<T>[],
  identity: (item: T) => { namespace: string; name: string },
  options: ViewOptions,
): ObjectTable {
  const shown = columns.filter((column) => options.wide || column.wide === undefined);
  return {
    titles: [...(options.namespaces ? ['NAMESPACE'] : []), ...shown.map(({ title }) => title)],
    rows: items.map((item) => {
      const { namespace, name } = identity(item);
      const cells = shown.map((column) => column.cell(item, options.now));
      return {
        key: `${namespace}/${name}`,
        cells: options.namespaces ? [namespace, ...cells] : cells,
      };
    }),
  };
}

function readyCondition(item: KnownCluster) {
  return conditionOf(item.record?.status, 'Ready');
}
