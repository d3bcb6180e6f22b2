import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Client, type ClientOptions, type Unreachable } from '../../src/libvirt/client.ts';
import { ConnectionLost } from '../../src/libvirt/error.ts';
import { failure, fakeDial, frame, reply, text, withScript, words } from './fake-daemon.ts';
import { ManualClock } from './manual-clock.ts';

const CONNECT_OPEN = 1;
const REGISTER_DOMAIN = 316;
const REGISTER_POOL = 368;
const GET_URI = 110;
const lifecycle = frame(
  { procedure: 318, type: 2, serial: 1 },
  Buffer.concat([words(7), text('d'), Buffer.alloc(16), words(1, 2, 0)]),
);

const registering = withScript((call, daemon) => {
  if (call.procedure === REGISTER_DOMAIN) {
    daemon.send(lifecycle);
    return reply(call, words(7));
  }
  return call.procedure === REGISTER_POOL ? failure(call, 3, 'no pools here') : undefined;
});

async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await new Promise((done) => setImmediate(done));
}

function started(options: Partial<ClientOptions> = {}) {
  const fake = fakeDial(registering);
  const clock = new ManualClock();
  const client = new Client({
    dial: fake.dial,
    name: 'fake:///',
    events: ['domain-lifecycle', 'pool-lifecycle'],
    clock,
    random: () => 1,
    ...options,
  });
  const log: string[] = [];
  client.on('event', (event) => log.push(event.kind));
  client.on('connected', () => log.push('connected'));
  client.on('reconnected', () => log.push('reconnected'));
  client.on('disconnected', ({ reason }) => log.push(`disconnected ${reason}`));
  client.start();
  return { client, clock, log, daemons: fake.daemons };
}

describe('a client', () => {
  it('connects, registers what the daemon has, and passes events on', async () => {
    const { client, log } = started();
    await client.ready();
    assert.deepEqual(log, ['domain-lifecycle', 'connected']);
    assert.deepEqual(client.unsupportedEvents, ['pool-lifecycle']);
    assert.equal(await client.host.hostname(), 'fake');
    await client.close();
  });

  it('comes back after a loss: events first, then reconnected; no call is sent twice', async () => {
    const { client, clock, log, daemons } = started();
    await client.ready();
    const open = client.host.uri();
    const lost = assert.rejects(open, (error) => error instanceof ConnectionLost && error.sent);
    await daemons[0]?.call(GET_URI);
    daemons[0]?.socket.destroy();
    await lost;
    const waiting = client.host.hostname();
    await settle();
    clock.advance(100);
    assert.equal(await waiting, 'fake');
    assert.deepEqual(log.slice(2), ['disconnected eof', 'domain-lifecycle', 'reconnected']);
    assert.equal(
      daemons[1]?.received.some((it) => it.procedure === GET_URI),
      false,
    );
    await client.close();
    assert.equal(clock.pending, 0);
  });

  it('backs off while nobody answers, then starts from the shortest delay again', async () => {
    const fake = fakeDial(registering);
    let down = true;
    const dial: ClientOptions['dial'] = (signal) =>
      down ? Promise.reject(new Error('ENOENT')) : fake.dial(signal);
    const { client, clock } = started({ dial });
    const seen: Unreachable[] = [];
    client.on('unreachable', (it) => seen.push(it));
    for (const delay of [0, 100, 200, 400]) {
      clock.advance(delay);
      await settle();
    }
    assert.deepEqual(
      seen.map(({ attempts, retryInMs }) => [attempts, retryInMs]),
      [
        [1, 100],
        [2, 200],
        [3, 400],
        [4, 800],
      ],
    );
    down = false;
    const connected = once(client, 'connected');
    clock.advance(800);
    await connected;
    clock.advance(6_000);
    await settle();
    down = true;
    fake.daemons[0]?.socket.destroy();
    await settle();
    clock.advance(100);
    await settle();
    assert.equal(seen.at(-1)?.attempts, 2);
    await client.close();
  });

  it('lets a call wait a moment for a connection, and no longer', async () => {
    const dial = () => Promise.reject(new Error('ENOENT'));
    const { client, clock } = started({ dial, connectWaitMs: 500 });
    const call = client.host.hostname();
    const failed = assert.rejects(call, (error) => {
      assert.ok(error instanceof ConnectionLost);
      assert.ok(error.cause instanceof ConnectionLost);
      return !error.sent && error.reason === 'dial';
    });
    await settle();
    clock.advance(501);
    await failed;
    await client.close();
    await assert.rejects(client.host.hostname(), { code: 'CONNECTION_LOST', reason: 'closed' });
    assert.equal(clock.pending, 0);
  });

  it('closes also in the very moment in which it has connected', async () => {
    for (let turns = 0; turns < 8; turns += 1) {
      const { dial, daemons } = fakeDial();
      const { promise: closed, resolve } = Promise.withResolvers<void>();
      const closeAfter = (left: number): void => {
        if (left === 0) resolve(client.close());
        else queueMicrotask(() => closeAfter(left - 1));
      };
      const watched = async () => {
        const stream = await dial();
        return stream.on('data', (bytes: Buffer) => {
          if (bytes.readUInt32BE(12) === CONNECT_OPEN) closeAfter(turns);
        });
      };
      const client = new Client({ dial: watched, name: 'fake:///' });
      client.start();
      await closed;
      await settle();
      assert.equal(daemons[0]?.socket.readableEnded, true);
    }
  });

  it('offers a connection of its own for bulk work and closes it afterwards', async () => {
    const { client, daemons } = started();
    await client.ready();
    const hostname = await client.dedicated((connection) => connection.host.hostname());
    assert.equal(hostname, 'fake');
    assert.equal(daemons.length, 2);
    await settle();
    assert.equal(daemons[1]?.socket.readableEnded, true);
    assert.equal(await client.host.hostname(), 'fake');
    await client.close();
  });

  it('takes the connections of bulk work along when it is closed', async () => {
    const { client } = started();
    await client.ready();
    const { promise: begun, resolve } = Promise.withResolvers<void>();
    const work = client.dedicated((connection) => {
      const answer = connection.host.uri();
      resolve();
      return answer;
    });
    const lost = assert.rejects(work, { code: 'CONNECTION_LOST', reason: 'closed' });
    await begun;
    await client.close();
    await lost;
  });
});
