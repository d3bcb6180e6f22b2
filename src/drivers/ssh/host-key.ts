// The verdict on the host key that a server shows: pinned, unknown, changed or revoked.
// ssh2 asks in the key exchange, before anything about the user has been sent; a connection whose
// key is not pinned gets no further. There is no trust on first use: an unknown key becomes an
// error that names the command by which a person pins it.

import type { ServerHostKeyAlgorithm } from 'ssh2';
import { quote } from '../../lib/quote.ts';
import { type SshError, SshHostKeyMismatch, SshHostKeyUnknown } from './error.ts';
import { fingerprint, type PublicKey, publicKeyLine, publicKeyOfBlob, sameKey } from './keys.ts';
import { type HostKeyPin, knownHostName } from './known-hosts.ts';

export interface PinnedHost extends HostKeyPin {
  file?: string; // the known_hosts file that a person would add a key to
}

export function judgeHostKey(
  blob: Buffer,
  pin: PinnedHost,
  at: { name: string; host: string; port: number },
): SshError | undefined {
  const key = publicKeyOfBlob(blob, `the host key of ${at.name}`);
  const revoked = pin.revoked.some((bad) => sameKey(bad, key));
  if (!revoked && pin.keys.some((good) => sameKey(good, key))) return undefined;
  if (revoked || pin.keys.length > 0) {
    const expected = pin.keys.map(fingerprint);
    const found = { expected, presented: fingerprint(key), revoked };
    return new SshHostKeyMismatch(at.name, found, mismatchHint(pin, at));
  }
  const line = publicKeyLine(key);
  const entry = `${knownHostName(at.host, at.port)} ${line}`;
  const command = `printf '%s\\n' ${quote(entry)} >> ${quote(pin.file ?? 'known_hosts')}`;
  const compare = `ssh-keygen -lf /etc/ssh/ssh_host_${fileKind(key)}_key.pub`;
  const hint = `compare it with "${compare}" on ${at.name}, then pin it: ${command}`;
  return new SshHostKeyUnknown(at.name, { fingerprint: fingerprint(key), line }, { command, hint });
}

function mismatchHint(pin: PinnedHost, at: { host: string; port: number; name: string }): string {
  const found = `either ${at.name} was set up anew, or somebody answers in its place`;
  if (pin.file === undefined) return found;
  const remove = `ssh-keygen -R ${quote(knownHostName(at.host, at.port))} -f ${quote(pin.file)}`;
  return `${found}; once you know that it was set up anew: ${remove}, then pin the new key`;
}

function fileKind(key: PublicKey): string {
  if (key.type === 'ssh-ed25519') return 'ed25519';
  return key.type === 'ssh-rsa' ? 'rsa' : 'ecdsa';
}

// The types of the pinned keys come first, so that a server with several keys shows the pinned
// one. The others follow: a server that has only those must be told apart from one that is down.
// ssh-rsa with SHA-1 and DSA are not offered at all.
export function hostKeyAlgorithms(pinned: readonly PublicKey[]): ServerHostKeyAlgorithm[] {
  const byType: readonly [string, ServerHostKeyAlgorithm[]][] = [
    ['ssh-ed25519', ['ssh-ed25519']],
    ['ecdsa-sha2-nistp256', ['ecdsa-sha2-nistp256']],
    ['ecdsa-sha2-nistp384', ['ecdsa-sha2-nistp384']],
    ['ecdsa-sha2-nistp521', ['ecdsa-sha2-nistp521']],
    ['ssh-rsa', ['rsa-sha2-512', 'rsa-sha2-256']],
  ];
  const isPinned = (type: string) => pinned.some((key) => key.type === type);
  return [
    ...byType.filter(([type]) => isPinned(type)),
    ...byType.filter(([type]) => !isPinned(type)),
  ].flatMap(([, algorithms]) => algorithms);
}
