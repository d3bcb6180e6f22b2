/**
 * One run and all that it throws: at once, or in a promise or callback that nobody waits for. Such
 * a thing ends a process, and with it every other run that it was to do.
 */
import { settle } from '../../src/sim/virtual-clock.ts';
import { inMacrotask } from './drain.ts';

export interface Alone<T> {
  value: T;
  /** What nobody waited for. */
  floating: unknown[];
}

/** Runs it in a macrotask; fails as it does. One at a time in a thread. */
export async function alone<T>(run: () => T | Promise<T>): Promise<Alone<T>> {
  const floating: unknown[] = [];
  const take = (thrown: unknown) => {
    floating.push(thrown);
  };
  process.on('uncaughtException', take);
  try {
    const value = await inMacrotask(run);
    // Node tells of a rejection that nobody handles when the macrotask is over.
    await settle();
    return { value, floating };
  } finally {
    process.off('uncaughtException', take);
  }
}
