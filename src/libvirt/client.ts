// A client that stays connected: it dials again with back-off whenever the connection is lost,
// registers the events before anybody may use the new connection, and then says `reconnected`, so
// that users list again what they may have missed. A call that was on the wire when the connection
// broke is never sent twice; it rejects with ConnectionLost and `sent: true`.

import { EventEmitter } from 'node:events';
import { type BackoffOptions, backoffMs, defaultBackoff } from './backoff.ts';
import type { Caller, OpenStream } from './caller.ts';
import { AgentCalls } from './calls/agent.ts';
import { DomainDetailCalls } from './calls/domain-details.ts';
import { DomainCalls } from './calls/domains.ts';
import { HostCalls } from './calls/host.ts';
import { NetworkCalls } from './calls/networks.ts';
import { PoolCalls } from './calls/pools.ts';
import { VolumeCalls } from './calls/volumes.ts';
import { type Clock, systemClock } from './clock.ts';
import { type Connection, type ConnectOptions, connect } from './connection.ts';
import { Cancelled, ConnectionLost } from './error.ts';
import type { EventKind, LibvirtEvent } from './events.ts';
import type { CallOptions } from './pending-call.ts';
import type { Procedure } from './procedures/procedure.ts';

export interface ClientOptions extends Omit<ConnectOptions, 'signal' | 'onEvent'> {
  readonly events?: readonly EventKind[];
  readonly backoff?: BackoffOptions;
  readonly random?: () => number;
  /** How long a call waits for a connection that is being made; 0 fails at once. */
  readonly connectWaitMs?: number;
}

export interface Unreachable {
  readonly error: unknown;
  /** Failed attempts in a row, this one included. */
  readonly attempts: number;
  readonly retryInMs: number;
}

export interface ClientEvents {
  event: [LibvirtEvent];
  /** The first connection is up. */
  connected: [];
  /** Another connection is up, events registered: list everything again. */
  reconnected: [];
  disconnected: [ConnectionLost];
  unreachable: [Unreachable];
}

const CONNECT_WAIT_MS = 2_000;
/** A connection that lasted so long makes the next attempt a first one again. */
const STABLE_MS = 1_000;

export class Client extends EventEmitter<ClientEvents> implements Caller {
  readonly domains = new DomainCalls(this);
  readonly details = new DomainDetailCalls(this);
  readonly networks = new NetworkCalls(this);
  readonly pools = new PoolCalls(this);
  readonly volumes = new VolumeCalls(this);
  readonly host = new HostCalls(this);
  readonly agent = new AgentCalls(this);
  readonly #options: ClientOptions;
  readonly #clock: Clock;
  readonly #stop = new AbortController();
  readonly #waiting = new Set<PromiseWithResolvers<Connection>>();
  #connection: Connection | undefined;
  #unsupported: readonly EventKind[] = [];
  #lastError: unknown;
  #running: Promise<void> | undefined;

  constructor(options: ClientOptions) {
    super();
    this.#options = options;
    this.#clock = options.clock ?? systemClock;
  }

  get connected(): boolean {
    return this.#connection !== undefined;
  }

  /** Why the last attempt or connection failed, while there is no connection. */
  get lastError(): unknown {
    return this.#lastError;
  }

  /** Event kinds of the options that the present daemon does not have. */
  get unsupportedEvents(): readonly EventKind[] {
    return this.#unsupported;
  }

  /** Begins to connect; says how it goes by its events and never gives up before `close`. */
  start(): void {
    this.#running ??= this.#run();
  }

  /** Waits for a connection as long as the signal and the timeout allow. */
  ready(options: CallOptions = {}): Promise<Connection> {
    const { signal, timeoutMs } = options;
    if (this.#connection) return Promise.resolve(this.#connection);
    if (this.#stop.signal.aborted) return Promise.reject(new ConnectionLost('closed'));
    if (signal?.aborted) return Promise.reject(new Cancelled('connect', false, signal.reason));
    const waiter = Promise.withResolvers<Connection>();
    const onAbort = (): void => waiter.reject(new Cancelled('connect', false, signal?.reason));
    const onTimeout = (): void =>
      waiter.reject(new ConnectionLost('dial', { cause: this.#lastError }));
    const cancel = timeoutMs === undefined ? undefined : this.#clock.schedule(timeoutMs, onTimeout);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.#waiting.add(waiter);
    return waiter.promise.finally(() => {
      cancel?.();
      signal?.removeEventListener('abort', onAbort);
      this.#waiting.delete(waiter);
    });
  }

  /** The present one, or the next if it comes soon: what goes through it goes through no other. */
  connection({ signal }: CallOptions = {}): Promise<Connection> {
    return this.ready({ signal, timeoutMs: this.#options.connectWaitMs ?? CONNECT_WAIT_MS });
  }

  call<A, R>(procedure: Procedure<A, R>, args: A, options?: CallOptions): Promise<R> {
    if (this.#connection) return this.#connection.call(procedure, args, options);
    return this.connection(options).then((connection) => connection.call(procedure, args, options));
  }

  async openStream<A>(
    procedure: Procedure<A, void>,
    args: A,
    options?: CallOptions,
  ): Promise<OpenStream> {
    const connection = this.#connection ?? (await this.connection(options));
    return connection.openStream(procedure, args, options);
  }

  /** A second connection for one piece of work, so that bulk data delays nobody else. Ends with us. */
  async dedicated<T>(
    use: (connection: Connection) => Promise<T>,
    signal?: AbortSignal,
  ): Promise<T> {
    const { events: _events, ...options } = this.#options;
    const stop = this.#stop.signal;
    const signals = signal ? [signal, stop] : [stop];
    using connection = await connect({ ...options, signal: AbortSignal.any(signals) });
    const end = (): void => connection.close();
    if (stop.aborted) end();
    stop.addEventListener('abort', end, { once: true });
    try {
      return await use(connection);
    } finally {
      stop.removeEventListener('abort', end);
    }
  }

  /** Ends for good; resolves when nothing runs any more. */
  async close(): Promise<void> {
    this.#stop.abort();
    this.#connection?.close();
    for (const waiter of this.#waiting) waiter.reject(new ConnectionLost('closed'));
    await this.#running;
  }

  async #run(): Promise<void> {
    let attempt = 0;
    let first = true;
    while (!this.#stop.signal.aborted) {
      try {
        const connection = await this.#open();
        // It may have been closed after the last answer and before this line.
        if (this.#stop.signal.aborted) return connection.close();
        const since = this.#clock.now();
        this.#publish(connection, first);
        first = false;
        const lost = await connection.closed;
        this.#connection = undefined;
        this.#lastError = lost;
        if (this.#clock.now() - since >= STABLE_MS) attempt = 0;
        this.#say('disconnected', lost);
        await this.#sleep(this.#delay(attempt));
      } catch (error) {
        if (this.#stop.signal.aborted) return;
        this.#lastError = error;
        const retryInMs = this.#delay(attempt);
        this.#say('unreachable', { error, attempts: attempt + 1, retryInMs });
        await this.#sleep(retryInMs);
      }
      attempt += 1;
    }
  }

  async #open(): Promise<Connection> {
    const { signal } = this.#stop;
    const connection = await connect({
      ...this.#options,
      signal,
      onEvent: (event) => this.emit('event', event),
    });
    try {
      this.#unsupported = await connection.subscribe(this.#options.events ?? [], { signal });
    } catch (error) {
      connection.close();
      throw error;
    }
    return connection;
  }

  #publish(connection: Connection, first: boolean): void {
    this.#connection = connection;
    this.#lastError = undefined;
    for (const waiter of this.#waiting) waiter.resolve(connection);
    this.#say(first ? 'connected' : 'reconnected');
  }

  /** A listener's own fault must not end the client; it surfaces as uncaught. */
  #say<K extends keyof ClientEvents>(event: K, ...args: ClientEvents[K]): void {
    try {
      this.emit<K>(event, ...(args as never));
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  #delay(attempt: number): number {
    const { backoff = defaultBackoff, random = Math.random } = this.#options;
    return backoffMs(attempt, backoff, random);
  }

  #sleep(delayMs: number): Promise<void> {
    const { signal } = this.#stop;
    if (signal.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const done = (): void => {
        cancel();
        signal.removeEventListener('abort', done);
        resolve();
      };
      const cancel = this.#clock.schedule(delayMs, done);
      signal.addEventListener('abort', done, { once: true });
    });
  }
}
