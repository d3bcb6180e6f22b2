/**
 * Gives parts of the gate to worker threads, each of which does one after the other. Simulated
 * lives are slower in the thread of a test runner, which follows every promise there.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { Part, PartResult } from './gate-worker.ts';

/** Calls `done` with each result, in no certain order; fails when a thread does. */
export async function inThreads(
  threads: number,
  parts: readonly Part[],
  done: (part: Part, result: PartResult) => void,
): Promise<void> {
  const waiting = [...parts];
  const work = async () => {
    const worker = new Worker(new URL('./gate-worker.ts', import.meta.url));
    try {
      for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
        worker.postMessage(part);
        const [result] = await once(worker, 'message');
        done(part, result);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, parts.length) }, work));
}
