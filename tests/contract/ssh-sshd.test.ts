// The SSH driver against the real OpenSSH server, as root and as a user who exists only there.

import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { type ConnectionOptions, SshConnection } from '../../src/drivers/ssh/connection.ts';
import { SshError } from '../../src/drivers/ssh/error.ts';
import { generateEd25519, parsePublicKey } from '../../src/drivers/ssh/keys.ts';
import { canStartSshd, type PrivateSshd, startSshd } from '../support/private-sshd.ts';

const skip = canStartSshd() ?? false;
const key = generateEd25519('bench');
const user = { name: 'bench', groups: ['libvirt'], authorizedKeys: [key.publicKey] };

function to(sshd: PrivateSshd, extra: Partial<ConnectionOptions> = {}): ConnectionOptions {
  return {
    endpoint: { host: sshd.address, port: sshd.port, user: 'bench' },
    identity: { kind: 'key', privateKey: key.privateKey, name: 'the test key' },
    pin: { keys: [parsePublicKey(sshd.hostKey)], revoked: [] },
    timeoutMs: 10_000,
    ...extra,
  };
}

const code = (wanted: string) => (error: unknown) => {
  assert.ok(error instanceof SshError, String(error));
  assert.equal(error.code, wanted, error.message);
  return true;
};

describe('a plain sshd', { skip }, () => {
  let sshd: PrivateSshd;
  let connection: SshConnection;
  before(async () => {
    sshd = await startSshd({ users: [user] });
    connection = await SshConnection.connect(to(sshd));
  });
  after(async () => {
    await connection?.close();
    await sshd?.stop();
  });

  test('the user exists there, and only there', async () => {
    const script = 'id -un; id -Gn';
    const { stdout } = await connection.run({ script, timeoutMs: 5_000 });
    assert.equal(stdout, 'bench\nbench libvirt\n');
    assert.throws(() => execFileSync('id', ['bench'], { stdio: 'ignore' }));
  });

  test('output, errors, status and input of a script', async () => {
    const result = await connection.run({
      script: 'cat; echo "$0 $#" >&2; exit 3',
      stdin: 'a\0b\n',
      timeoutMs: 5_000,
    });
    assert.equal(result.stdout, 'a\0b\n');
    assert.equal(result.exitCode, 3);
  });

  test('no secret of a script is in the arguments of any process', async () => {
    const script = "secret='S3CR3T-W0RD'; tr '\\0' ' ' </proc/$$/cmdline; cat /proc/[0-9]*/cmdline";
    const { stdout } = await connection.run({ script, timeoutMs: 5_000 });
    assert.ok(stdout.startsWith('/bin/sh -s'));
    assert.ok(!stdout.includes('S3CR3T'));
  });

  test('a script of a megabyte arrives whole', async () => {
    const script = `x='${'y'.repeat(1_000_000)}'; echo \${#x}`;
    assert.equal((await connection.run({ script, timeoutMs: 20_000 })).stdout, '1000000\n');
  });

  test('a command that closes its output early still gives its status', async () => {
    const script = 'exec >&- 2>&-; sleep 0.3; exit 9';
    assert.equal((await connection.run({ script, timeoutMs: 5_000 })).exitCode, 9);
  });

  test('a signal, a status of 255, a background process', async () => {
    const killed = await connection.run({ script: 'kill -TERM $$', timeoutMs: 5_000 });
    assert.deepEqual([killed.exitCode, killed.signal], [null, 'SIGTERM']);
    const last = await connection.run({ script: 'exit 255', timeoutMs: 5_000 });
    assert.equal(last.exitCode, 255);
    const left = await connection.run({ script: 'sleep 30 & echo done', timeoutMs: 10_000 });
    assert.equal(left.stdout, 'done\n');
  });

  test('a timed-out script costs neither the connection nor, in the end, a session', async () => {
    const runs = Array.from({ length: 8 }, () =>
      assert.rejects(connection.run({ script: 'sleep 3', timeoutMs: 500 }), code('SSH_TIMEOUT')),
    );
    await Promise.all(runs);
    // OpenSSH keeps the sessions until the commands end: more would be refused by it.
    const early = connection.run({ script: 'echo early', timeoutMs: 500 });
    await assert.rejects(early, code('SSH_TIMEOUT'));
    const echo = await connection.run({ script: 'echo on', timeoutMs: 10_000 });
    assert.equal(echo.stdout, 'on\n');
    assert.ok(connection.isOpen);
  });

  test('three hundred megabytes of output', async () => {
    const script = 'head -c 300000000 /dev/zero; echo end';
    const result = await connection.run({ script, timeoutMs: 60_000, maxOutputBytes: 4_096 });
    assert.ok(result.truncated && result.stdout.endsWith('end\n'));
  });

  test('a wrong pinned key is refused before the login: the server has no word of a user', async () => {
    const pinned = parsePublicKey(generateEd25519('').publicKey);
    const began = sshd.log().length;
    const options = to(sshd, { pin: { keys: [pinned], revoked: [] } });
    await assert.rejects(SshConnection.connect(options), code('SSH_HOST_KEY_MISMATCH'));
    const { stdout } = await connection.run({ script: 'sleep 0.2; echo', timeoutMs: 5_000 });
    assert.equal(stdout, '\n');
    assert.doesNotMatch(sshd.log().slice(began), /authenticating user|publickey|Accepted|Failed/i);
  });

  test('a key that is not authorised is refused', async () => {
    const other = generateEd25519('other');
    const identity = { kind: 'key', privateKey: other.privateKey, name: 'other' } as const;
    const options = to(sshd, { identity });
    await assert.rejects(SshConnection.connect(options), code('SSH_AUTH_FAILED'));
  });

  test('the keys of a real agent, all of them and one of many', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'agent-'));
    const socket = join(dir, 'agent.sock');
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: ['ignore', 'pipe', 'ignore'] });
    await new Promise((resolve) => agent.stdout.once('data', resolve));
    const add = (pair: { privateKey: string }) => {
      const env = { ...process.env, SSH_AUTH_SOCK: socket };
      execFileSync('ssh-add', ['-q', '-'], { env, input: pair.privateKey });
    };
    try {
      for (let i = 0; i < 10; i += 1) add(generateEd25519(`other${i}`));
      const all = to(sshd, { identity: { kind: 'agent', socket } });
      const publicKey = parsePublicKey(key.publicKey);
      const one = to(sshd, { identity: { kind: 'agent', socket, publicKey } });
      await assert.rejects(SshConnection.connect(one), code('SSH_IDENTITY_UNUSABLE'));
      add(key);
      // Too many wrong keys come before the right one: the server ends the login.
      await assert.rejects(SshConnection.connect(all), code('SSH_AUTH_FAILED'));
      await (await SshConnection.connect(one)).close();
    } finally {
      agent.kill();
      rmSync(dir, { recursive: true });
    }
    const dead = to(sshd, { identity: { kind: 'agent', socket } });
    await assert.rejects(SshConnection.connect(dead), code('SSH_IDENTITY_UNUSABLE'));
  });

  test('a terminal for a person: typed at, resized, ended with the status of its shell', async () => {
    const size = { rows: 24, columns: 80 };
    const terminal = await connection.terminal({ terminal: { type: 'vt100', size } });
    let text = '';
    const shown = (wanted: RegExp) =>
      new Promise<void>((resolve) => {
        terminal.stream.on('data', (chunk: Buffer) => {
          text += chunk.toString();
          if (wanted.test(text)) resolve();
        });
      });
    const first = shown(/vt100 24 80/);
    terminal.stream.write('echo $TERM $(stty size)\n');
    await first;
    terminal.resize({ rows: 50, columns: 132 });
    terminal.stream.write('stty size; exit 6\n');
    await shown(/50 132/);
    assert.deepEqual(await terminal.exit, { exitCode: 6, signal: null });
    const plain = await connection.terminal({ command: 'echo out; echo err >&2' });
    const [out, err] = await Promise.all([buffer(plain.stream), buffer(plain.stderr)]);
    assert.deepEqual([out.toString(), err.toString()], ['out\n', 'err\n']);
    assert.deepEqual(await plain.exit, { exitCode: 0, signal: null });
  });

  test('a local TCP port, a closed one, and a killed connection', async () => {
    const server = await echoServer({ host: '127.0.0.1', port: 0 });
    const { port } = server.address() as { port: number };
    const own = await SshConnection.connect(to(sshd));
    const stream = await own.forwardTcp('127.0.0.1', port);
    stream.end('hello');
    assert.equal((await buffer(stream)).toString(), 'hello');
    await assert.rejects(own.forwardTcp('127.0.0.1', 1), code('SSH_FORWARD_REFUSED'));
    const broken = await own.forwardTcp('127.0.0.1', port);
    const error = new Promise((resolve) => broken.once('error', resolve));
    const { stdout } = await own.run({ script: 'echo $PPID', timeoutMs: 5_000 });
    sshd.exec(['kill', '-9', stdout.trim()]);
    code('SSH_CONNECTION_LOST')(await error);
    await new Promise((resolve) => server.close(resolve));
  });
});

async function echoServer(at: { path: string } | { host: string; port: number }): Promise<Server> {
  const server = createServer({ allowHalfOpen: true }, (socket) => {
    socket.on('error', () => {});
    socket.pipe(socket);
  });
  await new Promise<void>((resolve) => server.listen(at, resolve));
  return server;
}

test('a unix socket that only the group libvirt may use is reached by its member alone', {
  skip,
}, async () => {
  const dir = mkdtempSync(join(tmpdir(), 'sock-'));
  chmodSync(dir, 0o755);
  const path = join(dir, 'libvirt-sock');
  const server = await echoServer({ path });
  const outsider = { name: 'outsider', authorizedKeys: [key.publicKey] };
  const sshd = await startSshd({ users: [user, outsider] });
  const group = Number(sshd.exec(['getent', 'group', 'libvirt']).split(':')[2]);
  chownSync(path, 0, group);
  chmodSync(path, 0o660);
  const member = await SshConnection.connect(to(sshd));
  const stream = await member.forwardUnix(path);
  stream.end('to libvirt');
  assert.equal((await buffer(stream)).toString(), 'to libvirt');
  const endpoint = { host: sshd.address, port: sshd.port, user: 'outsider' };
  const other = await SshConnection.connect(to(sshd, { endpoint }));
  await assert.rejects(other.forwardUnix(path), code('SSH_FORWARD_REFUSED'));
  await assert.rejects(member.forwardUnix(join(dir, 'absent')), code('SSH_FORWARD_REFUSED'));
  await member.close();
  await other.close();
  await sshd.stop();
  server.close();
  rmSync(dir, { recursive: true });
});

test('a server with MaxSessions 1 serves many scripts, one after the other', { skip }, async () => {
  const sshd = await startSshd({ users: [user], config: { MaxSessions: '1' } });
  const connection = await SshConnection.connect(to(sshd));
  const runs = Array.from({ length: 6 }, (_, i) =>
    connection.run({ script: `echo ${i}`, timeoutMs: 20_000 }),
  );
  const outputs = (await Promise.all(runs)).map((result) => result.stdout.trim());
  assert.deepEqual(outputs, ['0', '1', '2', '3', '4', '5']);
  await connection.close();
  await sshd.stop();
});

test('an account with no shell, and a key with a forced command', { skip }, async () => {
  const sshd = await startSshd({
    users: [
      { ...user, shell: '/usr/sbin/nologin' },
      { name: 'forced', authorizedKeys: [`restrict,command="echo no" ${key.publicKey}`] },
    ],
  });
  for (const name of ['bench', 'forced']) {
    const endpoint = { host: sshd.address, port: sshd.port, user: name };
    const connection = await SshConnection.connect(to(sshd, { endpoint }));
    const run = connection.run({ script: 'echo ran', timeoutMs: 5_000 });
    await assert.rejects(run, code('SSH_SHELL_REFUSED'));
    await connection.close();
  }
  await sshd.stop();
});

test('a login shell that prints, in any language of escape sequences', { skip }, async () => {
  const sshd = await startSshd({ users: [user] });
  const home = join(sshd.dir, 'home-bench');
  mkdirSync(home, { recursive: true });
  writeFileSync(join(home, '.bashrc'), "printf '\\033[2J welcome\\n'; echo warn >&2\n");
  const connection = await SshConnection.connect(to(sshd));
  const result = await connection.run({ script: 'echo "{}"', timeoutMs: 5_000 });
  assert.deepEqual([result.stdout, result.stderr], ['{}\n', '']);
  await connection.close();
  await sshd.stop();
});
