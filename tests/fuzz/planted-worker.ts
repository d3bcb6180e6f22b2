/** A worker whose third input never ends, or takes all memory: the order says which. */
import { explore } from './explore.ts';
import { noted } from './noted.ts';
import { planted } from './planted.ts';
import type { Order } from './supervise.ts';

const order: Order = JSON.parse(process.argv[2] ?? '');

const deadly: Record<string, () => void> = {
  hang() {
    for (;;) performance.now();
  },
  memory() {
    for (const kept: number[][] = []; ; ) kept.push(Array.from({ length: 100_000 }, () => 1.5));
  },
};

await explore({
  surface: noted(
    { ...planted, check: (bytes) => (bytes[0] === 3 ? deadly[order.surface]?.() : undefined) },
    order.noteFile,
  ),
  seed: order.seed,
  corpus: [1, 2, 3].map((byte) => Uint8Array.of(byte, byte)),
  goesOn: () => true,
  onFailure: () => true,
});
