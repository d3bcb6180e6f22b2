/**
 * Kubernetes quantities and durations as text, and their values.
 * The API keeps the text that the user wrote; everything inside computes with bytes and
 * milliseconds, converted here and nowhere else.
 */

const quantityUnits: Record<string, number> = {
  '': 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
};

export const quantityPattern = /^(\d{1,15})(\.\d{1,9})?(k|M|G|T|Ki|Mi|Gi|Ti)?$/;
export const durationPattern = /^(?=\d)(\d{1,9}h)?(\d{1,9}m)?(\d{1,9}s)?(\d{1,9}ms)?$/;

/** Bytes of a quantity such as `2Gi`; throws RangeError on text that is none. */
export function bytesOf(quantity: string): number {
  const match = quantityPattern.exec(quantity);
  if (match === null) throw new RangeError(`not a quantity: ${quantity}`);
  const unit = quantityUnits[match[3] ?? ''] ?? 1;
  return Math.floor(Number(`${match[1]}${match[2] ?? ''}`) * unit);
}

/** Milliseconds of a duration such as `1h30m`; throws RangeError on text that is none. */
export function millisecondsOf(duration: string): number {
  const match = durationPattern.exec(duration);
  if (match === null) throw new RangeError(`not a duration: ${duration}`);
  const part = (index: number) => Number.parseInt(match[index] ?? '0', 10);
  return ((part(1) * 60 + part(2)) * 60 + part(3)) * 1000 + part(4);
}
