/**
 * A garbage collector that runs for weeks keeps what a burst of work once took: V8 lets the heap
 * grow to several times what lives in it, and does not give all of it back. A controller has bursts
 * when it starts and rests for the most of its life.
 */
import { setFlagsFromString } from 'node:v8';

/** From now on the heap is collected when it is half as large again as what lived at the last time. */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=50');
}
