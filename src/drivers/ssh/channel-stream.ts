// An ssh2 channel as an ordinary Duplex stream, with the rules that its users rely on.
// A lost connection is an error here, where ssh2 shows it as a clean end; a write completes only
// when the connection's own buffer has room, so an upload over a slow line stays small in memory;
// destroy() closes the channel. It knows nothing of what the bytes mean.

import { Duplex } from 'node:stream';
import type { ClientChannel } from 'ssh2';

const BUFFER_BYTES = 256 * 1024;
const UNSENT_BYTES = 4 * 1024 * 1024;

export interface ChannelContext {
  carrier: Duplex; // the connection's own stream
  delivered: (bytes: number) => void;
  // For a channel that runs a program: why its end is not a regular one, if it is not. Asked when
  // the channel has closed, because the exit status may come after the end of the output.
  endError?: () => Error | undefined;
}

export class ChannelStream extends Duplex {
  readonly #channel: ClientChannel;
  readonly #context: ChannelContext;
  #stopWaiting: (() => void) | undefined;
  #eof = false;

  constructor(channel: ClientChannel, context: ChannelContext) {
    super({ readableHighWaterMark: BUFFER_BYTES, writableHighWaterMark: BUFFER_BYTES });
    this.#channel = channel;
    this.#context = context;
    channel.on('error', (error: Error) => this.destroy(error));
    channel.on('data', (chunk: Buffer) => {
      context.delivered(chunk.length);
      if (!this.push(chunk)) channel.pause();
    });
    channel.on('end', () => {
      if (context.endError === undefined) this.#endOfInput();
    });
    channel.on('close', () => this.#closed());
    channel.pause();
  }

  override _read(): void {
    this.#channel.resume();
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error) => void): void {
    this.#channel.write(chunk, encoding, (error) => {
      if (error) return done(error);
      const { carrier } = this.#context;
      if (carrier.writableLength < UNSENT_BYTES) return done();
      const drained = () => {
        this.#stopWaiting = undefined;
        done();
      };
      this.#stopWaiting = () => carrier.removeListener('drain', drained);
      carrier.once('drain', drained);
    });
  }

  override _final(done: (error?: Error) => void): void {
    this.#channel.end();
    done();
  }

  override _destroy(error: Error | null, done: (error: Error | null) => void): void {
    this.#stopWaiting?.();
    this.#channel.destroy();
    this.#channel.resume(); // ssh2 tells of the close only after all has been read
    done(error);
  }

  #endOfInput(): void {
    if (this.#eof || this.destroyed) return;
    this.#eof = true;
    this.push(null);
  }

  // The channel is gone in both directions: what was not written yet never will be.
  #closed(): void {
    if (this.destroyed) return;
    const error = this.#context.endError?.();
    if (error !== undefined) this.destroy(error);
    else if (this.writableLength > 0) this.destroy(new Error('the channel closed in a write'));
    else {
      this.#endOfInput();
      this.end();
    }
  }
}
