// The port to the daemon, and its local implementation. A Dial gives a fresh byte stream on each
// call; a stream forwarded over SSH is made elsewhere and passed in as just another Dial.
// A Dial rejects when it cannot connect and honours its signal by rejecting and leaving no stream.

import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type DirectReadable, directRead } from './transport.ts';

export type Dial = (signal?: AbortSignal) => Promise<Duplex>;

const READ_BUFFER_BYTES = 262_144;

/** A unix socket that reads into one buffer for its whole life once a sink has been given. */
class UnixSocket extends Socket implements DirectReadable {
  #sink: ((buffer: Buffer, bytes: number) => void) | undefined;

  constructor() {
    const buffer = Buffer.allocUnsafeSlow(READ_BUFFER_BYTES);
    const callback = (bytes: number): boolean => {
      if (!this.#sink) return this.push(Buffer.from(buffer.subarray(0, bytes)));
      this.#sink(buffer, bytes);
      return true;
    };
    super({ onread: { buffer, callback } } as ConstructorParameters<typeof Socket>[0]);
  }

  [directRead](sink: (buffer: Buffer, bytes: number) => void): void {
    this.#sink = sink;
  }
}

export function dialUnix(path: string): Dial {
  return (signal) =>
    new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const socket = new UnixSocket();
      const settle = (): void => {
        signal?.removeEventListener('abort', onAbort);
        socket.off('connect', onConnect);
        socket.off('error', onError);
      };
      const onConnect = (): void => {
        settle();
        resolve(socket);
      };
      const onError = (error: Error): void => {
        settle();
        socket.destroy();
        reject(error);
      };
      const onAbort = (): void => onError(signal?.reason);
      socket.once('connect', onConnect);
      socket.once('error', onError);
      signal?.addEventListener('abort', onAbort, { once: true });
      socket.connect({ path });
    });
}

/**
 * The first of several sockets that answers. When none does, a failure of one that is there says
 * more than the absence of another.
 */
export function dialFirst(paths: readonly string[]): Dial {
  return async (signal) => {
    let failure: unknown = new Error('no socket path to try');
    let isOfPresent = false;
    for (const path of paths) {
      try {
        return await dialUnix(path)(signal);
      } catch (error) {
        if (signal?.aborted) throw error;
        if (!isOfPresent) failure = error;
        isOfPresent ||= !(error instanceof Error && 'code' in error && error.code === 'ENOENT');
      }
    }
    throw failure;
  };
}
