/** Sizes for people, in binary units. Pure. */

const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function printBytes(bytes: number): string {
  let value = Math.max(0, bytes);
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit += 1;
  }
  const digits = unit === 0 || value >= 10 ? 0 : 1;
  return `${value.toFixed(digits)} ${units[unit] ?? ''}`;
}
