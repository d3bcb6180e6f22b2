// Who is let in by whom: the pinned host key before anything else, then our own key.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { SshConnection } from '../../../src/drivers/ssh/connection.ts';
import {
  SshAuthFailed,
  SshHostKeyMismatch,
  SshHostKeyUnknown,
} from '../../../src/drivers/ssh/error.ts';
import { fingerprint, generateEd25519, parsePublicKey } from '../../../src/drivers/ssh/keys.ts';
import { parseKnownHosts, pinOf } from '../../../src/drivers/ssh/known-hosts.ts';
import {
  clientKey,
  connectOptions,
  rejected,
  startFakeServer,
  startRawServer,
} from './fake-server.ts';

test('another host key than the pinned one ends the connection before any login', async () => {
  const server = await startFakeServer();
  const pinned = parsePublicKey(generateEd25519('').publicKey);
  const pin = { keys: [pinned], revoked: [], file: '/home/me/known hosts' };
  const error = await rejected(connectOptions(server, { pin }));
  assert.ok(error instanceof SshHostKeyMismatch);
  assert.deepEqual(error.expected, [fingerprint(pinned)]);
  assert.equal(error.presented, fingerprint(parsePublicKey(server.hostKey.publicKey)));
  assert.match(error.hint, /ssh-keygen -R '\[127\.0\.0\.1\]:\d+' -f '\/home\/me\/known hosts'/);
  assert.equal(server.authAttempts, 0);
  await server.close();
});

test('a server that has no key of the pinned type is a mismatch too, not a riddle', async () => {
  const server = await startFakeServer();
  const rsa = ssh2RsaKey();
  const error = await rejected(connectOptions(server, { pin: { keys: [rsa], revoked: [] } }));
  assert.ok(error instanceof SshHostKeyMismatch);
  assert.equal(server.authAttempts, 0);
  await server.close();
});

function ssh2RsaKey() {
  const dir = mkdtempSync(join(tmpdir(), 'ssh-rsa-'));
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-N', '', '-f', join(dir, 'k')]);
  const key = parsePublicKey(readFileSync(join(dir, 'k.pub'), 'utf8'));
  rmSync(dir, { recursive: true });
  return key;
}

test('a revoked host key is refused although it is pinned', async () => {
  const server = await startFakeServer();
  const key = parsePublicKey(server.hostKey.publicKey);
  const error = await rejected(connectOptions(server, { pin: { keys: [key], revoked: [key] } }));
  assert.ok(error instanceof SshHostKeyMismatch && error.revoked);
  assert.equal(server.authAttempts, 0);
  await server.close();
});

test('an unknown host key is refused, and the error has the command that pins it', async () => {
  const server = await startFakeServer();
  const dir = mkdtempSync(join(tmpdir(), 'ssh pin-'));
  const file = join(dir, "known'hosts");
  const unknown = { keys: [], revoked: [], file };
  const error = await rejected(connectOptions(server, { pin: unknown }));
  assert.ok(error instanceof SshHostKeyUnknown);
  assert.equal(server.authAttempts, 0);
  execFileSync('sh', ['-c', error.pinCommand]);
  const lines = parseKnownHosts(readFileSync(file, 'utf8')).lines;
  const pin = pinOf(lines, '127.0.0.1', server.port);
  await (await SshConnection.connect(connectOptions(server, { pin }))).close();
  rmSync(dir, { recursive: true });
  await server.close();
});

test('a refused key is an error that names the user and the offered key', async () => {
  const server = await startFakeServer({ onAuth: (context) => context.reject() });
  const error = await rejected(connectOptions(server));
  assert.ok(error instanceof SshAuthFailed);
  assert.equal(error.user, 'bench');
  assert.deepEqual(error.offered, [fingerprint(parsePublicKey(clientKey.publicKey))]);
  await server.close();
});

test('a login that is never answered ends at the deadline', async () => {
  const server = await startFakeServer({ onAuth: () => {} });
  const error = await rejected(connectOptions(server, { timeoutMs: 500 }));
  assert.equal(error.code, 'SSH_TIMEOUT');
  assert.match(error.message, /auth/);
  await server.close();
});

test('a login that only ever succeeds in part ends at once', async () => {
  const server = await startFakeServer({
    onAuth: (context) => context.reject(['publickey', 'password'], true),
  });
  const error = await rejected(connectOptions(server));
  assert.equal(error.code, 'SSH_AUTH_FAILED');
  await server.close();
});

test('a private key that is encrypted or broken is told before anything is sent', async () => {
  const server = await startFakeServer();
  for (const privateKey of ['no key', clientKey.publicKey]) {
    const identity = { kind: 'key', privateKey, name: '/home/me/key' } as const;
    const error = await rejected(connectOptions(server, { identity }));
    assert.equal(error.code, 'SSH_IDENTITY_UNUSABLE');
    assert.match(error.message, /\/home\/me\/key/);
  }
  assert.equal(server.clients.length, 0);
  await server.close();
});

test('nobody listens', async () => {
  const server = await startRawServer(() => {});
  await server.close();
  const error = await rejected(connectOptions({ port: server.port }));
  assert.equal(error.code, 'SSH_UNREACHABLE');
});
