// Waiting on a stream channel: until something changes, the deadline passes or the caller cancels.
// A wait that ends badly fails the channel and tells the peer to stop, so no stream is left open.

import type { OpenStream } from './caller.ts';
import { Cancelled, Timeout } from './error.ts';

/** Resolves at the next change; rejects with the channel's failure. */
export async function streamChange(
  { channel, deadlines }: OpenStream,
  timeoutMs: number,
): Promise<void> {
  const deadline = {
    dueMs: 0,
    timeoutMs,
    expire: () => giveUp(new Timeout(channel.procedure, timeoutMs, true)),
  };
  const giveUp = (error: Error): void => {
    channel.fail(error);
    channel.abort();
  };
  deadlines.add(deadline);
  try {
    await channel.changed();
  } finally {
    deadlines.remove(deadline);
  }
}

/** While the signal is not aborted nothing happens; the result undoes the watch. */
export function abortStreamOn(
  { channel }: OpenStream,
  signal: AbortSignal | undefined,
): () => void {
  if (signal === undefined) return () => undefined;
  const onAbort = (): void => {
    channel.fail(new Cancelled(channel.procedure, true, signal.reason));
    channel.abort();
  };
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  return () => signal.removeEventListener('abort', onAbort);
}
