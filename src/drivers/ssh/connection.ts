// One authenticated SSH connection to one machine whose host key is pinned.
// It runs scripts, a bounded number at once, and opens forwarded streams, which are not counted.
// Nothing waits without a deadline. When the connection ends, for whatever reason, all that ran
// over it ends with a typed error, and `onClose` tells its keeper to make a new one.

import { randomBytes } from 'node:crypto';
import type { Duplex } from 'node:stream';
import type { Client, ClientChannel } from 'ssh2';
import { type Bounds, bounded } from './bounded.ts';
import { ChannelStream } from './channel-stream.ts';
import { type SshClock, systemClock } from './clock.ts';
import { type CommandResult, runScript } from './command.ts';
import {
  SshCancelled,
  SshConnectionLost,
  SshError,
  SshForwardRefused,
  type SshPhase,
  SshTimeout,
} from './error.ts';
import { type Authenticated, type HandshakeOptions, handshake } from './handshake.ts';
import { openProgram } from './program.ts';
import { SHELL_COMMAND, wrapScript } from './script.ts';
import { openSession, type SessionPort } from './session.ts';
import { SessionSlots } from './session-slots.ts';
import { requestTerminal, type Terminal, type TerminalOptions, terminalOn } from './terminal.ts';

export interface ConnectionOptions extends HandshakeOptions {
  maxSessions?: number;
}

export interface RunOptions {
  script: string;
  stdin?: string | Buffer;
  timeoutMs: number; // over all: the wait for a free session too
  maxOutputBytes?: number; // of stdout and of stderr each
  signal?: AbortSignal;
}

export interface OpenOptions {
  timeoutMs?: number;
  signal?: AbortSignal;
}

const MAX_SESSIONS = 8;
const MAX_OUTPUT_BYTES = 1024 * 1024;
const OPEN_TIMEOUT_MS = 10_000;
const CLOSE_TIMEOUT_MS = 2_000;
const ADMINISTRATIVELY_PROHIBITED = 1; // RFC 4254, section 5.1

export class SshConnection {
  readonly name: string;
  readonly user: string;
  readonly #client: Client;
  readonly #carrier: Duplex;
  readonly #delivered: (bytes: number) => void;
  readonly #clock: SshClock;
  readonly #slots: SessionSlots;
  readonly #streams = new Set<Duplex>();
  readonly #closeListeners: ((error: SshError) => void)[] = [];
  #failure: SshError | undefined;
  #lost: SshError | undefined;

  static async connect(options: ConnectionOptions): Promise<SshConnection> {
    return new SshConnection(await handshake(options), options);
  }

  private constructor(authenticated: Authenticated, options: ConnectionOptions) {
    const { endpoint } = options;
    this.name = endpoint.name ?? endpoint.host;
    this.user = endpoint.user;
    this.#client = authenticated.client;
    this.#carrier = authenticated.stream;
    this.#carrier.setMaxListeners(0); // each stream that waits to write is one
    this.#delivered = (bytes) => authenticated.guard.delivered(bytes);
    this.#clock = options.clock ?? systemClock;
    this.#slots = new SessionSlots(options.maxSessions ?? MAX_SESSIONS);
    this.#client.on('error', (error) => {
      this.#failure ??=
        error instanceof SshError ? error : new SshConnectionLost(this.name, error.message, error);
    });
    this.#client.on('end', () => this.#carrier.destroy());
    this.#client.on('close', () => this.#ended());
  }

  get isOpen(): boolean {
    return this.#lost === undefined;
  }

  // Called once, at once when the connection is gone already.
  onClose(listener: (error: SshError) => void): void {
    if (this.#lost === undefined) this.#closeListeners.push(listener);
    else listener(this.#lost);
  }

  async run(options: RunOptions): Promise<CommandResult> {
    const script = wrapScript(options.script, randomBytes(8).toString('hex'), options.stdin);
    const began = this.#clock.now();
    const remaining = () => options.timeoutMs - (this.#clock.now() - began);
    const session = await openSession(this.#sessionPort(), SHELL_COMMAND, {
      bounds: (phase) => this.#bounds(phase, remaining(), options.signal, options.timeoutMs),
      openTimeoutMs: OPEN_TIMEOUT_MS,
    });
    try {
      return await runScript(session, script, {
        name: this.name,
        user: this.user,
        maxOutputBytes: options.maxOutputBytes ?? MAX_OUTPUT_BYTES,
        bounds: this.#bounds('command', remaining(), options.signal, options.timeoutMs),
        delivered: this.#delivered,
        lost: () => this.#lost,
      });
    } finally {
      session.close();
    }
  }

  async forwardTcp(host: string, port: number, options: OpenOptions = {}): Promise<Duplex> {
    const to = port === 0 ? host : `${host}:${port}`;
    return await this.#forward(to, options, (done) =>
      this.#client.forwardOut('127.0.0.1', 0, host, port, done),
    );
  }

  async forwardUnix(path: string, options: OpenOptions = {}): Promise<Duplex> {
    return await this.#forward(path, options, (done) =>
      this.#client.openssh_forwardOutStreamLocal(path, done),
    );
  }

  // A program's standard input and output as a stream. It takes one of the sessions until it ends.
  async exec(command: string, options: OpenOptions = {}): Promise<Duplex> {
    const timeoutMs = options.timeoutMs ?? OPEN_TIMEOUT_MS;
    const session = await openSession(this.#sessionPort(), command, {
      bounds: (phase) => this.#bounds(phase, timeoutMs, options.signal),
      openTimeoutMs: timeoutMs,
    });
    const context = { carrier: this.#carrier, delivered: this.#delivered };
    const stream = openProgram(session, command, this.name, context);
    stream.once('close', () => session.close());
    return this.#track(stream);
  }

  // For a person at a terminal. It takes one of the sessions until it ends.
  async terminal(options: TerminalOptions = {}): Promise<Terminal> {
    const port = this.#sessionPort();
    port.exec = (_command, done) => this.#use(() => requestTerminal(this.#client, options, done));
    const session = await openSession(port, '', {
      bounds: (phase) => this.#bounds(phase, OPEN_TIMEOUT_MS, options.signal),
      openTimeoutMs: OPEN_TIMEOUT_MS,
    });
    return terminalOn(session, this.name);
  }

  async close(): Promise<void> {
    if (this.#lost !== undefined) return;
    this.#failure ??= new SshConnectionLost(this.name, 'it was closed here');
    await new Promise<void>((resolve) => {
      const cancel = this.#clock.after(CLOSE_TIMEOUT_MS, () => this.#carrier.destroy());
      this.onClose(() => {
        cancel();
        resolve();
      });
      this.#client.end();
    });
  }

  #forward(
    to: string,
    options: OpenOptions,
    open: (done: (error: Error | undefined, channel: ClientChannel) => void) => void,
  ): Promise<Duplex> {
    const bounds = this.#bounds('open', options.timeoutMs ?? OPEN_TIMEOUT_MS, options.signal);
    return bounded<Duplex>(
      bounds,
      (resolve, reject) =>
        this.#use(() =>
          open((error, channel) => {
            if (error === undefined) return resolve(this.#stream(channel));
            if (this.#lost !== undefined) return reject(this.#lost);
            const prohibited =
              (error as { reason?: unknown }).reason === ADMINISTRATIVELY_PROHIBITED;
            reject(new SshForwardRefused(this.name, to, error.message, prohibited));
          }),
        ),
      (late) => late.destroy(),
    );
  }

  #stream(channel: ClientChannel): Duplex {
    return this.#track(
      new ChannelStream(channel, { carrier: this.#carrier, delivered: this.#delivered }),
    );
  }

  #track(stream: Duplex): Duplex {
    this.#streams.add(stream);
    // A stream whose user is not listening yet, or no more, must not end the process.
    stream.on('error', () => {});
    stream.once('close', () => this.#streams.delete(stream));
    return stream;
  }

  #sessionPort(): SessionPort {
    return {
      name: this.name,
      slots: this.#slots,
      clock: this.#clock,
      exec: (command, done) => this.#use(() => this.#client.exec(command, done)),
      lost: () => this.#lost,
      abandon: (error) => {
        this.#failure ??= error;
        this.#carrier.destroy();
      },
    };
  }

  // ssh2 throws when its socket cannot be written to any more, even before it told of the end.
  #use(call: () => void): void {
    if (this.#lost !== undefined) throw this.#lost;
    try {
      call();
    } catch (error) {
      this.#carrier.destroy();
      throw this.#failure ?? new SshConnectionLost(this.name, 'it cannot be written to', error);
    }
  }

  #bounds(
    phase: SshPhase,
    remainingMs: number,
    signal: AbortSignal | undefined,
    timeoutMs = remainingMs,
  ): Bounds {
    const outcome = phase === 'command' ? 'unknown' : 'not-started';
    return {
      clock: this.#clock,
      timeoutMs: remainingMs,
      signal,
      onTimeout: () => new SshTimeout(this.name, phase, timeoutMs),
      onAbort: (reason) => new SshCancelled(this.name, outcome, reason),
    };
  }

  #ended(): void {
    if (this.#lost !== undefined) return;
    const lost = this.#failure ?? new SshConnectionLost(this.name, 'the server closed it');
    this.#lost = lost;
    for (const stream of this.#streams) stream.destroy(lost);
    for (const listener of this.#closeListeners.splice(0)) listener(lost);
  }
}
