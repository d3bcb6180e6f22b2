import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  Cancelled,
  ConnectionLost,
  isUnsupported,
  LibvirtError,
  ProtocolError,
  Timeout,
} from '../../src/libvirt/error.ts';
import type { LibvirtEvent } from '../../src/libvirt/events.ts';
import {
  connectFake,
  errorPayload,
  failure,
  fakeDial,
  frame,
  KEEPALIVE,
  reply,
  text,
  withScript,
  words,
} from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';

const HOSTNAME = 59;
const GET_URI = 110;
const GET_TYPE = 3;
const GET_STATE = 212;
const domain = { name: 'd', uuid: '00112233-4455-6677-8899-aabbccddeeff' };
const uuidBytes = Buffer.from('00112233445566778899aabbccddeeff', 'hex');

/** Lets everything that is under way in memory arrive. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await new Promise((done) => setImmediate(done));
}

describe('a connection', () => {
  it('opens with AUTH_LIST before CONNECT_OPEN, byte by byte as recorded', async () => {
    const { connection, daemon } = await connectFake();
    using _ = connection;
    assert.deepEqual(
      daemon.received.map(({ procedure, serial }) => [procedure, serial]),
      [
        [66, 1],
        [1, 2],
      ],
    );
    assert.equal(
      daemon.received[1]?.payload.toString('hex'),
      Buffer.concat([words(1), text('fake:///'), words(0)]).toString('hex'),
    );
  });

  it('asks polkit only where it must', async () => {
    const script = withScript((call) => {
      if (call.procedure === 66) return reply(call, words(1, 2));
      return call.procedure === 70 ? reply(call, words(1)) : undefined;
    });
    const { connection, daemon } = await connectFake(script);
    using _ = connection;
    assert.deepEqual(
      daemon.received.map((it) => it.procedure),
      [66, 70, 1],
    );
  });

  it('refuses a daemon that offers only SASL', async () => {
    const script = withScript((call) =>
      call.procedure === 66 ? reply(call, words(1, 1)) : undefined,
    );
    await assert.rejects(connectFake(script), { code: 'AUTH_UNSUPPORTED', offered: [1] });
  });

  it('matches replies by serial, whatever their order', async () => {
    const { connection, daemon } = await connectFake(withScript(() => undefined));
    using _ = connection;
    const answers = [connection.host.uri(), connection.host.type()];
    const uri = await daemon.call(GET_URI);
    const type = await daemon.call(GET_TYPE);
    daemon.send(reply(type, text('QEMU')), reply(uri, text('the:///uri')));
    assert.deepEqual(await Promise.all(answers), ['the:///uri', 'QEMU']);
  });

  it('keeps at most four calls in flight, three of them normal', async () => {
    const { connection, daemon } = await connectFake();
    using _ = connection;
    const normal = Array.from({ length: 6 }, () => connection.host.uri());
    const high = Array.from({ length: 3 }, () => connection.domains.list());
    await settle();
    const calls = () => daemon.received.slice(2).map((it) => it.procedure);
    assert.deepEqual(calls(), [GET_URI, GET_URI, GET_URI, 273]);
    daemon.send(reply(await daemon.call(GET_URI, 0), text('a')));
    await settle();
    assert.deepEqual(calls().slice(4), [273]);
    daemon.script = withScript((call) =>
      reply(call, call.procedure === GET_URI ? text('a') : words(0, 0)),
    );
    for (const call of daemon.received.slice(3)) {
      daemon.send(reply(call, call.procedure === GET_URI ? text('a') : words(0, 0)));
    }
    assert.equal((await Promise.all([...normal, ...high])).length, 9);
  });

  it('turns a failed reply into a LibvirtError with its facts', async () => {
    const script = withScript((call) => failure(call, 42, 'Domain not found: x', 10));
    const { connection } = await connectFake(
      withScript((call, daemon) => (call.procedure === 23 ? script(call, daemon) : undefined)),
    );
    using _ = connection;
    const error = await connection.domains.lookupByName('x').catch((caught: unknown) => caught);
    assert.ok(error instanceof LibvirtError);
    const { code, number, domain: source, procedure, message } = error;
    assert.deepEqual(
      { code, number, source, procedure, message },
      {
        code: 'NO_DOMAIN',
        number: 42,
        source: 10,
        procedure: 'DOMAIN_LOOKUP_BY_NAME',
        message: 'Domain not found: x',
      },
    );
  });

  it('takes "unknown procedure" for NO_SUPPORT', async () => {
    const script = withScript((call) => failure(call, 39, 'unknown procedure: 426', 7));
    const { connection, daemon } = await connectFake();
    using _ = connection;
    daemon.script = script;
    assert.ok(isUnsupported(await connection.details.messages(domain).catch((e: unknown) => e)));
  });

  it('times a call out, keeps its serial and slot until the late reply, and goes on', async () => {
    const clock = new ManualClock();
    const { connection, daemon } = await connectFake(undefined, { clock });
    using _ = connection;
    const slow = connection.host.uri({ timeoutMs: 100 });
    const late = await daemon.call(GET_URI);
    clock.advance(101);
    await assert.rejects(slow, (error) => error instanceof Timeout && error.sent);
    const others = [1, 2, 3].map(() => connection.host.uri());
    await settle();
    assert.equal(daemon.received.filter((it) => it.procedure === GET_URI).length, 3);
    daemon.send(reply(late, text('late')));
    await settle();
    const sent = daemon.received.filter((it) => it.procedure === GET_URI);
    assert.equal(sent.length, 4);
    assert.equal(new Set(sent.map((it) => it.serial)).size, 4);
    for (const call of sent.slice(1)) daemon.send(reply(call, text(`${call.serial}`)));
    assert.deepEqual(
      await Promise.all(others),
      sent.slice(1).map((it) => `${it.serial}`),
    );
  });

  it('tells a call that was never sent from one that was', async () => {
    const clock = new ManualClock();
    const { connection, daemon } = await connectFake(undefined, { clock });
    using _ = connection;
    const calls = [1, 2, 3, 4].map(() => connection.host.uri({ timeoutMs: 100 }));
    const outcomes = Promise.allSettled(calls);
    await settle();
    clock.advance(200);
    const sent = (await outcomes).map((it) => it.status === 'rejected' && it.reason.sent);
    assert.deepEqual(sent, [true, true, true, false]);
    assert.equal(daemon.received.filter((it) => it.procedure === GET_URI).length, 3);
  });

  it('cancels by signal, before sending, while waiting, and after', async () => {
    const { connection, daemon } = await connectFake();
    using _ = connection;
    const aborted = AbortSignal.abort(new Error('why'));
    await assert.rejects(connection.host.uri({ signal: aborted }), (error) => {
      return error instanceof Cancelled && !error.sent && (error.cause as Error).message === 'why';
    });
    const controller = new AbortController();
    const calls = [1, 2, 3, 4].map(() => connection.host.uri({ signal: controller.signal }));
    const outcomes = Promise.allSettled(calls);
    await daemon.call(GET_URI, 2);
    controller.abort();
    const sent = (await outcomes).map((it) => it.status === 'rejected' && it.reason.sent);
    assert.deepEqual(sent, [true, true, true, false]);
    const hostname = connection.host.hostname();
    daemon.send(reply(await daemon.call(GET_URI), text('late')));
    assert.equal(await hostname, 'fake');
  });

  it('refuses bad arguments without sending a byte', async () => {
    const { connection, daemon } = await connectFake();
    using _ = connection;
    await assert.rejects(connection.domains.define('a\0b'), { code: 'INVALID_ARGUMENT' });
    await assert.rejects(connection.domains.state({ name: 'x', uuid: 'y' }), {
      code: 'INVALID_ARGUMENT',
    });
    assert.equal(await connection.host.hostname(), 'fake');
    assert.deepEqual(
      daemon.received.map((it) => it.procedure),
      [66, 1, HOSTNAME],
    );
  });

  it('fails only the call whose reply cannot be read', async () => {
    const script = withScript((call) =>
      call.procedure === GET_STATE ? reply(call, words(1)) : undefined,
    );
    const { connection } = await connectFake(script);
    using _ = connection;
    await assert.rejects(connection.domains.state(domain), ProtocolError);
    assert.equal(await connection.host.hostname(), 'fake');
  });

  it('fails only the call whose error cannot be read', async () => {
    const { connection, daemon } = await connectFake();
    using _ = connection;
    const call = connection.host.uri();
    const { program, procedure, serial } = await daemon.call(GET_URI);
    const broken = errorPayload(42, 'x').subarray(0, 14);
    daemon.send(frame({ program, procedure, type: 1, serial, status: 1 }, broken));
    await assert.rejects(call, ProtocolError);
    assert.equal(await connection.host.hostname(), 'fake');
  });

  it('routes events before serials and survives malformed and unknown ones', async () => {
    const seen: LibvirtEvent[] = [];
    const anomalies: Error[] = [];
    const { connection, daemon } = await connectFake(undefined, {
      onEvent: (event) => seen.push(event),
      onAnomaly: (error) => anomalies.push(error),
    });
    using _ = connection;
    const call = connection.host.uri();
    const pending = await daemon.call(GET_URI);
    const event = (procedure: number, payload: Uint8Array) =>
      frame({ procedure, type: 2, serial: pending.serial }, payload);
    const lifecycle = Buffer.concat([words(7), text('d'), uuidBytes, words(3, 5, 1)]);
    daemon.send(
      event(318, lifecycle.subarray(0, 20)),
      event(9999, words(1, 2, 3)),
      event(318, lifecycle),
      frame({ program: 0x20008087, procedure: 6, type: 2, serial: 0 }, words(1)),
      reply(pending, text('uri')),
    );
    assert.equal(await call, 'uri');
    assert.deepEqual(seen, [
      {
        kind: 'domain-lifecycle',
        domain: { ...domain, id: 3 },
        change: 'stopped',
        detail: 1,
      },
    ]);
    assert.equal(anomalies.length, 3);
  });

  it('answers a ping and pings a silent peer, which it drops in the end', async () => {
    const clock = new ManualClock();
    const { connection, daemon } = await connectFake(undefined, { clock });
    daemon.send(frame({ program: KEEPALIVE, procedure: 1, type: 2, serial: 0 }));
    const pong = await daemon.message((it) => it.program === KEEPALIVE);
    assert.deepEqual([pong.procedure, pong.type, pong.serial, pong.payload.length], [2, 2, 0, 0]);
    const call = connection.host.uri();
    const failed = assert.rejects(call, (error) => {
      return error instanceof ConnectionLost && error.reason === 'keepalive' && error.sent;
    });
    for (let turn = 0; turn < 6; turn += 1) {
      clock.advance(5_000);
      await settle();
    }
    await failed;
    assert.ok(daemon.received.filter((it) => it.program === KEEPALIVE).length >= 4);
    assert.equal((await connection.closed).reason, 'keepalive');
    assert.equal(clock.pending, 0);
  });

  it('does not let a peer that pings without reading fill the memory', async () => {
    const { connection, daemon } = await connectFake();
    using _ = connection;
    daemon.socket.pause();
    const ping = frame({ program: KEEPALIVE, procedure: 1, type: 2, serial: 0 });
    const flood = Buffer.concat(Array.from({ length: 1000 }, () => ping));
    const before = process.memoryUsage().rss;
    for (let round = 0; round < 500; round += 1) {
      daemon.socket.write(flood);
      await new Promise((done) => setImmediate(done));
    }
    assert.ok(process.memoryUsage().rss - before < 64 * 1_048_576);
    daemon.socket.resume();
    assert.equal(await connection.host.hostname(), 'fake');
    const pongs = daemon.received.filter((it) => it.program === KEEPALIVE).length;
    assert.ok(pongs > 0 && pongs < 20_000, `${pongs} pongs`);
  });

  it('says how it ended to every open call and to every later one', async () => {
    const { connection, daemon } = await connectFake();
    const calls = [1, 2, 3, 4].map(() => connection.host.uri());
    const outcomes = Promise.allSettled(calls);
    await daemon.call(GET_URI, 2);
    daemon.socket.end();
    const sent = (await outcomes).map((it) => it.status === 'rejected' && it.reason.sent);
    assert.deepEqual(sent, [true, true, true, false]);
    assert.equal((await connection.closed).reason, 'eof');
    await assert.rejects(connection.host.uri(), { code: 'CONNECTION_LOST', sent: false });
  });

  it('gives up dialing and the handshake in time or by signal', async () => {
    const clock = new ManualClock();
    const deaf = connectFake(() => undefined, { clock, connectTimeoutMs: 50 });
    await settle();
    clock.advance(51);
    await assert.rejects(deaf, { code: 'TIMEOUT' });
    assert.equal(clock.pending, 0);
    const never = () => new Promise<never>(() => undefined);
    const dialing = connectFake(undefined, { dial: never, clock, connectTimeoutMs: 50 });
    clock.advance(51);
    await assert.rejects(dialing, { code: 'TIMEOUT' });
    const controller = new AbortController();
    const cancelled = connectFake(() => undefined, { signal: controller.signal });
    await settle();
    controller.abort();
    await assert.rejects(cancelled, { code: 'CANCELLED' });
    const refused = fakeDial();
    refused.dial = () => Promise.reject(new Error('refused'));
    await assert.rejects(connectFake(undefined, { dial: refused.dial }), {
      code: 'CONNECTION_LOST',
      reason: 'dial',
    });
  });
});
