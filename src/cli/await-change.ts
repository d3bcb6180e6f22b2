/**
 * Waiting for something to become true, woken by changes and bounded by a deadline and a signal.
 * It subscribes before it looks, and never runs two looks at once, so no change is missed and none
 * is looked at twice. There is no polling.
 */
import type { Clock } from '../lib/clock.ts';

export interface AwaitOptions {
  subscribe(listener: () => void): () => void;
  clock: Clock;
  signal: AbortSignal;
  /** Absent: no deadline. */
  timeoutMs?: number;
}

export type Awaited<T> =
  | { kind: 'found'; value: T }
  | { kind: 'timedOut' }
  | { kind: 'interrupted' };

/** Looks now and after each change, until the look gives a value. */
export async function awaitChange<T>(
  look: () => Promise<T | undefined>,
  options: AwaitOptions,
): Promise<Awaited<T>> {
  const { clock, signal, timeoutMs } = options;
  let changed = true;
  let ended: 'timedOut' | 'interrupted' | undefined = signal.aborted ? 'interrupted' : undefined;
  let wake = () => {};
  const onChange = () => {
    changed = true;
    wake();
  };
  const end = (how: 'timedOut' | 'interrupted') => () => {
    ended ??= how;
    wake();
  };
  const interrupt = end('interrupted');
  const unsubscribe = options.subscribe(onChange);
  const cancelTimer = timeoutMs === undefined ? () => {} : clock.after(timeoutMs, end('timedOut'));
  signal.addEventListener('abort', interrupt, { once: true });
  try {
    for (;;) {
      if (changed) {
        changed = false;
        const value = await look();
        if (value !== undefined) return { kind: 'found', value };
        // Also when changes never cease.
        if (ended !== undefined) return { kind: ended };
      } else if (ended !== undefined) {
        return { kind: ended };
      } else {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    }
  } finally {
    unsubscribe();
    cancelTimer();
    signal.removeEventListener('abort', interrupt);
  }
}
