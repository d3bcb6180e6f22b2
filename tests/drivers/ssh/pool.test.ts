import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SshConnectionLost, type SshError } from '../../../src/drivers/ssh/error.ts';
import { ConnectionPool } from '../../../src/drivers/ssh/pool.ts';

class FakeConnection {
  isOpen = true;
  #listeners: ((error: SshError) => void)[] = [];

  onClose(listener: (error: SshError) => void): void {
    this.#listeners.push(listener);
  }

  async close(): Promise<void> {
    this.isOpen = false;
    for (const listener of this.#listeners.splice(0)) {
      listener(new SshConnectionLost('fake', 'closed'));
    }
  }
}

function setup() {
  const timers = new Set<{ at: number; run: () => void }>();
  let now = 0;
  const clock = {
    now: () => now,
    after: (ms: number, run: () => void) => {
      const timer = { at: now + ms, run };
      timers.add(timer);
      return () => void timers.delete(timer);
    },
  };
  const pass = async (ms: number) => {
    now += ms;
    for (const timer of [...timers]) {
      if (timer.at > now) continue;
      timers.delete(timer);
      timer.run();
    }
    await new Promise(setImmediate);
  };
  const made: FakeConnection[] = [];
  const pool = new ConnectionPool<FakeConnection>({ idleMs: 1_000, clock });
  const connect = async () => {
    const connection = new FakeConnection();
    made.push(connection);
    return connection;
  };
  return { pool, made, connect, pass, timers };
}

test('many who want one key at once share one connection', async () => {
  const { pool, made, connect } = setup();
  const leases = await Promise.all([1, 2, 3].map(() => pool.acquire('a', 'a', connect)));
  assert.equal(made.length, 1);
  assert.ok(leases.every((lease) => lease.connection === made[0]));
  await pool.acquire('b', 'b', connect);
  assert.equal(made.length, 2);
});

test('a connection is closed when nobody has used it for the idle time', async () => {
  const { pool, made, connect, pass, timers } = setup();
  const first = await pool.acquire('a', 'a', connect);
  const second = await pool.acquire('a', 'a', connect);
  first.release();
  first.release(); // twice counts once
  await pass(5_000);
  assert.ok(made[0]?.isOpen);
  second.release();
  await pass(999);
  const third = await pool.acquire('a', 'a', connect);
  assert.ok(third.reused && !first.reused);
  await pass(5_000);
  assert.ok(made[0]?.isOpen);
  third.release();
  await pass(1_000);
  assert.equal(made[0]?.isOpen, false);
  assert.equal(pool.size, 0);
  assert.equal(timers.size, 0);
});

test('a failed attempt fails all who waited and is tried anew by the next', async () => {
  const { pool, made, connect } = setup();
  const failing = async () => {
    throw new Error('no');
  };
  const both = [1, 2].map(() => pool.acquire('a', 'a', failing));
  const results = await Promise.allSettled(both);
  assert.deepEqual(
    results.map((result) => result.status),
    ['rejected', 'rejected'],
  );
  await pool.acquire('a', 'a', connect);
  assert.equal(made.length, 1);
});

test('a connection that ended is not given to the next', async () => {
  const { pool, made, connect } = setup();
  const first = await pool.acquire('a', 'a', connect);
  await made[0]?.close();
  const second = await pool.acquire('a', 'a', connect);
  assert.notEqual(first.connection, second.connection);
  first.release();
  assert.ok(second.connection.isOpen);
});

test('an invalidated connection is closed at once, a retired one after its last use', async () => {
  const { pool, made, connect } = setup();
  const first = await pool.acquire('a', 'a', connect);
  await pool.invalidate('a');
  assert.equal(made[0]?.isOpen, false);
  const second = await pool.acquire('a', 'a', connect);
  pool.retire('a');
  const third = await pool.acquire('a', 'a', connect);
  assert.ok(second.connection.isOpen);
  first.release();
  second.release();
  await new Promise(setImmediate);
  assert.ok(!second.connection.isOpen && third.connection.isOpen);
  assert.notEqual(third.connection, second.connection);
});

test('an attempt ends when the last who wants it has given up, not before', async () => {
  const { pool } = setup();
  let ended = false;
  const connect = (signal: AbortSignal) =>
    new Promise<FakeConnection>((_resolve, reject) => {
      signal.addEventListener('abort', () => {
        ended = true;
        reject(new Error('aborted'));
      });
    });
  const [one, two] = [new AbortController(), new AbortController()];
  const first = pool.acquire('a', 'a', connect, one.signal);
  const second = pool.acquire('a', 'a', connect, two.signal);
  one.abort();
  await assert.rejects(first, { code: 'SSH_CANCELLED', outcome: 'not-started' });
  assert.equal(ended, false);
  two.abort();
  await assert.rejects(second, { code: 'SSH_CANCELLED' });
  assert.equal(ended, true);
  assert.equal(pool.size, 0);
});

test('a closed pool closes all, also what is still being opened, and gives no more', async () => {
  const { pool, made, connect } = setup();
  await pool.acquire('a', 'a', connect);
  const opening = Promise.withResolvers<FakeConnection>();
  const waiting = pool.acquire('b', 'b', () => opening.promise);
  const closed = pool.close();
  const late = new FakeConnection();
  opening.resolve(late);
  await closed;
  await waiting;
  assert.ok(made.every((connection) => !connection.isOpen) && !late.isOpen);
  await assert.rejects(pool.acquire('a', 'a', connect), { code: 'SSH_CONNECTION_LOST' });
});
