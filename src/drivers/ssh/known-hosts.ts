// Reads OpenSSH's known_hosts format: which keys are pinned for a host, and which are revoked.
// Plain, wildcard, negated and hashed host names are understood as ssh(1) understands them.
// Lines that it cannot use (certificate authorities, unknown key types, broken text) are counted
// as skipped and never taken for a pin. It reads text only; the file is someone else's.

import { createHmac, timingSafeEqual } from 'node:crypto';
import { type PublicKey, parsePublicKey, sameKey } from './keys.ts';

export interface KnownHostLine {
  marker: '' | 'revoked' | 'cert-authority';
  hosts: readonly string[]; // patterns; a hashed line has exactly one that begins with `|1|`
  key: PublicKey;
}

export interface HostKeyPin {
  keys: readonly PublicKey[];
  revoked: readonly PublicKey[];
}

export function parseKnownHosts(text: string): { lines: KnownHostLine[]; skipped: number } {
  const lines: KnownHostLine[] = [];
  let skipped = 0;
  for (const raw of text.split(/\r?\n/)) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const parsed = parseLine(line);
    if (parsed === undefined) skipped += 1;
    else lines.push(parsed);
  }
  return { lines, skipped };
}

function parseLine(line: string): KnownHostLine | undefined {
  const words = line.split(/[ \t]+/);
  const first = words[0] ?? '';
  const marked = first.startsWith('@');
  const marker = marked ? first.slice(1) : '';
  if (marker !== '' && marker !== 'revoked' && marker !== 'cert-authority') return undefined;
  const [hosts = '', ...rest] = marked ? words.slice(1) : words;
  try {
    return { marker, hosts: hosts.split(','), key: parsePublicKey(rest.join(' ')) };
  } catch {
    return undefined;
  }
}

// OpenSSH writes a port other than 22 as `[host]:port`.
export function knownHostName(host: string, port: number): string {
  const name = host.toLowerCase();
  return port === 22 ? name : `[${name}]:${port}`;
}

export function pinOf(lines: readonly KnownHostLine[], host: string, port: number): HostKeyPin {
  const name = knownHostName(host, port);
  const matching = lines.filter((line) => matches(line.hosts, name));
  const revoked = matching.filter((line) => line.marker === 'revoked').map((line) => line.key);
  const keys = matching
    .filter((line) => line.marker === '')
    .map((line) => line.key)
    .filter((key) => !revoked.some((bad) => sameKey(bad, key)));
  return { keys, revoked };
}

function matches(patterns: readonly string[], name: string): boolean {
  let found = false;
  for (const pattern of patterns) {
    if (pattern.startsWith('|1|')) found ||= hashMatches(pattern, name);
    else if (pattern.startsWith('!')) {
      if (globMatches(pattern.slice(1), name)) return false;
    } else found ||= globMatches(pattern, name);
  }
  return found;
}

function hashMatches(pattern: string, name: string): boolean {
  const [, , salt = '', hash = ''] = pattern.split('|');
  const expected = Buffer.from(hash, 'base64');
  const actual = createHmac('sha1', Buffer.from(salt, 'base64')).update(name).digest();
  return expected.length === actual.length && timingSafeEqual(expected, actual);
}

// Linear in pattern times name: a regular expression made of `*` could be made to run for ever.
function globMatches(pattern: string, name: string): boolean {
  const wanted = pattern.toLowerCase();
  let at = 0;
  let star = -1;
  let resume = 0;
  let i = 0;
  while (i < name.length) {
    const character = wanted[at];
    if (character === '*') {
      star = at;
      resume = i;
      at += 1;
    } else if (character === '?' || character === name[i]) {
      at += 1;
      i += 1;
    } else if (star !== -1) {
      resume += 1;
      i = resume;
      at = star + 1;
    } else return false;
  }
  while (wanted[at] === '*') at += 1;
  return at === wanted.length;
}
