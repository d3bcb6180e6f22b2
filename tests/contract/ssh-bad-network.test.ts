// Networks as they are on a bad day: slow and uneven, and gone without a word.

import assert from 'node:assert/strict';
import { Duplex, PassThrough, Transform } from 'node:stream';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ConnectionOptions, SshConnection } from '../../src/drivers/ssh/connection.ts';
import { SshError } from '../../src/drivers/ssh/error.ts';
import { generateEd25519, parsePublicKey } from '../../src/drivers/ssh/keys.ts';
import { canStartSshd, type PrivateSshd, startSshd } from '../support/private-sshd.ts';

const key = generateEd25519('bench');
const skip = canStartSshd() ?? false;

async function withSshd(
  use: (sshd: PrivateSshd, options: () => Promise<ConnectionOptions>) => Promise<void>,
): Promise<void> {
  const users = [{ name: 'bench', authorizedKeys: [key.publicKey] }];
  const sshd = await startSshd({ users, ownNetwork: true });
  const options = async (): Promise<ConnectionOptions> => ({
    endpoint: { host: 'far-away', port: 22, user: 'bench' },
    identity: { kind: 'key', privateKey: key.privateKey, name: 'the test key' },
    pin: { keys: [parsePublicKey(sshd.hostKey)], revoked: [] },
    stream: await sshd.dial(),
    // Long enough that a busy machine is not taken for a dead line.
    keepaliveMs: 1_500,
  });
  try {
    await use(sshd, options);
  } finally {
    await sshd.stop();
  }
}

// Delays of 50 to 150 ms each way, in an order that repeats.
function uneven(stream: Duplex): Duplex {
  let turn = 0;
  const slow = () =>
    new Transform({
      transform(chunk, _encoding, done) {
        turn += 1;
        void sleep(50 + ((turn * 37) % 100)).then(() => done(null, chunk));
      },
    });
  const writable = new PassThrough();
  writable.pipe(slow()).pipe(stream);
  return Duplex.from({ readable: stream.pipe(slow()), writable });
}

test('over a slow and uneven line all arrives', { skip }, () =>
  withSshd(async (_sshd, options) => {
    const usual = await options();
    assert.ok(usual.stream);
    const line = { ...usual, stream: uneven(usual.stream), keepaliveMs: 10_000 };
    const connection = await SshConnection.connect(line);
    const script = 'wc -c; head -c 30000 /dev/zero | tr "\\0" x';
    const runs = [1, 2].map(() =>
      connection.run({ script, stdin: Buffer.alloc(30_000), timeoutMs: 60_000 }),
    );
    for (const result of await Promise.all(runs)) {
      assert.equal(result.stdout, `30000\n${'x'.repeat(30_000)}`);
    }
    await connection.close();
  }),
);

test('a line that goes dead in the middle of a command is noticed by itself', { skip }, () =>
  withSshd(async (sshd, options) => {
    const connection = await SshConnection.connect(await options());
    const run = connection.run({ script: 'sleep 60', timeoutMs: 30_000 });
    const ended = assert.rejects(run, (error) => {
      assert.ok(error instanceof SshError);
      assert.equal(error.code, 'SSH_OUTCOME_UNKNOWN', error.message);
      return true;
    });
    const stream = await connection.forwardTcp('127.0.0.1', sshd.port);
    // A command that began after it has ended: so that one has begun too.
    await connection.run({ script: 'true', timeoutMs: 30_000 });
    const lost = new Promise((resolve) => stream.once('error', resolve));
    sshd.exec(['ip', 'link', 'set', 'lo', 'down']);
    await ended;
    const error = await lost;
    assert.ok(error instanceof SshError && error.code === 'SSH_CONNECTION_LOST');
    assert.equal(connection.isOpen, false);
  }),
);

test('a server that cannot be reached at all ends at the deadline', { skip }, () =>
  withSshd(async (sshd, options) => {
    sshd.exec(['ip', 'link', 'set', 'lo', 'down']);
    const connect = SshConnection.connect({ ...(await options()), timeoutMs: 1_000 });
    await assert.rejects(connect, (error) => {
      assert.ok(error instanceof SshError);
      assert.equal(error.code, 'SSH_TIMEOUT');
      return true;
    });
  }),
);
