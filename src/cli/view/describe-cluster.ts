/**
 * `describe cluster`: a tree of the cluster, its pools and nodes, then conditions and last events.
 * What is not well says why in full, with the log lines that its message carries. Pure.
 */
import { describePauses, pausesOf } from '../../crd/pause.ts';
import type { Condition, NodeStatus, PoolStatus } from '../../crd/status.ts';
import { printable } from '../../lib/printable.ts';
import type { EventRecord } from '../state-view.ts';
import { printAge } from './age.ts';
import {
  conditionOf,
  type KnownCluster,
  readiness,
  toneOfPhase,
  toneOfStatus,
} from './cluster-summary.ts';
import type { Paint } from './color.ts';
import { eventRow, eventTitles } from './event-table.ts';
import { type Cell, renderTable } from './table.ts';
import { type TreeNode, treeLines } from './tree.ts';

export interface DescribeOptions {
  now: number;
  paint: Paint;
}

/** An entry of the tree: a line, and lines of detail below it. */
interface Entry {
  name: string;
  ready: Cell;
  reason: string;
  since: string;
  message: string;
}

export function describeCluster(
  known: KnownCluster,
  events: readonly EventRecord[],
  options: DescribeOptions,
): string[] {
  return [
    ...header(known, options),
    '',
    ...tree(known, options),
    ...section('Conditions', conditionTable(known.record?.status?.conditions ?? [], options)),
    ...section('Trouble', troubleLines(known, options.paint)),
    ...section('Last events', eventLines(events, options)),
  ];
}

function header(known: KnownCluster, { now }: DescribeOptions): string[] {
  const { cluster, record } = known;
  const pauses = pausesOf(cluster);
  const facts: [string, string | undefined][] = [
    ['Name', known.name],
    ['Namespace', known.namespace],
    ['Scheduler', Object.keys(cluster.spec.scheduler).join(', ')],
    ['Image', cluster.spec.image],
    ['Network', cluster.spec.network.name],
    ['Endpoint', record?.status?.endpoint],
    ['Generation', generationText(known)],
    ['Paused', pauses.length > 0 ? describePauses(pauses) : undefined],
    ['Deleting since', record?.deletionTimestamp],
    ['Age', known.createdAt === undefined ? undefined : printAge(known.createdAt, now)],
  ];
  return facts.flatMap(([name, value]) =>
    value === undefined ? [] : [`${`${name}:`.padEnd(16)}${printable(value)}`],
  );
}

function generationText({ record }: KnownCluster): string {
  if (record === undefined) return 'not seen by a controller yet';
  const observed = record.status?.observedGeneration ?? 0;
  return observed === record.generation
    ? String(record.generation)
    : `${record.generation} (the status is of ${observed})`;
}

function tree(known: KnownCluster, options: DescribeOptions): string[] {
  const lines = treeLines(clusterTree(known, options.now));
  const rows = lines.map(({ prefix, value }): Cell[] => [
    { branch: prefix, text: value.name },
    value.ready,
    value.reason,
    value.since,
    value.message,
  ]);
  return renderTable(['NAME', 'READY', 'REASON', 'SINCE', 'MESSAGE'], rows, options);
}

function clusterTree(known: KnownCluster, now: number): TreeNode<Entry> {
  const status = known.record?.status;
  const ready = conditionOf(status, 'Ready');
  const nodes = status?.nodes ?? [];
  const pool = (title: string, wanted: PoolStatus, members: NodeStatus[]): TreeNode<Entry> => ({
    value: {
      name: `${title} ${wanted.ready}/${wanted.replicas}`,
      ready: '',
      reason: '',
      since: '',
      message: wanted.upToDate < wanted.replicas ? `${wanted.upToDate} up to date` : '',
    },
    children: members.map((node) => ({ value: nodeEntry(node, now), children: [] })),
  });
  const pools = (status?.workers ?? []).map((wanted) =>
    pool(
      `pool/${wanted.name}`,
      wanted,
      nodes.filter((node) => node.role === 'worker' && node.pool === wanted.name),
    ),
  );
  const placed = new Set(status?.workers.map(({ name }) => name));
  const strays = nodes.filter((node) => node.role === 'worker' && !placed.has(node.pool));
  const heads = nodes.filter((node) => node.role === 'controlPlane');
  return {
    value: {
      name: `cluster/${known.name}`,
      ready: readiness(known),
      reason: ready?.reason ?? 'NotSeen',
      since: printAge(ready?.lastTransitionTime, now),
      message: ready?.message ?? 'no status yet',
    },
    children: [
      ...(status === undefined ? [] : [pool('head', status.controlPlane, heads)]),
      ...pools,
      // Of a pool that is no longer in the spec.
      ...strays.map((node) => ({ value: nodeEntry(node, now), children: [] })),
    ],
  };
}

function nodeEntry(node: NodeStatus, now: number): Entry {
  return {
    name: `node/${node.name}`,
    ready: { text: node.phase, tone: toneOfPhase(node.phase) },
    reason: node.reason,
    since: printAge(node.since, now),
    message: firstLine(node.phase === 'Ready' ? (node.address ?? '') : node.message),
  };
}

export function conditionTable(
  conditions: readonly Condition[],
  { now, paint }: DescribeOptions,
): string[] {
  if (conditions.length === 0) return [];
  const rows = conditions.map((condition): Cell[] => [
    condition.type,
    { text: condition.status, tone: toneOfStatus(condition.status) },
    condition.reason,
    printAge(condition.lastTransitionTime, now),
    firstLine(condition.message),
  ]);
  return renderTable(['TYPE', 'STATUS', 'REASON', 'SINCE', 'MESSAGE'], rows, { paint });
}

/** Messages of more than one line end in log lines of the guest; a table would hide them. */
function troubleLines(known: KnownCluster, paint: Paint): string[] {
  const status = known.record?.status;
  const nodes = (status?.nodes ?? []).map(({ name, message }) => ({
    name: `node/${name}`,
    message,
  }));
  const conditions = (status?.conditions ?? []).map(({ type, message }) => ({
    name: type,
    message,
  }));
  return [...conditions, ...nodes]
    .filter(({ message }) => message.trimEnd().includes('\n'))
    .flatMap(({ name, message }) => [paint(`${name}:`, 'bold'), ...indented(message)]);
}

export function indented(message: string): string[] {
  return printable(message.trimEnd())
    .split('\n')
    .map((line) => `  ${line}`);
}

function eventLines(events: readonly EventRecord[], { now, paint }: DescribeOptions): string[] {
  if (events.length === 0) return [];
  return renderTable(
    eventTitles,
    events.map((event) => eventRow(event, now)),
    { paint },
  );
}

function section(title: string, lines: readonly string[]): string[] {
  return lines.length === 0 ? [] : ['', `${title}:`, ...lines.map((line) => `  ${line}`)];
}

function firstLine(text: string): string {
  return text.trimEnd().split('\n', 1)[0] ?? '';
}
