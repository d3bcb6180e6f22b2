// A peer that breaks the protocol in every way we could think of, and 100,000 random ones.

import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Connection } from '../../src/libvirt/connection.ts';
import { DeadlineQueue } from '../../src/libvirt/deadlines.ts';
import { ConnectionLost, ProtocolError } from '../../src/libvirt/error.ts';
import { decodeEvent } from '../../src/libvirt/events.ts';
import { getUri } from '../../src/libvirt/procedures/connect.ts';
import { listAllDomains } from '../../src/libvirt/procedures/domain.ts';
import { uploadVolume } from '../../src/libvirt/procedures/storage.ts';
import { Session } from '../../src/libvirt/session.ts';
import { connectFake, type FakeDaemon, frame, reply, text, words } from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';

const GET_URI = 110;

async function broken(
  attack: (daemon: FakeDaemon, connection: Connection) => Promise<void> | void,
): Promise<void> {
  const { connection, daemon } = await connectFake();
  const open = connection.host.uri();
  const failed = assert.rejects(open, (error) => {
    assert.ok(error instanceof ConnectionLost);
    assert.equal(error.reason, 'protocol');
    assert.ok(error.cause instanceof ProtocolError);
    return true;
  });
  await daemon.call(GET_URI);
  await attack(daemon, connection);
  await failed;
  assert.equal((await connection.closed).reason, 'protocol');
}

describe('a hostile peer ends the connection, typed, by', () => {
  it('a length that is too short or too long', async () => {
    for (const length of [0, 1, 27, 33_554_437, 0xffffffff]) {
      await broken((daemon) => daemon.send(words(length)));
    }
  });

  it('a reply to a serial that was never called', async () => {
    await broken((daemon) =>
      daemon.send(frame({ procedure: GET_URI, type: 1, serial: 4711 }, text('x'))),
    );
  });

  it('a second reply to the same call', async () => {
    await broken(async (daemon, connection) => {
      const hostname = connection.host.hostname();
      const call = await daemon.call(59);
      await hostname;
      daemon.send(reply(call, text('again')));
    });
  });

  it('a reply of another procedure or program', async () => {
    await broken(async (daemon) => {
      const { serial } = await daemon.call(GET_URI);
      daemon.send(frame({ procedure: 59, type: 1, serial }, text('x')));
    });
    await broken(async (daemon) => {
      const { serial } = await daemon.call(GET_URI);
      const program = 0x20008087;
      daemon.send(frame({ program, procedure: GET_URI, type: 1, serial }, text('x')));
    });
  });

  it('a call, a message with descriptors, or a type that does not exist', async () => {
    for (const type of [0, 4, 5, 7, 0x7fffffff, -1]) {
      await broken((daemon) => daemon.send(frame({ procedure: 1, type, serial: 1 })));
    }
  });

  it('another protocol version', async () => {
    await broken((daemon) => {
      const bytes = frame({ procedure: GET_URI, type: 1, serial: 3 }, text('x'));
      bytes.writeUInt32BE(2, 8);
      daemon.send(bytes);
    });
  });
});

describe('a hostile peer costs one call by', () => {
  const answered = async (status: number, payload: Buffer): Promise<unknown> => {
    const { connection, daemon } = await connectFake();
    using _ = connection;
    const call = connection.domains.list().catch((error: unknown) => error);
    const { program, procedure, serial } = await daemon.call(273);
    daemon.send(frame({ program, procedure, type: 1, serial, status }, payload));
    const outcome = await call;
    assert.equal(await connection.host.hostname(), 'fake');
    return outcome;
  };

  it('counts and strings that are longer than their data', async () => {
    for (const payload of [
      words(0xffffffff),
      words(16_385),
      words(1, 0xffffffff),
      words(1, 4_194_305),
      words(2, 1, 0x61000000),
      words(),
    ]) {
      assert.ok((await answered(0, payload)) instanceof ProtocolError);
    }
  });

  it('a status that does not exist', async () => {
    assert.ok((await answered(2, words(0, 0))) instanceof ProtocolError);
  });

  it('an error message of gigabytes, or of four MiB', async () => {
    assert.ok((await answered(1, words(1, 10, 1, 0xffffffff))) instanceof ProtocolError);
    const long = text('x'.repeat(4_194_304));
    const payload = Buffer.concat([words(1, 10, 1), long, words(2, 0, 0, 0, 0, 0, 0, 0)]);
    const error = await answered(1, payload);
    assert.ok(error instanceof Error && 'code' in error && error.code === 'INTERNAL_ERROR');
  });
});

/** Mulberry32: small, seeded, good enough to throw dirt with. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

function hostileFrame(random: () => number): Buffer {
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
  const payload = Buffer.alloc(Math.floor(random() * 80));
  for (let at = 0; at < payload.length; at += 1) {
    payload[at] = random() < 0.6 ? 0 : Math.floor(random() * 256);
  }
  const bytes = frame(
    {
      program: pick([0x20008086, 0x20008086, 0x20008087, 0x6b656570, 7]),
      procedure: pick([110, 273, 208, 318, 315, 370, 324, 348, 1, 2, 59]),
      type: pick([1, 1, 2, 2, 3, 3, 3, 6, 0, 5, 9]),
      serial: Math.floor(random() * 8),
      status: pick([0, 0, 1, 1, 2, 2, 3]),
    },
    payload,
  );
  if (random() < 0.02) bytes.writeUInt32BE(Math.floor(random() * pick([200, 2 ** 32])), 0);
  if (random() < 0.02) bytes.writeUInt32BE(Math.floor(random() * 3), 8);
  return bytes;
}

describe('random hostile frames', () => {
  const FRAMES = 120_000;

  it(`${FRAMES} of them only ever cause typed errors, and memory stays bounded`, async () => {
    const seed = Number(process.env.LIBVIRT_SEED ?? Math.floor(Math.random() * 2 ** 31));
    const random = randomNumbers(seed);
    const codes = new Set<string>();
    const note = (error: unknown): void => {
      assert.ok(error instanceof Error && 'code' in error, `seed ${seed}: ${error}`);
      codes.add(error instanceof ConnectionLost ? 'CONNECTION_LOST' : `${error.code}`);
    };
    let settled = 0;
    let started = 0;
    const watch = (call: Promise<unknown>): void => {
      started += 1;
      call.catch(note).finally(() => {
        settled += 1;
      });
    };
    const open = (): Session => {
      const session = new Session({
        port: {
          send: () => random() < 0.9,
          pause: () => undefined,
          event: (procedure, payload) => void decodeEvent(procedure, payload),
          anomaly: note,
        },
        deadlines: new DeadlineQueue(new ManualClock()),
        callTimeoutMs: 1000,
      });
      const volume = { pool: 'p', name: 'v' };
      watch(session.call(getUri, undefined));
      watch(session.call(listAllDomains, { needResults: 1, flags: 0 }));
      watch(session.openStream(uploadVolume, { volume, offset: 0, length: 0, flags: 0 }));
      return session;
    };
    globalThis.gc?.();
    const before = process.memoryUsage().rss;
    let session = open();
    let sessions = 1;
    for (let sent = 0; sent < FRAMES; sent += 1) {
      try {
        // A long legal length swallows what follows; now and then a new session sees it again.
        if (sent % 400 === 0) throw new ProtocolError('enough');
        session.receive(hostileFrame(random));
      } catch (error) {
        assert.ok(error instanceof ProtocolError, `seed ${seed}: ${error}`);
        session.close('protocol', error);
        session = open();
        sessions += 1;
      }
      if (sent % 1000 === 0) await new Promise((done) => setImmediate(done));
    }
    session.close('closed', undefined);
    for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setImmediate(done));
    assert.equal(settled, started, `seed ${seed}`);
    assert.ok(sessions > 1000, `${sessions} sessions`);
    assert.ok(codes.has('PROTOCOL') && codes.has('CONNECTION_LOST'), [...codes].join());
    assert.ok(process.memoryUsage().rss - before < 200 * 1_048_576, `seed ${seed}`);
  });
});
