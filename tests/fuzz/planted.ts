/** A target with a planted bug: three certain bytes, behind two branches, end it. */
import type { Surface } from './surface.ts';

function read(bytes: Uint8Array): string {
  if (bytes[0] !== 0x7f) return 'other';
  if (bytes[1] === 0x42) {
    if (bytes[2] === 0x99) throw new Error('the planted bug');
    return 'near';
  }
  return 'some';
}

export const planted: Surface = {
  name: 'planted',
  property: 'never throws',
  covers: [],
  tokens: [],
  maxBytes: 8,
  limitMs: 1000,
  seeds: () => [new Uint8Array(4)],
  check(bytes) {
    read(bytes);
  },
};
