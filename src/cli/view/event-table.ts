/** Events as rows. Pure. */
import type { EventRecord } from '../state-view.ts';
import { printAge } from './age.ts';
import type { Cell } from './table.ts';

export const eventTitles = ['AGE', 'TYPE', 'REASON', 'OBJECT', 'MESSAGE'];

export function eventRow(event: EventRecord, now: number): Cell[] {
  const object = event.node === undefined ? `cluster/${event.cluster}` : `node/${event.node}`;
  return [
    printAge(event.at, now),
    event.type === 'Warning' ? { text: event.type, tone: 'warn' } : event.type,
    event.reason,
    object,
    event.message,
  ];
}
