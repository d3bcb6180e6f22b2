/** A question that is given so much time: what does not answer must not hold up the others. */
import type { Clock } from '../lib/clock.ts';

/** For a question to a machine: its connection, its listing. */
export const questionTimeoutMs = 10_000;

/** The answer, or a rejection when the time is over or the signal aborts; `ask` is told by its signal. */
export async function bounded<T>(
  ask: (signal: AbortSignal) => Promise<T>,
  clock: Clock,
  signal: AbortSignal,
): Promise<T> {
  const timeout = new AbortController();
  const both = AbortSignal.any([signal, timeout.signal]);
  const ended = new Promise<never>((_, reject) => {
    both.addEventListener('abort', () => reject(new Error('no answer in time')), { once: true });
  });
  const cancel = clock.after(questionTimeoutMs, () => timeout.abort());
  try {
    return await Promise.race([ask(both), ended]);
  } finally {
    cancel();
  }
}
