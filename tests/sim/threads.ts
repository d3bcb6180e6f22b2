/**
 * Gives parts of the gate to worker threads, each of which does one after the other. Simulated
 * lives are slower in the thread of a test runner, which follows every promise there.
 */
import { Worker } from 'node:worker_threads';
import { toError } from '../../src/lib/error.ts';
import { nameOfFirst, type Part, type PartResult, singles } from './gate-parts.ts';

/** Many times what a part takes. */
const limitMs = 600_000;

export interface ThreadsOptions {
  /** Hears of a run that ended its thread, or came to no end itself; without it, that is thrown. */
  died?: (line: string) => void;
  /** What does the parts; another one in a test. */
  thread?: URL;
}

/** Calls `done` with each result, in no certain order. A part that ends its thread is done in ones. */
export async function inThreads(
  threads: number,
  parts: readonly Part[],
  done: (part: Part, result: PartResult) => void,
  { died = raise, thread = new URL('./gate-worker.ts', import.meta.url) }: ThreadsOptions = {},
): Promise<void> {
  const waiting = [...parts];
  const work = async () => {
    let worker = new Worker(thread);
    try {
      for (let part = waiting.shift(); part !== undefined; part = waiting.shift()) {
        const result = await answer(worker, part).catch(toError);
        if (!(result instanceof Error)) {
          done(part, result);
          continue;
        }
        await worker.terminate();
        worker = new Worker(thread);
        const each = singles(part);
        if (each.length > 1) waiting.unshift(...each);
        else died(`${nameOfFirst(part)}: ${result.message}`);
      }
    } finally {
      await worker.terminate();
    }
  };
  await Promise.all(Array.from({ length: Math.min(threads, parts.length) }, work));
}

function raise(line: string): never {
  throw new Error(line);
}

function answer(worker: Worker, part: Part): Promise<PartResult> {
  const { promise, resolve, reject } = Promise.withResolvers<PartResult>();
  const isLate = () => reject(new Error(`it came to no end in ${limitMs / 60_000} minutes`));
  const timer = setTimeout(isLate, limitMs);
  const failed = (thrown: unknown) => reject(new Error(`its thread ended: ${thrown}`));
  const ended = (code: number) => reject(new Error(`its thread ended with exit code ${code}`));
  worker.on('message', resolve).on('error', failed).on('exit', ended);
  worker.postMessage(part);
  return promise.finally(() => {
    clearTimeout(timer);
    // One by one: the worker itself listens, too.
    worker.off('message', resolve).off('error', failed).off('exit', ended);
  });
}
