/**
 * Runs all microtasks at once, from within a macrotask: V8's own checkpoint, which only test code
 * may reach. Several times faster than a macrotask for each event, which is what there is without.
 */
import { setFlagsFromString } from 'node:v8';

/** Undefined where this V8 has no such thing, or it does not do what it should. */
export const drain: (() => void) | undefined = checkpoint();

function checkpoint(): (() => void) | undefined {
  try {
    setFlagsFromString('--allow-natives-syntax');
    const perform = new Function('%PerformMicrotaskCheckpoint()') as () => void;
    perform();
    return perform;
  } catch {
    return undefined;
  } finally {
    setFlagsFromString('--no-allow-natives-syntax');
  }
}

/** To be asked from a macrotask: whether a long chain of promises is finished when it returns. */
export function drains(run: () => void): boolean {
  let links = 0;
  const chain = async () => {
    for (; links < 1000; links += 1) await undefined;
  };
  void chain();
  run();
  return links === 1000;
}

/** What runs to its end at once runs here, and not within a promise, where nothing can be drained. */
export function inMacrotask<T>(run: () => T): Promise<T> {
  return new Promise((resolve, reject) => {
    setImmediate(() => {
      try {
        resolve(run());
      } catch (thrown) {
        reject(thrown);
      }
    });
  });
}
