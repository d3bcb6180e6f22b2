// A byte-level peer in the test process: it answers calls by scripts and can send any bytes.
// It has its own minimal encoding, so that a fault of the client's codec cannot hide itself.

import { type Duplex, duplexPair } from 'node:stream';
import { type Connection, type ConnectOptions, connect } from '../../src/libvirt/connection.ts';
import type { Dial } from '../../src/libvirt/dial.ts';

export interface Received {
  readonly program: number;
  readonly procedure: number;
  readonly type: number;
  readonly serial: number;
  readonly status: number;
  readonly payload: Buffer;
}

export const REMOTE = 0x20008086;
export const KEEPALIVE = 0x6b656570;

export function words(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(values.length * 4);
  values.forEach((value, index) => {
    bytes.writeUInt32BE(value >>> 0, index * 4);
  });
  return bytes;
}

export function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  return Buffer.concat([words(bytes.length), bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
}

export function frame(
  head: { program?: number; procedure: number; type: number; serial: number; status?: number },
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const { program = REMOTE, procedure, type, serial, status = 0 } = head;
  const header = words(28 + payload.length, program, 1, procedure, type, serial, status);
  return Buffer.concat([header, payload]);
}

export function reply(to: Received, payload: Uint8Array = Buffer.alloc(0)): Buffer {
  return frame(
    { program: to.program, procedure: to.procedure, type: 1, serial: to.serial },
    payload,
  );
}

export function errorPayload(code: number, message: string, domain = 10): Buffer {
  const head = [words(code, domain, 1), text(message), words(2)];
  // dom, str1..3 absent, int1, int2, net absent
  return Buffer.concat([...head, words(0, 0, 0, 0, 0xffffffff, 0, 0)]);
}

export function failure(to: Received, code: number, message: string, domain = 10): Buffer {
  const { program, procedure, serial } = to;
  return frame(
    { program, procedure, type: 1, serial, status: 1 },
    errorPayload(code, message, domain),
  );
}

export function streamPacket(to: Received, status: number, payload?: Uint8Array): Buffer {
  const { program, procedure, serial } = to;
  return frame({ program, procedure, type: 3, serial, status }, payload);
}

/** What to answer to a call; undefined: nothing yet. */
export type Script = (call: Received, daemon: FakeDaemon) => Buffer | undefined;

const AUTH_LIST = 66;
const OPEN = 1;
const HOSTNAME = 59;

export class FakeDaemon {
  readonly received: Received[] = [];
  readonly socket: Duplex;
  #script: Script;
  #bytes = Buffer.alloc(0);
  readonly #watchers = new Set<() => void>();

  constructor(socket: Duplex, script: Script) {
    this.socket = socket;
    this.#script = script;
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    socket.on('error', () => undefined);
  }

  set script(script: Script) {
    this.#script = script;
  }

  send(...messages: readonly Uint8Array[]): void {
    for (const message of messages) this.socket.write(message);
  }

  /** Resolves with the n-th message (from 0) that passes, now or when it comes. */
  async message(test: (message: Received) => boolean, nth = 0): Promise<Received> {
    for (;;) {
      const found = this.received.filter(test)[nth];
      if (found !== undefined) return found;
      await new Promise<void>((resolve) => this.#watchers.add(resolve));
    }
  }

  call(procedure: number, nth = 0): Promise<Received> {
    return this.message((it) => it.type === 0 && it.procedure === procedure, nth);
  }

  #receive(chunk: Buffer): void {
    this.#bytes = Buffer.concat([this.#bytes, chunk]);
    while (this.#bytes.length >= 4 && this.#bytes.length >= this.#bytes.readUInt32BE(0)) {
      const length = this.#bytes.readUInt32BE(0);
      const bytes = this.#bytes.subarray(0, length);
      this.#bytes = this.#bytes.subarray(length);
      const word = (index: number): number => bytes.readUInt32BE(index * 4);
      const [program, procedure, type, serial, status] = [1, 3, 4, 5, 6].map(word) as [
        number,
        number,
        number,
        number,
        number,
      ];
      const payload = Buffer.from(bytes.subarray(28));
      const message: Received = { program, procedure, type, serial, status, payload };
      this.received.push(message);
      const answer = type === 0 ? this.#script(message, this) : undefined;
      if (answer !== undefined) this.send(answer);
    }
    const watchers = [...this.#watchers];
    this.#watchers.clear();
    for (const wake of watchers) wake();
  }
}

/** Opens connections and answers the hostname; everything else stays unanswered. */
export const politeScript: Script = (call) => {
  switch (call.procedure) {
    case AUTH_LIST:
      return reply(call, words(1, 0));
    case OPEN:
      return reply(call);
    case HOSTNAME:
      return reply(call, text('fake'));
    default:
      return undefined;
  }
};

export function withScript(extra: Script): Script {
  return (call, daemon) => extra(call, daemon) ?? politeScript(call, daemon);
}

/** A dialer whose connections are served by fresh daemons, newest last. */
export function fakeDial(script: Script = politeScript): { dial: Dial; daemons: FakeDaemon[] } {
  const daemons: FakeDaemon[] = [];
  const dial: Dial = async () => {
    const [ours, theirs] = duplexPair();
    daemons.push(new FakeDaemon(theirs, script));
    return ours;
  };
  return { dial, daemons };
}

export async function connectFake(
  script: Script = politeScript,
  options: Partial<ConnectOptions> = {},
): Promise<{ connection: Connection; daemon: FakeDaemon }> {
  const { dial, daemons } = fakeDial(script);
  const connection = await connect({ dial, name: 'fake:///', ...options });
  const [daemon] = daemons;
  if (daemon === undefined) throw new Error('nothing was dialed');
  return { connection, daemon };
}
