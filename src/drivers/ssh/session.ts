// Opens a session channel that runs one command, when there is a free slot for it.
// The slot is given back when the channel has really closed, also for a channel that opens after
// its caller has gone, so that we never believe in more free sessions than the server has: OpenSSH
// closes the channel of a command that was given up only when that command ends. A server that
// does not even answer an open is sick, and its connection is given up.

import type { ClientChannel } from 'ssh2';
import { type Bounds, bounded } from './bounded.ts';
import type { SshClock } from './clock.ts';
import { type SshError, type SshPhase, SshSessionRefused, SshTimeout } from './error.ts';
import type { SessionSlots } from './session-slots.ts';

export interface SessionPort {
  name: string;
  slots: SessionSlots;
  clock: SshClock;
  exec(command: string, done: (error: Error | undefined, channel: ClientChannel) => void): void;
  lost(): SshError | undefined;
  abandon(error: SshError): void;
}

export interface SessionOptions {
  bounds: (phase: SshPhase) => Bounds;
  openTimeoutMs: number;
}

export interface Exit {
  exitCode: number | null; // null when a signal ended it
  signal: string | null;
}

export interface Session {
  channel: ClientChannel;
  // Told as soon as the server tells it, which may be in one breath with the opening.
  exit: Exit | undefined;
  close(): void; // returns at once; the slot follows when the channel has closed
}

// A session whose command was given up lives on the server until that command ends, and takes
// one of its sessions: a refusal while we hold no other may pass.
const RETRY_DELAYS_MS = [100, 300, 900];

export async function openSession(
  port: SessionPort,
  command: string,
  options: SessionOptions,
): Promise<Session> {
  let refusals = 0;
  for (;;) {
    await takeSlot(port, options.bounds('queue'), refusals > 0);
    const opened = await openInSlot(port, command, options);
    if (!(opened instanceof SshSessionRefused)) return opened;
    const mayWait = port.slots.refused();
    port.slots.release();
    const delayMs = RETRY_DELAYS_MS[refusals];
    refusals += 1;
    if (mayWait) continue;
    if (delayMs === undefined) throw opened;
    await bounded<void>(options.bounds('queue'), (resolve) => {
      port.clock.after(delayMs, () => resolve());
    });
  }
}

async function takeSlot(port: SessionPort, bounds: Bounds, urgent: boolean): Promise<void> {
  let withdraw = () => {};
  try {
    await bounded<void>(
      bounds,
      (resolve) => {
        withdraw = port.slots.request(() => resolve(), urgent);
      },
      () => port.slots.release(),
    );
  } catch (error) {
    withdraw();
    throw error;
  }
}

// Holds a slot when called. It still does when this returns; when this throws, the slot has been
// released, or will be as soon as the server answers.
async function openInSlot(
  port: SessionPort,
  command: string,
  options: SessionOptions,
): Promise<Session | SshSessionRefused> {
  const given = options.bounds('open');
  const timeoutMs = Math.min(given.timeoutMs, options.openTimeoutMs);
  let asked = false;
  let givenUp = false;
  const giveUp = (error: Error) => {
    givenUp = true;
    return error;
  };
  const bounds: Bounds = {
    ...given,
    timeoutMs,
    onTimeout: () => giveUp(given.onTimeout()),
    onAbort: (reason) => giveUp(given.onAbort(reason)),
  };
  try {
    return await bounded<Session | SshSessionRefused>(bounds, (resolve, reject) => {
      asked = true;
      port.exec(command, (error, channel) => {
        if (error === undefined) {
          const session = newSession(channel, port);
          if (givenUp) session.close();
          else resolve(session);
          return;
        }
        if (givenUp) port.slots.release();
        const refused = new SshSessionRefused(port.name, error.message, error);
        // Only a refused channel may be a matter of too many; a refused command is final.
        if (typeof (error as { reason?: unknown }).reason === 'number') resolve(refused);
        else reject(port.lost() ?? refused);
      });
    });
  } catch (error) {
    if (!asked || !givenUp) port.slots.release();
    if (error instanceof SshTimeout && timeoutMs === options.openTimeoutMs) port.abandon(error);
    throw error;
  }
}

function newSession(channel: ClientChannel, port: SessionPort): Session {
  let closed = false;
  channel.once('close', () => {
    closed = true;
    port.slots.release();
  });
  const session: Session = {
    channel,
    exit: undefined,
    close() {
      if (closed) return;
      channel.on('error', () => {});
      channel.resume();
      channel.stderr.resume(); // the close comes only after all output was taken
      channel.close();
    },
  };
  channel.once('exit', (code: number | null, signal?: string) => {
    session.exit = { exitCode: code, signal: signal ?? null };
  });
  return session;
}
