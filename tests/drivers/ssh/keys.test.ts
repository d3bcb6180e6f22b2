import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import ssh2 from 'ssh2';
import {
  fingerprint,
  generateEd25519,
  parsePublicKey,
  publicKeyLine,
  publicKeyOfBlob,
  publicLineOf,
} from '../../../src/drivers/ssh/keys.ts';

let dir = '';
before(() => {
  dir = mkdtempSync(join(tmpdir(), 'ssh-keys-'));
});
after(() => rmSync(dir, { recursive: true }));

test('a generated private key is one that ssh-keygen reads and gives the same public key of', () => {
  for (let i = 0; i < 8; i += 1) {
    // Comments of every length, so that every length of padding occurs.
    const pair = generateEd25519(`c${'x'.repeat(i)}`);
    const file = join(dir, `key-${i}`);
    writeFileSync(file, pair.privateKey, { mode: 0o600 });
    assert.equal(execFileSync('ssh-keygen', ['-yf', file]).toString().trim(), pair.publicKey);
  }
});

test('a generated private key is one that ssh2 reads, signs with and verifies by', () => {
  const pair = generateEd25519('bench');
  const parsed = ssh2.utils.parseKey(pair.privateKey);
  assert.ok(!(parsed instanceof Error));
  assert.ok(parsed.isPrivateKey());
  const publicKey = ssh2.utils.parseKey(pair.publicKey);
  assert.ok(!(publicKey instanceof Error));
  assert.ok(publicKey.verify(Buffer.from('text'), parsed.sign(Buffer.from('text'))));
  assert.ok(!publicKey.verify(Buffer.from('other'), parsed.sign(Buffer.from('text'))));
});

test('two generated keys differ', () => {
  assert.notEqual(generateEd25519('a').publicKey, generateEd25519('a').publicKey);
});

test('a comment that would break the line of a public key is refused', () => {
  assert.throws(() => generateEd25519('two words'), { code: 'SSH_KEY_INVALID' });
  assert.throws(() => generateEd25519('a\nssh-ed25519'), { code: 'SSH_KEY_INVALID' });
});

test('keys of every supported type are read, and have the fingerprint that ssh-keygen prints', () => {
  for (const [type, bits] of [
    ['ed25519', '256'],
    ['rsa', '2048'],
    ['ecdsa', '256'],
    ['ecdsa', '384'],
    ['ecdsa', '521'],
  ] as const) {
    const file = join(dir, `${type}-${bits}`);
    execFileSync('ssh-keygen', ['-q', '-t', type, '-b', bits, '-N', '', '-f', file]);
    const line = readFileSync(`${file}.pub`, 'utf8');
    const key = parsePublicKey(line);
    assert.equal(publicKeyLine(key), line.split(' ').slice(0, 2).join(' '));
    const printed = execFileSync('ssh-keygen', ['-lf', `${file}.pub`]).toString();
    assert.equal(printed.split(' ')[1], fingerprint(key));
    assert.deepEqual(publicKeyOfBlob(key.blob), key);
  }
});

test('what is not a public key is refused', () => {
  const good = generateEd25519('').publicKey;
  const blob = Buffer.from(good.split(' ')[1] ?? '', 'base64');
  const cases = [
    '',
    'ssh-ed25519',
    'ssh-ed25519 !!!!',
    good.replace('ssh-ed25519 ', 'ssh-rsa '),
    `ssh-ed25519 ${blob.subarray(0, 20).toString('base64')}`,
    `ssh-ed25519 ${Buffer.concat([blob, Buffer.from('more')]).toString('base64')}`,
    `ssh-ed25519 ${Buffer.alloc(8, 0xff).toString('base64')}`,
    good.replace('ssh-ed25519', 'ssh-dss'),
    `command="id" ${good}`,
    `ssh-ed25519 ${'A'.repeat(20_000)}`,
  ];
  for (const line of cases) {
    assert.throws(() => parsePublicKey(line), { code: 'SSH_KEY_INVALID' }, line.slice(0, 60));
  }
});

test('the public half is found again in the private one', () => {
  const pair = generateEd25519('benchcluster');
  assert.equal(publicLineOf(pair.privateKey), pair.publicKey);
});
