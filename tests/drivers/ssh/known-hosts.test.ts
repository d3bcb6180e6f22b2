import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { generateEd25519, publicKeyLine } from '../../../src/drivers/ssh/keys.ts';
import { knownHostName, parseKnownHosts, pinOf } from '../../../src/drivers/ssh/known-hosts.ts';

const a = generateEd25519('').publicKey;
const b = generateEd25519('').publicKey;

function keysFor(text: string, host: string, port = 22): string[] {
  return pinOf(parseKnownHosts(text).lines, host, port).keys.map(publicKeyLine);
}

test('a key is found by its host name, in any case, and only for its port', () => {
  const text = `# comment\n\nrhodey,10.0.0.1 ${a} someone@somewhere\n[rhodey]:2222 ${b}\n`;
  assert.deepEqual(keysFor(text, 'Rhodey'), [a]);
  assert.deepEqual(keysFor(text, '10.0.0.1'), [a]);
  assert.deepEqual(keysFor(text, 'rhodey', 2222), [b]);
  assert.deepEqual(keysFor(text, 'rhodey', 2223), []);
  assert.deepEqual(keysFor(text, 'rhode'), []);
  assert.equal(knownHostName('Host', 22), 'host');
});

test('names that ssh-keygen has hashed are found', () => {
  const dir = mkdtempSync(join(tmpdir(), 'known-hosts-'));
  const file = join(dir, 'known_hosts');
  writeFileSync(file, `rhodey ${a}\n[rhodey]:2222 ${b}\n`);
  execFileSync('ssh-keygen', ['-q', '-H', '-f', file], { stdio: 'ignore' });
  const hashed = readFileSync(file, 'utf8');
  rmSync(dir, { recursive: true });
  assert.ok(hashed.startsWith('|1|') && !hashed.includes('rhodey'));
  assert.deepEqual(keysFor(hashed, 'rhodey'), [a]);
  assert.deepEqual(keysFor(hashed, 'RHODEY', 2222), [b]);
  assert.deepEqual(keysFor(hashed, 'other'), []);
});

test('wildcards match, and a negation takes back', () => {
  const text = `*.lab,!bad.lab,h?st ${a}`;
  assert.deepEqual(keysFor(text, 'one.lab'), [a]);
  assert.deepEqual(keysFor(text, 'bad.lab'), []);
  assert.deepEqual(keysFor(text, 'host'), [a]);
  assert.deepEqual(keysFor(text, 'hoost'), []);
  assert.deepEqual(keysFor(`* ${a}`, 'x'), [a]);
});

test('a pattern made to be slow is answered at once', () => {
  const text = `${'*a'.repeat(2000)} ${a}`;
  assert.deepEqual(keysFor(text, 'a'.repeat(1999)), []);
});

test('a revoked key is no pin, also when a line pins it', () => {
  const text = `rhodey ${a}\n@revoked * ${a}\nrhodey ${b}`;
  const pin = pinOf(parseKnownHosts(text).lines, 'rhodey', 22);
  assert.deepEqual(pin.keys.map(publicKeyLine), [b]);
  assert.deepEqual(pin.revoked.map(publicKeyLine), [a]);
});

test('a certificate authority is not taken for a host key, and broken lines are counted', () => {
  const text = `@cert-authority * ${a}\n@strange * ${a}\nrhodey ssh-dss AAAA\nrhodey\n`;
  assert.deepEqual(keysFor(text, 'rhodey'), []);
  assert.equal(parseKnownHosts(text).skipped, 3);
});
