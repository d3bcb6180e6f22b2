// SSH public keys as values, and the making of ed25519 key pairs in OpenSSH's file formats.
// A public key is its type and its blob; two keys are the same when their blobs are. A key that
// was parsed here has a known type and a blob that agrees with it, so its text is safe to print.

import { createHash, generateKeyPairSync, randomInt } from 'node:crypto';
import ssh2 from 'ssh2';
import { SshKeyInvalid } from './error.ts';
import { SshReader, sshString, sshUint32 } from './wire.ts';

export interface PublicKey {
  type: string;
  blob: Buffer;
}

export interface KeyPair {
  privateKey: string; // an OpenSSH private key file, unencrypted: a secret
  publicKey: string; // one line: type, blob, comment
}

// Host key types that ssh2 can verify. Others (certificates, security keys) are refused by name.
export const KEY_TYPES: readonly string[] = [
  'ssh-ed25519',
  'ecdsa-sha2-nistp256',
  'ecdsa-sha2-nistp384',
  'ecdsa-sha2-nistp521',
  'ssh-rsa',
];

const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/;
const MAX_LINE = 16_384;

export function parsePublicKey(line: string, what = 'the public key'): PublicKey {
  if (line.length > MAX_LINE) throw new SshKeyInvalid(what, 'it is too long');
  const [type = '', base64 = ''] = line.trim().split(/[ \t]+/);
  if (!KEY_TYPES.includes(type)) {
    throw new SshKeyInvalid(what, `its type is none of ${KEY_TYPES.join(', ')}`);
  }
  if (!BASE64.test(base64)) throw new SshKeyInvalid(what, 'its second word is not base64');
  const blob = Buffer.from(base64, 'base64');
  const inner = blobType(blob, what);
  if (inner !== type) throw new SshKeyInvalid(what, 'its type differs from that in its blob');
  return { type, blob };
}

export function publicKeyOfBlob(blob: Buffer, what = 'the public key'): PublicKey {
  const type = blobType(blob, what);
  if (!KEY_TYPES.includes(type)) throw new SshKeyInvalid(what, 'its type is not supported');
  return { type, blob: Buffer.from(blob) };
}

function blobType(blob: Buffer, what: string): string {
  try {
    const reader = new SshReader(blob);
    const type = reader.string().toString('latin1');
    const value = reader.string();
    if (type === 'ssh-ed25519' && (value.length !== 32 || reader.rest !== 0)) {
      throw new RangeError('an ed25519 key has 32 bytes');
    }
    return type;
  } catch (cause) {
    throw new SshKeyInvalid(what, 'its blob is broken', cause);
  }
}

export function publicKeyLine(key: PublicKey): string {
  return `${key.type} ${key.blob.toString('base64')}`;
}

export function sameKey(a: PublicKey, b: PublicKey): boolean {
  return a.blob.equals(b.blob);
}

// As `ssh-keygen -l` prints it.
export function fingerprint(key: PublicKey): string {
  const digest = createHash('sha256').update(key.blob).digest('base64').replace(/=+$/, '');
  return `SHA256:${digest}`;
}

export function generateEd25519(comment: string): KeyPair {
  if (!/^[\x21-\x7e]{0,200}$/.test(comment)) {
    throw new SshKeyInvalid('the key comment', 'it must be one word of printable ASCII');
  }
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const point = rawHalf(publicKey.export({ format: 'jwk' }).x);
  const seed = rawHalf(privateKey.export({ format: 'jwk' }).d);
  const blob = Buffer.concat([sshString('ssh-ed25519'), sshString(point)]);
  const line = `ssh-ed25519 ${blob.toString('base64')}${comment === '' ? '' : ` ${comment}`}`;
  return { privateKey: opensshPrivateKey(blob, point, seed, comment), publicKey: line };
}

/** The public line of a private key that `generateEd25519` made. */
export function publicLineOf(privateKey: string | Buffer): string {
  const parsed = ssh2.utils.parseKey(privateKey);
  if (parsed instanceof Error) throw new SshKeyInvalid('the private key', 'it cannot be read');
  const comment = parsed.comment === '' ? '' : ` ${parsed.comment}`;
  return `${parsed.type} ${parsed.getPublicSSH().toString('base64')}${comment}`;
}

function rawHalf(base64url: string | undefined): Buffer {
  const raw = Buffer.from(base64url ?? '', 'base64url');
  if (raw.length !== 32) throw new Error('an ed25519 key half has 32 bytes');
  return raw;
}

// The format is described in OpenSSH's PROTOCOL.key.
function opensshPrivateKey(blob: Buffer, point: Buffer, seed: Buffer, comment: string): string {
  const check = sshUint32(randomInt(2 ** 32));
  const plain = Buffer.concat([
    check,
    check,
    blob,
    sshString(Buffer.concat([seed, point])),
    sshString(comment),
  ]);
  const padding = Buffer.from(
    Array.from({ length: (8 - (plain.length % 8)) % 8 }, (_, i) => i + 1),
  );
  const file = Buffer.concat([
    Buffer.from('openssh-key-v1\0'),
    sshString('none'),
    sshString('none'),
    sshString(''),
    sshUint32(1),
    sshString(blob),
    sshString(Buffer.concat([plain, padding])),
  ]);
  const lines = file.toString('base64').match(/.{1,70}/g) ?? [];
  const name = 'OPENSSH PRIVATE KEY';
  return [`-----BEGIN ${name}-----`, ...lines, `-----END ${name}-----`, ''].join('\n');
}
