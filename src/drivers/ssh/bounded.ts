// Waits for one answer, but never without bound: it ends by the answer, by a deadline, by the
// caller's signal, or by a loss that is told from outside. Whatever comes later is handed to
// `late`, so that a channel that opens after all is closed instead of being forgotten.

import type { SshClock } from './clock.ts';

export interface Bounds {
  clock: SshClock;
  timeoutMs: number;
  signal: AbortSignal | undefined;
  onTimeout: () => Error;
  onAbort: (reason: unknown) => Error;
}

export function bounded<T>(
  bounds: Bounds,
  start: (resolve: (value: T) => void, reject: (error: Error) => void) => void,
  late: (value: T) => void = () => {},
): Promise<T> {
  const { signal } = bounds;
  return new Promise<T>((resolve, reject) => {
    let settled = false;
    let cancelTimer = () => {};
    const settle = (how: () => void) => {
      if (settled) return;
      settled = true;
      cancelTimer();
      signal?.removeEventListener('abort', abort);
      how();
    };
    const abort = () => settle(() => reject(bounds.onAbort(signal?.reason)));
    if (signal?.aborted) {
      abort();
      return;
    }
    signal?.addEventListener('abort', abort);
    cancelTimer = bounds.clock.after(Math.max(0, bounds.timeoutMs), () =>
      settle(() => reject(bounds.onTimeout())),
    );
    try {
      start(
        (value) => (settled ? late(value) : settle(() => resolve(value))),
        (error) => settle(() => reject(error)),
      );
    } catch (error) {
      settle(() => reject(error instanceof Error ? error : new Error(String(error))));
    }
  });
}
