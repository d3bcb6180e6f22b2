// Runs scripts in guests over SSH, each guest by one connection that is kept while needed.
// A connection is used only for the machine it was proven for: the pinned host key in the key
// exchange, the product UUID before the first command. A script that surely did not start is
// tried once more on a new connection; one that may have run is never run again here.

import { constants } from 'node:os';
import type { Duplex } from 'node:stream';
import type { GuestResult, GuestRunner, GuestTarget } from '../../controllers/ports.ts';
import { type SshClock, systemClock } from './clock.ts';
import type { CommandResult } from './command.ts';
import { SshConnection } from './connection.ts';
import { SshCancelled, SshError, SshOutcomeUnknown, SshTimeout } from './error.ts';
import type { Identity } from './identity.ts';
import { parsePublicKey } from './keys.ts';
import { proveMachine } from './machine-identity.ts';
import { ConnectionPool, type Lease } from './pool.ts';
import { toPortError } from './port-error.ts';

export type DialGuest = (
  host: string,
  address: string,
  port: number,
  signal: AbortSignal,
) => Promise<Duplex>;

export interface SshGuestRunnerOptions {
  identity: () => Promise<Identity>;
  dialGuest: DialGuest;
  port?: number;
  idleMs?: number;
  handshakeMs?: number;
  keepaliveMs?: number;
  clock?: SshClock;
}

type RunOptions = Parameters<GuestRunner['run']>[2];

const IDLE_MS = 2 * 60_000;
const HANDSHAKE_MS = 30_000; // a guest in software emulation that is still booting is slow

export class SshGuestRunner implements GuestRunner {
  readonly #options: SshGuestRunnerOptions;
  readonly #clock: SshClock;
  readonly #pool: ConnectionPool<SshConnection>;

  constructor(options: SshGuestRunnerOptions) {
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
    this.#pool = new ConnectionPool({ idleMs: options.idleMs ?? IDLE_MS, clock: this.#clock });
  }

  async run(target: GuestTarget, script: string, options: RunOptions): Promise<GuestResult> {
    const deadline = this.#clock.now() + options.timeoutMs;
    try {
      try {
        return await this.#runOnce(target, script, options, deadline);
      } catch (error) {
        if (!(error instanceof StaleConnection)) throw error;
        return await this.#runOnce(target, script, options, deadline);
      }
    } catch (error) {
      const cause = error instanceof StaleConnection ? error.cause : error;
      throw toPortError(cause, `SSH to ${target.node}`);
    }
  }

  // A proven connection for what is not a script: a person's terminal, a log that is followed.
  async use<T>(
    target: GuestTarget,
    options: { timeoutMs: number; signal: AbortSignal },
    work: (connection: SshConnection) => Promise<T>,
  ): Promise<T> {
    const deadline = this.#clock.now() + options.timeoutMs;
    try {
      const lease = await this.#acquire(keyOf(target), target, options, deadline);
      try {
        return await work(lease.connection);
      } finally {
        lease.release();
      }
    } catch (error) {
      throw toPortError(error, `SSH to ${target.node}`);
    }
  }

  forget(uuid: string): void {
    const prefix = keyPrefix(uuid);
    for (const key of this.#pool.keys()) {
      if (key.startsWith(prefix)) void this.#pool.invalidate(key);
    }
  }

  async close(): Promise<void> {
    await this.#pool.close();
  }

  async #runOnce(
    target: GuestTarget,
    script: string,
    options: RunOptions,
    deadline: number,
  ): Promise<GuestResult> {
    const key = keyOf(target);
    const lease = await this.#acquire(key, target, options, deadline);
    try {
      const result = await lease.connection.run({
        script,
        timeoutMs: deadline - this.#clock.now(),
        signal: options.signal,
        ...(options.maxOutputBytes === undefined ? {} : { maxOutputBytes: options.maxOutputBytes }),
      });
      return guestResult(result, lease.connection.name);
    } catch (error) {
      const stale = lease.reused && diedUnnoticed(error);
      // A command that was given up may run on in the guest and hold a session there.
      if (stale || (error instanceof SshError && error.outcome === 'unknown')) {
        this.#pool.retire(key);
      }
      throw stale ? new StaleConnection(error) : error;
    } finally {
      lease.release();
    }
  }

  async #acquire(
    key: string,
    target: GuestTarget,
    options: Pick<RunOptions, 'timeoutMs' | 'signal'>,
    deadline: number,
  ): Promise<Lease<SshConnection>> {
    const name = nameOf(target);
    const late = new AbortController();
    const cancel = this.#clock.after(Math.max(0, deadline - this.#clock.now()), () => late.abort());
    const signal = AbortSignal.any([options.signal, late.signal]);
    try {
      return await this.#pool.acquire(key, name, (own) => this.#connect(target, own), signal);
    } catch (error) {
      if (!(error instanceof SshCancelled) || options.signal.aborted) throw error;
      throw late.signal.aborted ? new SshTimeout(name, 'connect', options.timeoutMs) : error;
    } finally {
      cancel();
    }
  }

  async #connect(target: GuestTarget, signal: AbortSignal): Promise<SshConnection> {
    const { clock, keepaliveMs, handshakeMs, port = 22 } = this.#options;
    const name = nameOf(target);
    const pinned = parsePublicKey(target.hostKey, `the host key of ${target.node}`);
    const identity = await this.#options.identity();
    const connection = await SshConnection.connect({
      endpoint: { host: target.address, port, user: target.user, name },
      identity,
      pin: { keys: [pinned], revoked: [] },
      stream: await this.#options.dialGuest(target.host, target.address, port, signal),
      timeoutMs: handshakeMs ?? HANDSHAKE_MS,
      signal,
      ...(clock === undefined ? {} : { clock }),
      ...(keepaliveMs === undefined ? {} : { keepaliveMs }),
    });
    try {
      await proveMachine(connection, target.uuid, signal);
      return connection;
    } catch (error) {
      await connection.close();
      throw error;
    }
  }
}

// Not an error of the world: it says that the same script may be tried on a new connection.
class StaleConnection extends Error {
  constructor(cause: unknown) {
    super('the connection had died unnoticed', { cause });
  }
}

function diedUnnoticed(error: unknown): boolean {
  if (!(error instanceof SshError) || error.outcome !== 'not-started') return false;
  if (error instanceof SshTimeout) return error.phase === 'open';
  return error.code === 'SSH_CONNECTION_LOST' || error.code === 'SSH_SESSION_REFUSED';
}

function keyPrefix(uuid: string): string {
  return `${uuid.toLowerCase()} `;
}

function keyOf(target: GuestTarget): string {
  return keyPrefix(target.uuid) + JSON.stringify([target.address, target.user, target.hostKey]);
}

function nameOf(target: GuestTarget): string {
  return `${target.node} (${target.address})`;
}

// As a shell tells it: a command that a signal ended has 128 and the signal's number.
function guestResult(result: CommandResult, name: string): GuestResult {
  const { exitCode, signal, stdout, stderr, truncated } = result;
  const output = { stdout, stderr, ...(truncated && { truncated }) };
  if (exitCode !== null) return { exitCode, ...output };
  const number = Object.entries(constants.signals).find(([key]) => key === signal)?.[1];
  if (number === undefined) throw new SshOutcomeUnknown(name, `signal ${signal}`, stderr);
  return { exitCode: 128 + number, ...output };
}
