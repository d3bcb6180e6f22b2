// Moving bytes through an open stream: upload from an async iterable, download as one.
// Memory in use is one chunk of the source, or the channel's read-ahead. A transfer either ends
// with the daemon's confirmation or throws; a stream that is given up is aborted on the daemon.

import { setImmediate } from 'node:timers/promises';
import type { OpenStream } from './caller.ts';
import { InvalidArgument } from './error.ts';
import { abortStreamOn, streamChange } from './stream-wait.ts';

/** The daemon's own packet size, the fastest one measured. */
const PACKET_BYTES = 262_120;
const STALL_TIMEOUT_MS = 60_000;
/** A source in memory and a fast peer must not keep timers and other sockets waiting. */
const FAIRNESS_BYTES = 1_048_576;
/** The daemon flushes to disk before it confirms. */
const FINISH_TIMEOUT_MS = 600_000;
/** How long to wait for the confirmation of a stream that was given up. */
const ABORT_TIMEOUT_MS = 5_000;

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** No byte can be moved for so long: the transfer fails. */
  readonly stallTimeoutMs?: number | undefined;
  /** Bytes handed to the transport (upload) or to the reader (download) so far. */
  readonly onProgress?: ((bytes: number) => void) | undefined;
}

/**
 * Chunks must not be changed after they were yielded. A chunk with which the source passes `limit`
 * bytes is not sent at all: the daemon of libvirt 11.3 dies of a byte too many.
 */
export async function upload(
  stream: OpenStream,
  source: AsyncIterable<Uint8Array>,
  options: TransferOptions & { limit?: number } = {},
): Promise<number> {
  const { channel } = stream;
  const unwatch = abortStreamOn(stream, options.signal);
  const iterator = source[Symbol.asyncIterator]();
  const { limit = Number.POSITIVE_INFINITY } = options;
  let moved = 0;
  let yielded = 0;
  let whole = false;
  try {
    for (;;) {
      const { done, value } = await unlessFailed(stream, iterator.next());
      if (done) break;
      if (moved + value.length > limit) {
        throw new InvalidArgument(
          `the source has more than the ${limit} bytes that were announced`,
        );
      }
      for (let at = 0; at < value.length; at += PACKET_BYTES) {
        const packet = value.subarray(at, at + PACKET_BYTES);
        channel.send(packet);
        moved += packet.length;
        while (channel.full) await streamChange(stream, options.stallTimeoutMs ?? STALL_TIMEOUT_MS);
      }
      if (moved - yielded >= FAIRNESS_BYTES) {
        yielded = moved;
        await setImmediate();
      }
      options.onProgress?.(moved);
    }
    whole = true;
    channel.finish();
    while (!channel.ended) await streamChange(stream, FINISH_TIMEOUT_MS);
    return moved;
  } finally {
    unwatch();
    await close(stream, channel.ended && channel.failure === undefined);
    // The source may hold a file open; it is told to stop, but its answer changes nothing.
    if (!whole) void iterator.return?.()?.then(undefined, () => undefined);
  }
}

/** Stopping the iteration early aborts the stream. */
export async function* download(
  stream: OpenStream,
  options: TransferOptions = {},
): AsyncGenerator<Buffer, void, undefined> {
  const { channel } = stream;
  const unwatch = abortStreamOn(stream, options.signal);
  let moved = 0;
  let whole = false;
  try {
    for (;;) {
      const packet = channel.take();
      if (packet !== undefined) {
        moved += packet.length;
        options.onProgress?.(moved);
        yield packet;
      } else if (channel.failure) {
        throw channel.failure;
      } else if (channel.ended) {
        break;
      } else {
        await streamChange(stream, options.stallTimeoutMs ?? STALL_TIMEOUT_MS);
      }
    }
    channel.finish();
    whole = true;
  } finally {
    unwatch();
    await close(stream, whole);
  }
}

/** The source may be slow; a failure of the stream must not wait for its next chunk. */
function unlessFailed<T>({ channel }: OpenStream, next: Promise<T>): Promise<T> {
  if (channel.failure) {
    next.catch(() => undefined);
    return Promise.reject(channel.failure);
  }
  return new Promise((resolve, reject) => {
    channel.onFailure = reject;
    next.then(resolve, reject);
  });
}

/** Waits for the peer's last word, within bounds, and never throws: the outcome is known by now. */
async function close(stream: OpenStream, whole: boolean): Promise<void> {
  const { channel, deadlines } = stream;
  channel.onFailure = undefined;
  if (!whole) channel.abort();
  if (channel.released) return;
  await new Promise<void>((resolve) => {
    const deadline = { dueMs: 0, timeoutMs: ABORT_TIMEOUT_MS, expire: resolve };
    deadlines.add(deadline);
    channel.onReleased = () => {
      deadlines.remove(deadline);
      resolve();
    };
  });
}
