/**
 * The progress of clusters for people: a block of lines that is redrawn on a terminal, and plain
 * lines, one per change, everywhere else. Pure: from statuses and a time to text.
 */
import type { ClusterStatus, NodeStatus } from '../../crd/status.ts';
import { cut, oneLine } from '../../lib/printable.ts';
import { printAge, printDuration } from './age.ts';
import { type StatusChange, statusChanges } from './changes.ts';
import { conditionOf, toneOfPhase, toneOfStatus } from './cluster-summary.ts';
import type { Paint } from './color.ts';
import { renderRow } from './table.ts';

export interface FrameOptions {
  now: number;
  columns: number;
  rows: number;
  paint: Paint;
}

/** The block of one cluster: a line for it, then one for each node. */
export function progressFrame(
  name: string,
  status: ClusterStatus,
  options: FrameOptions,
): string[] {
  const { paint, columns } = options;
  const ready = conditionOf(status, 'Ready');
  const readyNodes = status.nodes.filter((node) => node.phase === 'Ready').length;
  const state = ready?.status === 'True' ? 'Ready' : (ready?.reason ?? 'Unknown');
  const count = `${readyNodes}/${status.nodes.length} nodes ready`;
  const tone = toneOfStatus(ready?.status ?? 'Unknown');
  const head = (painted: Paint) =>
    `${painted(name, 'bold')}  ${painted(oneLine(state), tone)}  ${count}`;
  return [fit(head, paint, columns), ...nodeLines(status.nodes, options)];
}

/** A line that wraps would be redrawn wrongly, so one that is too long loses end and colour. */
function fit(line: (paint: Paint) => string, paint: Paint, columns: number): string {
  const plain = line((text) => text);
  return plain.length < columns ? line(paint) : cut(plain, Math.max(1, columns - 1));
}

/** The nodes that fit on the screen; those on their way come first when not all do. */
function nodeLines(nodes: readonly NodeStatus[], options: FrameOptions): string[] {
  const room = Math.max(1, options.rows - 2);
  const shown =
    nodes.length <= room
      ? nodes
      : [...nodes]
          .sort((a, b) => Number(a.phase === 'Ready') - Number(b.phase === 'Ready'))
          .slice(0, room - 1);
  const lines = shown.map((node) => nodeLine(node, widthsOf(shown, options.now), options));
  const hidden = nodes.length - shown.length;
  return hidden === 0 ? lines : [...lines, options.paint(`  … and ${hidden} more`, 'dim')];
}

function nodeCells(node: NodeStatus, now: number): [string, string, string] {
  return [`  ${node.name}`, node.phase, printAge(node.since, now)];
}

function widthsOf(nodes: readonly NodeStatus[], now: number): number[] {
  const cells = nodes.map((node) => nodeCells(node, now));
  return [0, 1, 2].map((column) => Math.max(0, ...cells.map((row) => row[column]?.length ?? 0)));
}

function nodeLine(node: NodeStatus, widths: readonly number[], options: FrameOptions): string {
  const [name, phase, elapsed] = nodeCells(node, options.now);
  const used = widths.reduce((total, width) => total + width + 3, 0);
  const message = cut(nodeMessage(node), Math.max(0, options.columns - used - 1));
  const cells = [{ text: phase, tone: toneOfPhase(node.phase) }, elapsed, message];
  const [nameWidth = 0, ...rest] = widths;
  const line = (paint: Paint) => `${name.padEnd(nameWidth)}   ${renderRow(cells, rest, paint)}`;
  return fit(line, options.paint, options.columns);
}

function nodeMessage(node: NodeStatus): string {
  if (node.phase === 'Ready') return node.address ?? '';
  return oneLine(node.message === '' ? node.reason : node.message);
}

/** For a pipe or a log: a line for each change, with the time of day in UTC. */
export function progressLines(
  name: string,
  previous: ClusterStatus | undefined,
  next: ClusterStatus,
  now: number,
): string[] {
  const time = new Date(now).toISOString().slice(11, 19);
  return statusChanges(previous, next).map((change) => `${time} ${describeChange(name, change)}`);
}

export function describeChange(cluster: string, change: StatusChange): string {
  switch (change.kind) {
    case 'nodeAppeared':
      return `${change.node.name}: ${change.node.phase}${tail(change.node)}`;
    case 'nodePhase': {
      const took = `after ${printDuration(change.tookMs)} ${change.from}`;
      return `${change.node.name}: ${change.node.phase} (${took})${tail(change.node)}`;
    }
    case 'nodeReason':
      return `${change.node.name}: ${change.node.phase}${tail(change.node)}`;
    case 'nodeGone':
      return `${change.node.name}: gone`;
    case 'condition': {
      const { type, status, reason, message } = change.condition;
      const why = message === '' ? '' : `: ${oneLine(message)}`;
      return `${cluster}: ${type}=${status} ${reason}${why}`;
    }
  }
}

function tail(node: NodeStatus): string {
  const text = node.phase === 'Ready' ? (node.address ?? '') : nodeMessage(node);
  return text === '' ? '' : `: ${text}`;
}
