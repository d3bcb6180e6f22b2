/** Columns of text as kubectl aligns them: three spaces between, no trailing blanks. Pure. */

import { oneLine } from '../../lib/printable.ts';
import type { Paint, Tone } from './color.ts';

/** `branch` stands before the text as it is, blanks too. */
export type Cell = string | { text: string; tone?: Tone; branch?: string };

const gap = '   ';

export interface TableOptions {
  paint: Paint;
  /** Widths not to fall below, so that rows printed later stay aligned with earlier ones. */
  minimum?: readonly number[];
}

export function columnWidths(titles: readonly string[], rows: readonly Cell[][]): number[] {
  return widths([[...titles], ...rows]);
}

/** Cells come from outside too, so each is made one safe line. */
export function renderTable(
  titles: readonly string[],
  rows: readonly Cell[][],
  options: TableOptions,
): string[] {
  const header: Cell[] = titles.map((text) => ({ text, tone: 'bold' }));
  return renderRows([header, ...rows], options);
}

/** The same without titles. */
export function renderRows(rows: readonly Cell[][], options: TableOptions): string[] {
  const final = widths(rows).map((width, column) =>
    Math.max(width, options.minimum?.[column] ?? 0),
  );
  return rows.map((row) => renderRow(row, final, options.paint));
}

function widths(rows: readonly Cell[][]): number[] {
  const columns = Math.max(0, ...rows.map((row) => row.length));
  return Array.from({ length: columns }, (_, column) =>
    Math.max(0, ...rows.map((row) => textOf(row[column]).length)),
  );
}

export function renderRow(row: readonly Cell[], widths: readonly number[], paint: Paint): string {
  const last = row.findLastIndex((cell) => textOf(cell) !== '');
  return row
    .slice(0, last + 1)
    .map((cell, column) => {
      const text = textOf(cell);
      const padding =
        column === last ? '' : ' '.repeat(Math.max(0, (widths[column] ?? 0) - text.length));
      return paint(text, typeof cell === 'string' ? undefined : cell.tone) + padding;
    })
    .join(gap);
}

export function textOf(cell: Cell | undefined): string {
  if (cell === undefined) return '';
  return typeof cell === 'string' ? oneLine(cell) : (cell.branch ?? '') + oneLine(cell.text);
}
