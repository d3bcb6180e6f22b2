// The guest runner's promises, on servers in this process that answer for the machine's UUID.

import assert from 'node:assert/strict';
import { connect } from 'node:net';
import { test } from 'node:test';
import { type GuestTarget, PortError } from '../../../src/controllers/ports.ts';
import { SshGuestRunner } from '../../../src/drivers/ssh/guest-runner.ts';
import {
  clientKey,
  type FakeServer,
  onScript,
  runInShell,
  startFakeServer,
} from './fake-server.ts';

const UUID = '3f2b8c1e-0000-4000-8000-00000000abcd';

interface Guest {
  server: FakeServer;
  scripts: string[];
  target: GuestTarget;
}

// A guest that answers the question for its product UUID and runs all else in a shell.
async function startGuest(uuid: string | undefined): Promise<Guest> {
  const scripts: string[] = [];
  const server = await startFakeServer({
    onExec: (open, info) => {
      const channel = open();
      let text = '';
      channel.on('data', (chunk: Buffer) => {
        text += chunk.toString();
      });
      channel.on('end', () => scripts.push(text));
      if (scripts.length > 0) return runInShell(channel, info.command);
      onScript(channel, (marker) => {
        channel.write(`${marker}${uuid ?? ''}\n`);
        if (uuid === undefined) channel.stderr.write(`${marker}sudo: a password is required\n`);
        channel.exit(uuid === undefined ? 1 : 0);
        channel.end();
      });
    },
  });
  const target: GuestTarget = {
    host: 'rhodey',
    node: 'slurm-a-compute-0',
    uuid: UUID,
    address: '10.0.0.7',
    user: 'root',
    hostKey: server.hostKey.publicKey,
  };
  return { server, scripts, target };
}

function runnerTo(port: () => number): { runner: SshGuestRunner; dials: string[] } {
  const dials: string[] = [];
  const runner = new SshGuestRunner({
    identity: async () => ({ kind: 'key', privateKey: clientKey.privateKey, name: 'test key' }),
    dialGuest: async (host, address, guestPort) => {
      dials.push(`${host} ${address}:${guestPort}`);
      return connect({ host: '127.0.0.1', port: port() });
    },
    handshakeMs: 5_000,
  });
  return { runner, dials };
}

const signal = new AbortController().signal;
const options = { timeoutMs: 5_000, signal };
const fails = (code: string, cause: string) => (error: unknown) => {
  assert.ok(error instanceof PortError, String(error));
  assert.equal(error.code, code, error.message);
  assert.equal((error.cause as { code?: unknown }).code, cause, String(error.cause));
  return true;
};

test('one connection serves many scripts, and the machine is proven first, once', async () => {
  const guest = await startGuest(UUID.toUpperCase());
  const { runner, dials } = runnerTo(() => guest.server.port);
  const first = await runner.run(guest.target, 'echo one; exit 4', options);
  assert.deepEqual(first, { exitCode: 4, stdout: 'one\n', stderr: '' });
  await Promise.all([1, 2].map(() => runner.run(guest.target, 'true', options)));
  assert.deepEqual(dials, ['rhodey 10.0.0.7:22']);
  assert.match(guest.scripts[0] ?? '', /product_uuid/);
  assert.equal(guest.scripts.filter((script) => script.includes('product_uuid')).length, 1);
  const killed = await runner.run(guest.target, 'kill -KILL $$', options);
  assert.equal(killed.exitCode, 137);
  await runner.close();
  await guest.server.close();
});

test('output that is too long says so, since what is left of it reads like a whole answer', async () => {
  const guest = await startGuest(UUID);
  const { runner } = runnerTo(() => guest.server.port);
  const script = 'echo first; head -c 20000 /dev/zero | tr "\\0" x; echo; echo last';
  const result = await runner.run(guest.target, script, { ...options, maxOutputBytes: 1_000 });
  assert.equal(result.truncated, true);
  assert.match(result.stdout, /^first\n.*\nlast\n$/s);
  await runner.close();
  await guest.server.close();
});

test('on another machine not a single command of ours runs', async () => {
  const guest = await startGuest('3f2b8c1e-0000-4000-8000-00000000ffff');
  const { runner } = runnerTo(() => guest.server.port);
  const run = runner.run(guest.target, 'touch /must-not-exist', options);
  await assert.rejects(run, fails('unreachable', 'WRONG_MACHINE'));
  assert.equal(guest.server.commands.length, 1);
  await runner.close();
  await guest.server.close();
});

test('a machine that does not say who it is gets no command, and the error says what to do', async () => {
  const guest = await startGuest(undefined);
  const { runner } = runnerTo(() => guest.server.port);
  await assert.rejects(runner.run(guest.target, 'true', options), (error: unknown) => {
    assert.ok(error instanceof PortError);
    assert.match(error.message, /a password is required.*sudo -n cat/s);
    return fails('failed', 'MACHINE_UNIDENTIFIED')(error);
  });
  await runner.close();
  await guest.server.close();
});

test('another host key than the one read over the agent is refused before the login', async () => {
  const guest = await startGuest(UUID);
  const other = await startGuest(UUID);
  const { runner } = runnerTo(() => other.server.port);
  const run = runner.run(guest.target, 'true', options);
  await assert.rejects(run, fails('unreachable', 'SSH_HOST_KEY_MISMATCH'));
  assert.equal(other.server.authAttempts, 0);
  await runner.close();
  await guest.server.close();
  await other.server.close();
});

test('after a connection was lost the next script gets a new, proven one', async () => {
  const guest = await startGuest(UUID);
  const { runner, dials } = runnerTo(() => guest.server.port);
  await runner.run(guest.target, 'true', options);
  guest.scripts.length = 0;
  for (const socket of guest.server.sockets) socket.destroy();
  assert.equal((await runner.run(guest.target, 'echo again', options)).stdout, 'again\n');
  assert.equal(dials.length, 2);
  assert.match(guest.scripts[0] ?? '', /product_uuid/);
  runner.forget(UUID.toUpperCase());
  guest.scripts.length = 0;
  await runner.run(guest.target, 'true', options);
  assert.equal(dials.length, 3);
  await runner.close();
  await guest.server.close();
});

test('a script that may have run is not run again: the outcome is a timeout', async () => {
  const guest = await startGuest(UUID);
  const { runner, dials } = runnerTo(() => guest.server.port);
  await runner.run(guest.target, 'true', options);
  const run = runner.run(guest.target, 'sleep 60', { timeoutMs: 300, signal });
  await assert.rejects(run, fails('timeout', 'SSH_TIMEOUT'));
  // The server proves its machine to the first script that it has not seen any before: so the one
  // that was given up must have arrived.
  while (guest.scripts.length < 2) await new Promise((resolve) => setTimeout(resolve, 5));
  guest.scripts.length = 0;
  await runner.run(guest.target, 'true', options);
  // The connection on which a command was left behind is not used again.
  assert.equal(dials.length, 2);
  await runner.close();
  await guest.server.close();
});

test('a guest that does not answer, and a caller that gives up', async () => {
  const { runner } = runnerTo(() => 1);
  const guest = await startGuest(UUID);
  const refused = runner.run(guest.target, 'true', options);
  await assert.rejects(refused, fails('unreachable', 'SSH_UNREACHABLE'));
  const silent = new SshGuestRunner({
    identity: async () => ({ kind: 'key', privateKey: clientKey.privateKey, name: 'test key' }),
    dialGuest: (_host, _address, _port, aborted) =>
      new Promise((_resolve, reject) => {
        aborted.addEventListener('abort', () => reject(new Error('aborted')));
      }),
  });
  const late = silent.run(guest.target, 'true', { timeoutMs: 200, signal });
  await assert.rejects(late, fails('unreachable', 'SSH_TIMEOUT'));
  const given = AbortSignal.timeout(100);
  const cancelled = silent.run(guest.target, 'true', { timeoutMs: 10_000, signal: given });
  await assert.rejects(cancelled, fails('cancelled', 'SSH_CANCELLED'));
  await runner.close();
  await silent.close();
  await guest.server.close();
});
