// Servers that are broken, hostile or not the one that was meant: every one of them ends in a typed
// error within its deadline, with bounded memory, and learns nothing that it should not.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SshConnection } from '../../../src/drivers/ssh/connection.ts';
import { SshError, SshOutcomeUnknown } from '../../../src/drivers/ssh/error.ts';
import {
  connectOptions,
  type FakeServerOptions,
  onScript,
  rejected,
  runInShell,
  startFakeServer,
  startRawServer,
} from './fake-server.ts';

const code = (wanted: string, outcome?: string) => (error: unknown) => {
  assert.ok(error instanceof SshError, String(error));
  assert.equal(error.code, wanted);
  if (outcome !== undefined) assert.equal(error.outcome, outcome);
  assert.ok(error.hint.length > 10);
  return true;
};

const endless: Record<string, Buffer> = {
  'endless lines': Buffer.from('all our operators are busy\r\n'.repeat(2_000)),
  'one endless line': Buffer.alloc(64 * 1024, 'x'),
  'random noise': Buffer.from(Array.from({ length: 64 * 1024 }, (_, i) => (i * 7919) % 256)),
};
for (const [what, chunk] of Object.entries(endless)) {
  test(`a banner of ${what} ends in time and in bounded memory`, async () => {
    const server = await startRawServer((socket) => {
      const send = () => {
        while (socket.writable && socket.write(chunk));
      };
      socket.on('drain', send);
      send();
    });
    const before = process.memoryUsage().rss;
    const error = await rejected(connectOptions({ port: server.port }, { timeoutMs: 1_500 }));
    assert.ok(['SSH_UNREACHABLE', 'SSH_TIMEOUT', 'SSH_PROTOCOL_ABUSED'].includes(error.code));
    assert.ok(process.memoryUsage().rss - before < 120e6);
    await server.close();
  });
}

test('a banner that drips for ever ends at the deadline', async () => {
  const server = await startRawServer((socket) => {
    const timer = setInterval(() => socket.write('.\r\n'), 10);
    socket.once('close', () => clearInterval(timer));
  });
  const error = await rejected(connectOptions({ port: server.port }, { timeoutMs: 500 }));
  assert.equal(error.code, 'SSH_TIMEOUT');
  await server.close();
});

test('a handshake that is cancelled ends at once and leaves no socket', async () => {
  let closed = () => {};
  const gone = new Promise<void>((resolve) => {
    closed = resolve;
  });
  const server = await startRawServer((socket) => {
    socket.resume();
    socket.once('close', () => closed());
  });
  const signal = AbortSignal.timeout(100);
  const error = await rejected(connectOptions({ port: server.port }, { signal }));
  assert.equal(error.code, 'SSH_CANCELLED');
  await gone;
  await server.close();
});

async function runAgainst(
  options: FakeServerOptions,
  timeoutMs = 3_000,
): Promise<{ error: unknown; connection: SshConnection; close: () => Promise<void> }> {
  const server = await startFakeServer(options);
  const connection = await SshConnection.connect(connectOptions(server));
  const error = await connection.run({ script: 'true', timeoutMs }).then(
    () => undefined,
    (reason: unknown) => reason,
  );
  const close = async () => {
    await connection.close();
    await server.close();
  };
  return { error, connection, close };
}

test('a channel that closes without an exit status leaves the outcome unknown', async () => {
  const { error, close } = await runAgainst({
    onExec: (open) => {
      const channel = open();
      onScript(channel, (marker) => {
        channel.write(marker);
        channel.stderr.write(`${marker}half \u001b]0;title\u0007done`);
        channel.end();
      });
    },
  });
  assert.ok(error instanceof SshOutcomeUnknown);
  assert.equal(error.outcome, 'unknown');
  assert.equal(error.stderr, 'half \\x1b]0;title\\x07done');
  await close();
});

test('a connection that drops in the middle of a command leaves the outcome unknown', async () => {
  const server = await startFakeServer({
    onExec: (open) => {
      const channel = open();
      onScript(channel, (marker) => {
        channel.write(marker);
        for (const socket of server.sockets) socket.resetAndDestroy();
      });
    },
  });
  const connection = await SshConnection.connect(connectOptions(server));
  const run = connection.run({ script: 'true', timeoutMs: 3_000 });
  await assert.rejects(run, code('SSH_OUTCOME_UNKNOWN', 'unknown'));
  assert.equal(connection.isOpen, false);
  await server.close();
});

test('a server that never opens the session is given up, and nothing was started', async () => {
  const { error, close } = await runAgainst({ onSession: () => {} }, 500);
  code('SSH_TIMEOUT', 'not-started')(error);
  await close();
});

test('a command that is never closed costs its session only', async () => {
  const held: string[] = [];
  const server = await startFakeServer({
    onExec: (open, info) => {
      if (held.length > 0) return runInShell(open(), info.command);
      held.push(info.command);
      // Private to ssh2: its server answers every close by itself.
      const channel = open() as unknown as { _client: { _protocol: object } };
      Object.assign(channel._client._protocol, { channelClose: () => {} });
    },
  });
  const options = connectOptions(server, { maxSessions: 2 });
  const connection = await SshConnection.connect(options);
  const lost = connection.run({ script: 'true', timeoutMs: 300 });
  await assert.rejects(lost, code('SSH_TIMEOUT', 'unknown'));
  const first = connection.run({ script: 'sleep 0.3; echo 1', timeoutMs: 3_000 });
  const second = connection.run({ script: 'echo 2', timeoutMs: 200 });
  await assert.rejects(second, code('SSH_TIMEOUT', 'not-started'));
  assert.equal((await first).stdout, '1\n');
  await connection.close();
  await server.close();
});

test('a silent connection is noticed by keepalive', async () => {
  const server = await startFakeServer();
  const connection = await SshConnection.connect(connectOptions(server, { keepaliveMs: 50 }));
  for (const socket of server.sockets) socket.pause();
  const error = await new Promise<SshError>((resolve) => connection.onClose(resolve));
  assert.equal(error.code, 'SSH_CONNECTION_LOST');
  await server.close();
});

test('a server that sends more than we let it ends the connection in bounded memory', async () => {
  const chunk = Buffer.alloc(30_001);
  const server = await startFakeServer({
    onClient: (client) => {
      client.on('tcpip', (accept) => {
        const channel = accept();
        channel.on('error', () => {});
        // Private to ssh2: its server would honour our window, as it should.
        (channel as unknown as { outgoing: { window: number } }).outgoing.window = 2 ** 40;
        const [socket] = server.sockets;
        const flood = setInterval(() => {
          for (let i = 0; i < 100 && (socket?.writableLength ?? 0) < 4e6; i += 1) {
            channel.write(chunk);
          }
        }, 1);
        client.on('close', () => clearInterval(flood));
      });
    },
  });
  const connection = await SshConnection.connect(connectOptions(server));
  const before = process.memoryUsage().rss;
  const stream = await connection.forwardTcp('10.0.0.7', 22);
  stream.on('error', () => {});
  const error = await new Promise<SshError>((resolve) => connection.onClose(resolve));
  assert.equal(error.code, 'SSH_PROTOCOL_ABUSED');
  assert.ok(process.memoryUsage().rss - before < 200e6);
  await server.close();
});
