/** Sizes as libvirt prints them: digits, and a unit that its schema has. Pure. */

const unitBytes: ReadonlyMap<string, number> = new Map([
  ['b', 1],
  ['bytes', 1],
  ['KB', 1e3],
  ['k', 2 ** 10],
  ['KiB', 2 ** 10],
  ['MB', 1e6],
  ['M', 2 ** 20],
  ['MiB', 2 ** 20],
  ['GB', 1e9],
  ['G', 2 ** 30],
  ['GiB', 2 ** 30],
  ['TB', 1e12],
  ['T', 2 ** 40],
  ['TiB', 2 ** 40],
]);

/** Undefined for what is not an exact number of bytes. */
export function bytesOf(text: string, unit: string): number | undefined {
  if (!/^\d{1,16}$/.test(text)) return undefined;
  const bytes = Number(text) * (unitBytes.get(unit) ?? Number.NaN);
  return Number.isSafeInteger(bytes) ? bytes : undefined;
}
