/** `get --watch`: the table once, then each row that changed, in the same columns. */
import { awaitChange } from '../await-change.ts';
import type { Call } from '../call.ts';
import { exitCodes } from '../exit-code.ts';
import type { ObjectTable, Row, ViewOptions } from '../view/object-tables.ts';
import { columnWidths, renderRow, renderTable, textOf } from '../view/table.ts';
import type { World } from '../world.ts';

type MakeTable = (options: ViewOptions) => ObjectTable;

/** Room for values that grow, such as an address that comes later. */
const spareWidth = 10;

export async function watchTable(
  call: Call,
  world: World,
  look: () => Promise<MakeTable>,
  options: () => ViewOptions,
): Promise<number> {
  let rows: Map<string, Row> | undefined;
  let widths: number[] = [];
  const show = async (): Promise<undefined> => {
    const table = (await look())(options());
    const next = new Map(table.rows.map((row) => [row.key, row]));
    if (rows === undefined) {
      const cells = table.rows.map((row) => row.cells);
      widths = columnWidths(table.titles, cells).map((width) => Math.max(width, spareWidth));
      call.print(...renderTable(table.titles, cells, { paint: call.paint, minimum: widths }));
    } else {
      const news = changedRows(rows, next, table.titles.indexOf('AGE'));
      call.print(...news.map((row) => renderRow(row.cells, widths, call.paint)));
    }
    rows = next;
    return undefined;
  };
  const { clock, signal } = call.context;
  await awaitChange<never>(show, { subscribe: world.onChange, clock, signal });
  return exitCodes.interrupted;
}

/** New and changed rows, and those that are gone, marked so. Time passing is no change. */
export function changedRows(
  previous: ReadonlyMap<string, Row>,
  next: ReadonlyMap<string, Row>,
  ageColumn: number,
): Row[] {
  const text = (row: Row | undefined) =>
    row?.cells.map((cell, column) => (column === ageColumn ? '' : textOf(cell))).join('\n');
  const gone = [...previous.values()].filter((row) => !next.has(row.key));
  return [
    ...[...next.values()].filter((row) => text(previous.get(row.key)) !== text(row)),
    ...gone.map((row) => ({ ...row, cells: [...row.cells, 'gone'] })),
  ];
}
