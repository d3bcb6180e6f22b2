// One connection to a libvirt daemon, from dialing to its end. It binds a transport to a session
// and offers the typed calls by object; it never reconnects. After `closed` has resolved every
// call rejects with ConnectionLost.

import type { Caller, OpenStream } from './caller.ts';
import { AgentCalls } from './calls/agent.ts';
import { DomainDetailCalls } from './calls/domain-details.ts';
import { DomainCalls } from './calls/domains.ts';
import { HostCalls } from './calls/host.ts';
import { NetworkCalls } from './calls/networks.ts';
import { PoolCalls } from './calls/pools.ts';
import { VolumeCalls } from './calls/volumes.ts';
import { type Clock, systemClock } from './clock.ts';
import { DeadlineQueue } from './deadlines.ts';
import type { Dial } from './dial.ts';
import { Cancelled, ConnectionLost, type LossReason, ProtocolError, Timeout } from './error.ts';
import { EventRegistrations } from './event-registrations.ts';
import { decodeEvent, type EventKind, type LibvirtEvent } from './events.ts';
import { handshake } from './handshake.ts';
import { defaultKeepalive, Keepalive, type KeepaliveOptions } from './keepalive.ts';
import type { CallOptions } from './pending-call.ts';
import type { Procedure } from './procedures/procedure.ts';
import { Session } from './session.ts';
import { defaultSlotLimits } from './slots.ts';
import { Transport } from './transport.ts';

export interface ConnectOptions {
  readonly dial: Dial;
  /** As CONNECT_OPEN wants it: `qemu:///system`, no transport and no host. */
  readonly name: string;
  readonly readOnly?: boolean;
  readonly signal?: AbortSignal;
  readonly clock?: Clock;
  /** For dialing and the handshake together. */
  readonly connectTimeoutMs?: number;
  /** For calls that name no timeout, as far as their procedure has none of its own. */
  readonly callTimeoutMs?: number;
  readonly keepalive?: KeepaliveOptions;
  readonly onEvent?: (event: LibvirtEvent) => void;
  /** Something malformed was dropped; for logs. */
  readonly onAnomaly?: (error: ProtocolError) => void;
}

const CONNECT_TIMEOUT_MS = 15_000;
const CALL_TIMEOUT_MS = 60_000;
/** Keepalive intervals with every slot held by a given-up call until the connection is dropped. */
const STALLED_TICKS = 12;
let opened = 0;

export class Connection implements Caller {
  /** No other connection of this process has the same. */
  readonly number = ++opened;
  readonly domains = new DomainCalls(this);
  readonly details = new DomainDetailCalls(this);
  readonly networks = new NetworkCalls(this);
  readonly pools = new PoolCalls(this);
  readonly volumes = new VolumeCalls(this);
  readonly host = new HostCalls(this);
  readonly agent = new AgentCalls(this);
  readonly events = new EventRegistrations(this);
  /** Resolves with the reason when the connection is over; never rejects. */
  readonly closed: Promise<ConnectionLost>;
  readonly #session: Session;
  readonly #transport: Transport;
  readonly #keepalive: Keepalive;
  readonly #deadlines: DeadlineQueue;
  readonly #resolveClosed: (reason: ConnectionLost) => void;
  #stalledTicks = 0;
  #over = false;

  /** Takes over the stream; use `connect`, which also does the handshake. */
  constructor(duplex: Awaited<ReturnType<Dial>>, options: ConnectOptions) {
    const clock = options.clock ?? systemClock;
    const { promise, resolve } = Promise.withResolvers<ConnectionLost>();
    this.closed = promise;
    this.#resolveClosed = resolve;
    this.#deadlines = new DeadlineQueue(clock);
    this.#transport = new Transport(duplex, {
      data: (chunk, bytes) => this.#receive(chunk, bytes),
      drain: () => this.#drained(),
      lost: (reason, cause) => this.#lose(reason, cause),
    });
    this.#session = new Session({
      port: {
        send: (bytes) => this.#transport.send(bytes),
        pause: (paused) => this.#transport.pause(paused),
        event: (procedure, payload) => {
          const event = decodeEvent(procedure, payload);
          if (event === undefined) throw new ProtocolError(`event of unknown number ${procedure}`);
          deliver(event, options.onEvent);
        },
        anomaly: (error) => deliver(error, options.onAnomaly),
      },
      deadlines: this.#deadlines,
      callTimeoutMs: options.callTimeoutMs ?? CALL_TIMEOUT_MS,
    });
    this.#keepalive = new Keepalive(clock, options.keepalive ?? defaultKeepalive, {
      ping: () => this.#session.ping(),
      silent: () => this.#silent(),
      tick: () => this.#checkStalled(),
    });
    this.#keepalive.start();
  }

  call<A, R>(procedure: Procedure<A, R>, args: A, options?: CallOptions): Promise<R> {
    return this.#session.call(procedure, args, options);
  }

  async openStream<A>(
    procedure: Procedure<A, void>,
    args: A,
    options?: CallOptions,
  ): Promise<OpenStream> {
    const channel = await this.#session.openStream(procedure, args, options);
    return { channel, deadlines: this.#deadlines };
  }

  /** Returns the kinds that this daemon does not have. */
  subscribe(kinds: Iterable<EventKind>, options?: CallOptions): Promise<readonly EventKind[]> {
    return this.events.subscribe(kinds, options);
  }

  /** Aborts streams and fails open calls; what the daemon has begun goes on there. */
  close(): void {
    this.#lose('closed', undefined);
  }

  /** As `close`, for `using`. */
  [Symbol.dispose](): void {
    this.close();
  }

  #receive(chunk: Buffer, bytes: number): void {
    this.#keepalive.heard();
    try {
      this.#session.receive(chunk, bytes);
    } catch (error) {
      this.#lose('protocol', error);
    }
  }

  /** A peer that reads is alive: an upload that it takes slowly leaves no room for a ping. */
  #drained(): void {
    this.#keepalive.heard();
    this.#session.drained();
  }

  #silent(): void {
    // A paused transport is silent because we do not listen.
    if (!this.#transport.paused) this.#lose('keepalive', undefined);
  }

  /** Given-up calls hold their slots; if none comes back, only a new connection has room. */
  #checkStalled(): void {
    const stuck = this.#session.abandoned >= defaultSlotLimits.normal;
    this.#stalledTicks = stuck && this.#session.openStreams === 0 ? this.#stalledTicks + 1 : 0;
    if (this.#stalledTicks >= STALLED_TICKS) this.#lose('stalled', undefined);
  }

  #lose(reason: LossReason, cause: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.#keepalive.stop();
    this.#session.close(reason, cause);
    this.#transport.destroy();
    this.#resolveClosed(new ConnectionLost(reason, { cause }));
  }
}

/** A listener's own fault must not look like a fault of the peer; it surfaces as uncaught. */
function deliver<T>(value: T, listener: ((value: T) => void) | undefined): void {
  try {
    listener?.(value);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Dials and opens. Rejects with ConnectionLost, Timeout, Cancelled or the daemon's own error. */
export async function connect(options: ConnectOptions): Promise<Connection> {
  const clock = options.clock ?? systemClock;
  const timeoutMs = options.connectTimeoutMs ?? CONNECT_TIMEOUT_MS;
  const expiry = new AbortController();
  const cancelExpiry = clock.schedule(timeoutMs, () => expiry.abort());
  const signal = options.signal ? AbortSignal.any([options.signal, expiry.signal]) : expiry.signal;
  let connection: Connection | undefined;
  try {
    connection = new Connection(await dialUnless(options.dial, signal), options);
    const { name, readOnly = false } = options;
    await handshake(connection, { name, readOnly }, { signal, timeoutMs });
    return connection;
  } catch (error) {
    connection?.close();
    if (options.signal?.aborted) throw new Cancelled('connect', false, options.signal.reason);
    if (expiry.signal.aborted) throw new Timeout('connect', timeoutMs, false);
    throw connection === undefined ? new ConnectionLost('dial', { cause: error }) : error;
  } finally {
    cancelExpiry();
  }
}

/** Also bounds a dialer that ignores its signal; its late stream is thrown away. */
function dialUnless(dial: Dial, signal: AbortSignal): ReturnType<Dial> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    const onAbort = (): void => reject(signal.reason);
    signal.addEventListener('abort', onAbort, { once: true });
    dial(signal).then(
      (duplex) => {
        signal.removeEventListener('abort', onAbort);
        if (signal.aborted) duplex.destroy();
        else resolve(duplex);
      },
      (error: unknown) => {
        signal.removeEventListener('abort', onAbort);
        reject(error);
      },
    );
  });
}
