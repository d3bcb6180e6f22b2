/** `describe node`: the facts of one node and its last events. Pure. */

import { oneLine } from '../../lib/printable.ts';
import type { EventRecord } from '../state-view.ts';
import { printAge } from './age.ts';
import { toneOfPhase } from './cluster-summary.ts';
import { type DescribeOptions, indented } from './describe-cluster.ts';
import { eventRow, eventTitles } from './event-table.ts';
import type { KnownNode } from './object-tables.ts';
import { renderTable } from './table.ts';

export function describeNode(
  node: KnownNode,
  events: readonly EventRecord[],
  { now, paint }: DescribeOptions,
): string[] {
  const { status } = node;
  const facts: [string, string][] = [
    ['Name', status.name],
    ['Namespace', node.namespace],
    ['Cluster', node.cluster],
    ['Pool', status.pool],
    ['Role', status.role],
    ['Host', status.host],
    ['UUID', status.uuid],
    ['Address', status.address ?? '-'],
    ['Up to date', status.upToDate ? 'yes' : 'no'],
    [
      'Phase',
      `${paint(status.phase, toneOfPhase(status.phase))} for ${printAge(status.since, now)}`,
    ],
    ['Reason', oneLine(status.reason)],
  ];
  const table = renderTable(
    eventTitles,
    events.map((event) => eventRow(event, now)),
    { paint },
  );
  return [
    ...facts.map(([name, value]) => `${`${name}:`.padEnd(16)}${value}`),
    ...(status.message === '' ? [] : ['Message:', ...indented(status.message)]),
    ...(events.length === 0 ? [] : ['', 'Last events:', ...table.map((line) => `  ${line}`)]),
  ];
}
