// Opens a plain TCP connection, as the way to guests that this machine reaches directly.
// Small messages leave at once, because someone waits for each. An abort closes what was begun.

import { connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { bounded } from './bounded.ts';
import { type SshClock, systemClock } from './clock.ts';
import { SshCancelled, SshTimeout, SshUnreachable } from './error.ts';

export interface DialOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
  clock?: SshClock;
}

const TIMEOUT_MS = 10_000;

export async function dialTcp(
  host: string,
  port: number,
  options: DialOptions = {},
): Promise<Duplex> {
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS;
  const bounds = {
    clock: options.clock ?? systemClock,
    timeoutMs,
    signal: options.signal,
    onTimeout: () => new SshTimeout(host, 'connect', timeoutMs),
    onAbort: (reason: unknown) => new SshCancelled(host, 'not-started', reason),
  };
  const socket = connect({ host, port, noDelay: true });
  try {
    return await bounded<Duplex>(bounds, (resolve, reject) => {
      socket.once('connect', () => resolve(socket));
      socket.once('error', (error) => reject(new SshUnreachable(host, error.message, error)));
    });
  } catch (error) {
    socket.on('error', () => {}); // whatever comes after the end is of no interest
    socket.destroy();
    throw error;
  }
}
