// Forwarded streams: ordinary streams, except that a lost connection is an error on them.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { Duplex } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { test } from 'node:test';
import type { Connection, ServerChannel } from 'ssh2';
import { SshConnection } from '../../../src/drivers/ssh/connection.ts';
import { SshError, SshForwardRefused } from '../../../src/drivers/ssh/error.ts';
import { connectOptions, type FakeServer, startFakeServer } from './fake-server.ts';

async function forwarding(
  onOpen: (accept: () => ServerChannel, reject: () => void, destination: string) => void,
): Promise<{ server: FakeServer; connection: SshConnection; close: () => Promise<void> }> {
  const server = await startFakeServer({
    onClient: (client: Connection) => {
      client.on('tcpip', (accept, reject, info) =>
        onOpen(accept, () => reject(), `${info.destIP}:${info.destPort}`),
      );
      client.on('openssh.streamlocal' as 'tcpip', (accept, reject, info) =>
        onOpen(accept, () => reject(), (info as unknown as { socketPath: string }).socketPath),
      );
    },
  });
  const connection = await SshConnection.connect(connectOptions(server));
  const close = async () => {
    await connection.close();
    await server.close();
  };
  return { server, connection, close };
}

function echo(accept: () => ServerChannel): void {
  const channel = accept();
  channel.on('error', () => {});
  channel.pipe(channel);
}

test('bytes pass in both directions, and the end of one is the end of the other', async () => {
  const seen: string[] = [];
  const { connection, close } = await forwarding((accept, _reject, destination) => {
    seen.push(destination);
    echo(accept);
  });
  for (const open of [
    () => connection.forwardTcp('10.0.0.7', 22),
    () => connection.forwardUnix('/run/libvirt/libvirt-sock'),
  ]) {
    const stream = await open();
    const data = Buffer.alloc(3_000_000, 'abc');
    stream.end(data);
    assert.ok((await buffer(stream)).equals(data));
  }
  assert.deepEqual(seen, ['10.0.0.7:22', '/run/libvirt/libvirt-sock']);
  await close();
});

test('a refused forward names its destination', async () => {
  const { connection, close } = await forwarding((_accept, reject) => reject());
  await assert.rejects(connection.forwardTcp('10.0.0.7', 22), (error) => {
    assert.ok(error instanceof SshForwardRefused);
    assert.equal(error.destination, '10.0.0.7:22');
    return true;
  });
  await close();
});

test('a forward that is never answered ends at its deadline, and a late one is closed', async () => {
  let late: (() => void) | undefined;
  const closed = Promise.withResolvers<void>();
  const { connection, close } = await forwarding((accept) => {
    late = () => {
      const channel = accept();
      channel.on('close', () => closed.resolve());
      channel.resume();
    };
  });
  await assert.rejects(connection.forwardTcp('10.0.0.7', 22, { timeoutMs: 200 }), {
    code: 'SSH_TIMEOUT',
    outcome: 'not-started',
  });
  assert.ok(connection.isOpen);
  late?.();
  await closed.promise;
  await close();
});

test('a lost connection is an error on its streams, never a clean end', async () => {
  const { server, connection, close } = await forwarding(echo);
  const streams: Duplex[] = [];
  for (let i = 0; i < 3; i += 1) streams.push(await connection.forwardTcp('10.0.0.7', 22));
  const ends = streams.map(async (stream) => {
    stream.on('end', () => assert.fail('it ended as if all had been said'));
    stream.resume();
    const [error] = await once(stream, 'error');
    assert.ok(error instanceof SshError);
    assert.equal(error.code, 'SSH_CONNECTION_LOST');
  });
  for (const socket of server.sockets) socket.destroy();
  await Promise.all(ends);
  await close();
});

test('a destroyed stream closes its channel at the other side', async () => {
  const closed = Promise.withResolvers<void>();
  const { connection, close } = await forwarding((accept) => {
    const channel = accept();
    channel.on('error', () => {});
    channel.resume();
    channel.on('close', () => closed.resolve());
  });
  const stream = await connection.forwardTcp('10.0.0.7', 22);
  stream.write('something');
  stream.destroy();
  await closed.promise;
  await close();
});

test('a reader that stops reading stops the sender', async () => {
  let sent = 0;
  const { connection, close } = await forwarding((accept) => {
    const channel = accept();
    const chunk = Buffer.alloc(64 * 1024);
    const send = () => {
      while (channel.writable && sent < 100e6) {
        sent += chunk.length;
        if (!channel.write(chunk)) break;
      }
    };
    channel.on('error', () => {});
    channel.on('drain', send);
    send();
  });
  const stream = await connection.forwardTcp('10.0.0.7', 22);
  await once(stream, 'readable');
  const settled = async (): Promise<number> => {
    const before = sent;
    await new Promise((resolve) => setTimeout(resolve, 200));
    return before === sent ? sent : await settled();
  };
  assert.ok((await settled()) < 8e6);
  stream.resume();
  while (sent < 100e6) await once(stream, 'data');
  stream.destroy();
  await close();
});

test('a writer waits for a server that does not read', async () => {
  const { server, connection, close } = await forwarding((accept) => {
    accept().on('error', () => {});
  });
  const stream = await connection.forwardTcp('10.0.0.7', 22);
  stream.on('error', () => {});
  let written = 0;
  const chunk = Buffer.alloc(64 * 1024);
  while (stream.write(chunk)) written += chunk.length;
  assert.ok(written < 10e6);
  for (const socket of server.sockets) socket.destroy();
  await new Promise((resolve) => stream.once('close', resolve));
  await close();
});
