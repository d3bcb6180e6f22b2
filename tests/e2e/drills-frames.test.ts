/**
 * Drill B9: a million hostile frames from a fake libvirtd on a real socket. The client is another
 * process: it must end each connection by a typed error, and its memory must stay bounded.
 */
import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import {
  FakeDaemon,
  frame,
  KEEPALIVE,
  politeScript,
  type Received,
  text,
  words,
} from '../libvirt/fake-daemon.ts';
import type { Toll } from './drills/frame-victim.ts';

const connections = 2_000;
const junkPerConnection = 483;
const listsAtOnce = 20;
/** And the upload's reply, and the last frame. */
const framesPerConnection = junkPerConnection + listsAtOnce + 2;
const limitBytes = 64 * 2 ** 20;
const victim = fileURLToPath(new URL('./drills/frame-victim.ts', import.meta.url));
const procedures = { hostname: 59, list: 273, upload: 208 };

/** Mulberry32. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

class Attacker {
  readonly #random: () => number;

  constructor(seed: number) {
    this.#random = randomNumbers(seed);
  }

  #pick<T>(values: readonly T[]): T {
    return values[Math.floor(this.#random() * values.length)] as T;
  }

  #dirt(): Buffer {
    const bytes = Buffer.alloc(Math.floor(this.#random() * 80));
    for (let at = 0; at < bytes.length; at += 1) {
      bytes[at] = this.#random() < 0.6 ? 0 : Math.floor(this.#random() * 256);
    }
    return bytes;
  }

  /** Events that do not decode, packets for streams that are over or never were, odd keepalives. */
  junk(): Buffer {
    const serial = Math.floor(this.#random() * 30);
    const status = this.#pick([0, 1, 2, 3, 0xffffffff]);
    switch (this.#pick(['event', 'event', 'stream', 'hole', 'keepalive'])) {
      case 'stream':
        return frame({ procedure: 208, type: 3, serial: serial + 100, status }, this.#dirt());
      case 'hole':
        return frame({ procedure: 208, type: 6, serial: serial + 100, status }, this.#dirt());
      case 'keepalive': {
        const head = { program: KEEPALIVE, procedure: this.#pick([1, 2, 3, 0xffff]), type: 2 };
        return frame({ ...head, serial, status }, this.#dirt());
      }
      default: {
        const procedure = this.#pick([1, 105, 107, 315, 318, 324, 348, 370, 9999]);
        const program = this.#pick([0x20008086, 0x20008087, 7]);
        return frame({ program, procedure, type: 2, serial, status }, this.#dirt());
      }
    }
  }

  /** A reply that belongs to the call and says what it cannot say. */
  reply({ program, procedure, serial }: Received): Buffer {
    const answer = (status: number, payload: Uint8Array) =>
      frame({ program, procedure, type: 1, serial, status }, payload);
    const kinds = ['dirt', 'counts', 'truncated', 'status', 'endless error', 'error'] as const;
    // Four MiB are the most that a text may have; one in a thousand is enough of those.
    if (this.#random() < 0.001) {
      return answer(1, Buffer.concat([words(1, 10, 1), text('x'.repeat(2 ** 22)), words(2)]));
    }
    switch (this.#pick(kinds)) {
      case 'counts':
        return answer(0, words(this.#pick([0xffffffff, 16_385, 16_384, 0x7fffffff])));
      case 'truncated':
        return answer(0, words(2, 1, this.#pick([0xffffffff, 4_194_305, 12]), 0x61000000));
      case 'status':
        return answer(this.#pick([2, 3, 0xffffffff]), this.#dirt());
      case 'endless error':
        return answer(1, words(1, 10, 1, this.#pick([0xffffffff, 4_194_305, 4_194_304])));
      case 'error':
        return answer(1, this.#dirt());
      default:
        return answer(0, this.#dirt());
    }
  }

  /** Nothing can follow this one. */
  last(): Buffer {
    const lost = frame({ procedure: 59, type: 1, serial: 4711 }, this.#dirt());
    switch (this.#pick(['length', 'serial', 'version', 'type', 'program'])) {
      case 'length':
        return words(this.#pick([0, 1, 27, 33_554_437, 0x7fffffff, 0xffffffff]));
      case 'version':
        lost.writeUInt32BE(2, 8);
        return lost;
      case 'type':
        return frame({ procedure: 1, type: this.#pick([0, 4, 5, 7, 0x7fffffff]), serial: 1 });
      case 'program':
        return frame({ program: 7, procedure: 59, type: 1, serial: 3 }, this.#dirt());
      default:
        return lost;
    }
  }

  /** With each answer comes its share of junk; when all calls are answered, the last frame. */
  serve(socket: Socket): void {
    let left = listsAtOnce + 1;
    let isPolite = false;
    let hostname: Received | undefined;
    const junk = junkPerConnection / (listsAtOnce + 1);
    new FakeDaemon(socket, (call, daemon) => {
      if (call.procedure === 1) isPolite = call.payload.includes('polite');
      if (call.procedure === procedures.hostname && !isPolite) {
        hostname = call;
      } else if (call.procedure === procedures.list || call.procedure === procedures.upload) {
        left -= 1;
        const noise = Array.from({ length: junk }, () => this.junk());
        daemon.send(Buffer.concat([...noise, this.reply(call)]));
      } else {
        return politeScript(call, daemon);
      }
      if (left > 0 || hostname === undefined) return undefined;
      const polite = politeScript(hostname, daemon) ?? Buffer.alloc(0);
      daemon.send(Buffer.concat([polite, this.last()]));
      return undefined;
    });
  }
}

describe('drill B9', { timeout: 300_000 }, () => {
  it('a million hostile frames cost typed errors and little memory', async (t) => {
    const began = performance.now();
    const seed = Number(process.env['LIBVIRT_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    const attacker = new Attacker(seed);
    const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
    const path = join(folder, 'sock');
    const server = createServer((socket) => attacker.serve(socket)).listen(path);
    t.after(() => {
      server.close();
      rmSync(folder, { recursive: true });
    });
    // With so small a heap, what is never freed ends the process, and garbage counts for little.
    const execArgv = ['--max-old-space-size=48', '--max-semi-space-size=1'];
    const child = fork(victim, [path, `${connections}`, `${listsAtOnce}`], { execArgv });
    t.after(() => child.kill('SIGKILL'));
    const toll = await new Promise<Toll>((resolve, reject) => {
      child.once('message', (message) => resolve(message as Toll));
      child.once('exit', (code, signal) => reject(new Error(`it ended: ${code} ${signal}`)));
    });
    const frames = toll.survived * (framesPerConnection - 1) + (toll.ends['protocol'] ?? 0);
    const seconds = Math.round((performance.now() - began) / 1000);
    t.diagnostic(
      `B9: ${frames} hostile frames on ${connections} connections, ${JSON.stringify(toll.calls)}, ` +
        `memory +${Math.round(toll.grownBytes / 2 ** 20)} MiB; seed ${seed}; ${seconds} s`,
    );
    assert.deepEqual(toll.ends, { protocol: connections }, `seed ${seed}`);
    assert.equal(toll.survived, connections, `seed ${seed}`);
    assert.ok(frames >= 1_000_000, `${frames} frames`);
    assert.ok(toll.anomalies > 100_000, `${toll.anomalies} anomalies`);
    assert.ok(toll.grownBytes <= limitBytes, `${toll.grownBytes} bytes more, seed ${seed}`);
  });
});
