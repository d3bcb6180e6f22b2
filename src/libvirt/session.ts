// The protocol without I/O: received bytes go in through `receive`, bytes to send come out through
// the port. Matches replies by serial, keeps calls within their slots and deadlines, routes events
// and stream packets, answers pings. Malformed content costs the one call, stream or event it came
// in; malformed framing or an impossible reply ends the session by a ProtocolError from `receive`.

import type { DeadlineQueue } from './deadlines.ts';
import { Cancelled, ConnectionLost, type LossReason, ProtocolError, QueueFull } from './error.ts';
import {
  type Frame,
  FrameSplitter,
  finishFrame,
  PROGRAM_KEEPALIVE,
  PROTOCOL_VERSION,
  STATUS_OK,
  TYPE_CALL,
  TYPE_MESSAGE,
  TYPE_REPLY,
  TYPE_STREAM,
  TYPE_STREAM_HOLE,
  writeHeader,
} from './frame.ts';
import { type CallOptions, PendingCall } from './pending-call.ts';
import type { Procedure } from './procedures/procedure.ts';
import { decodeReply, Failed } from './procedures/reply.ts';
import type { SessionOptions, SessionPort } from './session-port.ts';
import { defaultSlotLimits, Slots } from './slots.ts';
import { StreamChannel } from './stream-channel.ts';
import { XdrReader, XdrWriter } from './xdr.ts';

const PING = 1;
const PONG = 2;

export class Session {
  readonly #port: SessionPort;
  readonly #deadlines: DeadlineQueue;
  readonly #callTimeoutMs: number;
  readonly #slots: Slots<PendingCall>;
  readonly #splitter = new FrameSplitter();
  readonly #writer = new XdrWriter();
  readonly #calls = new Map<number, PendingCall>();
  readonly #streams = new Map<number, StreamChannel>();
  readonly #onFrame = (frame: Frame): void => this.#route(frame);
  readonly #onGivenUp = (call: PendingCall): void => this.#givenUp(call);
  #serial = 0;
  #pausing = 0;
  #full = false;
  #pongOwed = false;
  #abandoned = 0;
  #lost: ConnectionLost | undefined;

  constructor(options: SessionOptions) {
    this.#port = options.port;
    this.#deadlines = options.deadlines;
    this.#callTimeoutMs = options.callTimeoutMs;
    this.#slots = new Slots(options.slots ?? defaultSlotLimits);
  }

  /** Calls on the wire, the ones nobody waits for any more included. */
  get inFlight(): number {
    return this.#slots.inFlight;
  }

  /** Calls on the wire that their callers gave up. */
  get abandoned(): number {
    return this.#abandoned;
  }

  get openStreams(): number {
    return this.#streams.size;
  }

  call<A, R>(procedure: Procedure<A, R>, args: A, options?: CallOptions): Promise<R> {
    return this.#start(procedure, args, options, undefined);
  }

  /** A call whose OK reply opens a stream. The packets may follow in the same read. */
  async openStream<A>(
    procedure: Procedure<A, void>,
    args: A,
    options?: CallOptions,
  ): Promise<StreamChannel> {
    const serial = this.#nextSerial();
    const header = { program: procedure.program, procedure: procedure.number, serial };
    const channel = new StreamChannel(procedure.name, {
      send: (status, payload) => {
        if (this.#lost) return true;
        writeHeader(this.#writer, { ...header, type: TYPE_STREAM, status }, payload?.length);
        const roomy = this.#send(this.#writer.take());
        return payload === undefined ? roomy : this.#send(payload);
      },
      pause: (paused) => this.#pause(paused),
      released: () => this.#streams.delete(serial),
    });
    await this.#start(procedure, args, options, { serial, channel });
    return channel;
  }

  /** Any answer, or any other bytes, prove that the peer lives. */
  ping(): void {
    if (!this.#full) this.#keepalive(PING);
  }

  /** Only the first `bytes` of the chunk count. */
  receive(chunk: Buffer, bytes = chunk.length): void {
    this.#splitter.push(chunk, this.#onFrame, bytes);
  }

  drained(): void {
    this.#full = false;
    if (this.#pongOwed) this.#keepalive(PONG);
    this.#pongOwed = false;
    for (const channel of this.#streams.values()) channel.drained();
  }

  /** Fails everything that is open; nothing is sent any more. */
  close(reason: LossReason, cause: unknown): void {
    if (this.#lost) return;
    this.#lost = new ConnectionLost(reason, { cause });
    this.#deadlines.clear();
    for (const call of this.#calls.values()) {
      if (!call.abandoned) call.reject(new ConnectionLost(reason, { sent: call.sent, cause }));
    }
    this.#calls.clear();
    for (const channel of this.#streams.values()) {
      channel.lose(new ConnectionLost(reason, { sent: true, cause }));
    }
    this.#streams.clear();
  }

  #start<A, R>(
    procedure: Procedure<A, R>,
    args: A,
    options: CallOptions | undefined,
    stream: { serial: number; channel: StreamChannel } | undefined,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      if (this.#lost) throw new ConnectionLost(this.#lost.reason, { cause: this.#lost.cause });
      const signal = options?.signal;
      if (signal?.aborted) throw new Cancelled(procedure.name, false, signal.reason);
      const serial = stream?.serial ?? this.#nextSerial();
      const call = new PendingCall({
        procedure,
        serial,
        bytes: this.#encode(procedure, serial, args),
        timeoutMs: options?.timeoutMs ?? procedure.timeoutMs ?? this.#callTimeoutMs,
        channel: stream?.channel,
        signal,
        // The reply is decoded by this very procedure, so the value is an R.
        resolve: resolve as (value: unknown) => void,
        reject,
        onGivenUp: this.#onGivenUp,
      });
      this.#enter(call);
    });
  }

  #enter(call: PendingCall): void {
    const admission = this.#slots.admit(call);
    if (admission === 'full') {
      call.reject(new QueueFull(this.#slots.queued));
      return;
    }
    this.#calls.set(call.serial, call);
    if (call.channel) this.#streams.set(call.serial, call.channel);
    this.#deadlines.add(call);
    if (admission === 'send') this.#send(call.takeBytes());
  }

  #encode<A>(procedure: Procedure<A, unknown>, serial: number, args: A): Buffer {
    const { program, number } = procedure;
    const header = { program, procedure: number, type: TYPE_CALL, serial, status: STATUS_OK };
    try {
      writeHeader(this.#writer, header);
      procedure.args.write(this.#writer, args);
      return finishFrame(this.#writer);
    } catch (error) {
      this.#writer.discard();
      throw error;
    }
  }

  #nextSerial(): number {
    do {
      this.#serial = (this.#serial + 1) >>> 0;
    } while (this.#calls.has(this.#serial) || this.#streams.has(this.#serial));
    return this.#serial;
  }

  #send(bytes: Uint8Array): boolean {
    const roomy = this.#port.send(bytes);
    if (!roomy) this.#full = true;
    return roomy;
  }

  #givenUp(call: PendingCall): void {
    this.#deadlines.remove(call);
    if (call.sent) {
      this.#abandoned += 1;
      return;
    }
    this.#slots.withdraw(call);
    this.#calls.delete(call.serial);
    this.#streams.delete(call.serial);
  }

  #route(frame: Frame): void {
    if (this.#lost) return;
    if (frame.version !== PROTOCOL_VERSION) throw new ProtocolError('unknown protocol version');
    switch (frame.type) {
      case TYPE_REPLY:
        this.#reply(frame);
        break;
      case TYPE_MESSAGE:
        this.#message(frame);
        break;
      case TYPE_STREAM:
      case TYPE_STREAM_HOLE:
        this.#streamPacket(frame);
        break;
      default:
        throw new ProtocolError(`message of type ${frame.type}, which was not asked for`);
    }
  }

  #reply(frame: Frame): void {
    const call = this.#calls.get(frame.serial);
    if (call === undefined || !call.sent) throw new ProtocolError('reply to no call');
    const { procedure } = call;
    if (frame.program !== procedure.program || frame.procedure !== procedure.number) {
      throw new ProtocolError('reply of another procedure than called');
    }
    this.#calls.delete(call.serial);
    this.#slots.release(call);
    if (call.abandoned) this.#lateReply(call, frame);
    else this.#settle(call, frame);
    for (let next = this.#slots.next(); next !== undefined; next = this.#slots.next()) {
      this.#send(next.takeBytes());
    }
  }

  #settle(call: PendingCall, frame: Frame): void {
    this.#deadlines.remove(call);
    const result = decodeReply(call.procedure, frame);
    if (result instanceof Failed) {
      if (call.channel) this.#streams.delete(call.serial);
      call.reject(result.error);
    } else {
      call.resolve(result);
    }
  }

  /** A stream that was opened for a caller who has gone must be given back. */
  #lateReply(call: PendingCall, frame: Frame): void {
    this.#abandoned -= 1;
    if (!call.channel) return;
    if (frame.status === STATUS_OK) call.channel.abort();
    else this.#streams.delete(call.serial);
  }

  #message(frame: Frame): void {
    if (frame.program === PROGRAM_KEEPALIVE) {
      if (frame.procedure !== PING) return;
      // A peer that pings without reading must not grow our send buffer.
      if (this.#full) this.#pongOwed = true;
      else this.#keepalive(PONG);
      return;
    }
    try {
      this.#port.event(frame.procedure, new XdrReader(frame.buffer, frame.start, frame.end));
    } catch (error) {
      if (!(error instanceof ProtocolError)) throw error;
      this.#port.anomaly(error);
    }
  }

  #streamPacket(frame: Frame): void {
    const channel = this.#streams.get(frame.serial);
    if (channel) channel.receive(frame);
    else this.#port.anomaly(new ProtocolError('packet for no stream'));
  }

  #keepalive(procedure: number): void {
    const header = { program: PROGRAM_KEEPALIVE, procedure, type: TYPE_MESSAGE };
    writeHeader(this.#writer, { ...header, serial: 0, status: STATUS_OK });
    this.#send(this.#writer.take());
  }

  /** Several streams share one transport, which runs while nobody wants it paused. */
  #pause(paused: boolean): void {
    const before = this.#pausing;
    this.#pausing += paused ? 1 : -1;
    if ((before === 0) !== (this.#pausing === 0)) this.#port.pause(paused);
  }
}
