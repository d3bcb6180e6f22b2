/**
 * What a bench reports: rows of one table, and the few numbers that they are made of.
 * A row holds texts, so that ratios, milliseconds and megabytes stand in one table. Pure.
 */

export interface Row {
  bench: string;
  what: string;
  /** How many times it was measured. */
  count: number;
  best: string;
  median: string;
  p99?: string;
  goal?: string;
  /** Absent where there is no goal. */
  met?: boolean;
}

/** The least number that so much of the whole (0 to 1) does not exceed; NaN of nothing. */
export function quantile(numbers: readonly number[], part: number): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const rank = Math.ceil(part * sorted.length);
  return sorted[Math.max(0, rank - 1)] ?? Number.NaN;
}

export function median(numbers: readonly number[]): number {
  const sorted = [...numbers].sort((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN;
  return (lower + upper) / 2;
}

/** Ours over theirs, where less is better: of the best of each, and the median of the pairs. */
export function ratios(
  ours: readonly number[],
  theirs: readonly number[],
): { best: number; median: number } {
  const pairs = ours.map((each, index) => each / (theirs[index] ?? Number.NaN));
  return { best: Math.min(...ours) / Math.min(...theirs), median: median(pairs) };
}

const columns = ['bench', 'measured', 'n', 'best', 'median', 'p99', 'goal', 'met'] as const;

export function tableOf(rows: readonly Row[]): string {
  const cells = rows.map(({ bench, what, count, best, median, p99, goal, met }) => [
    ...[bench, what, `${count}`, best, median, p99 ?? '', goal ?? ''],
    met === undefined ? '' : met ? 'yes' : 'NO',
  ]);
  const lines = [[...columns], ...cells];
  const widths = columns.map((_, column) =>
    Math.max(...lines.map((line) => line[column]?.length ?? 0)),
  );
  const isText = (column: number) => column < 2 || column === columns.length - 1;
  return lines
    .map((line) =>
      line
        .map((cell, column) => {
          const width = widths[column] ?? 0;
          return isText(column) ? cell.padEnd(width) : cell.padStart(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
