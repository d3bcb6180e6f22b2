/** What a guest says is bounded, strict, and never more than what was asked. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Guests } from '../../../src/drivers/libvirt/guest.ts';
import type { Caller } from '../../../src/libvirt/caller.ts';
import { AgentCalls } from '../../../src/libvirt/calls/agent.ts';
import { DomainDetailCalls } from '../../../src/libvirt/calls/domain-details.ts';
import { ConnectionLost, LibvirtError } from '../../../src/libvirt/error.ts';
import { fails } from '../../contract/hypervisor-suite.ts';

const uuid = 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11';
const key = `ssh-ed25519 ${Buffer.concat([
  Buffer.from('0000000b7373682d6564323535313900000020', 'hex'),
  Buffer.alloc(32, 7),
]).toString('base64')}`;
const signal = AbortSignal.timeout(5000);

function refused(number: number): LibvirtError {
  return new LibvirtError({ number, domain: 10, message: 'refused', errno: 0, procedure: 'x' });
}

/** Answers each call by a function of its arguments. */
function guestsWith(answer: (args: Record<string, unknown>) => unknown): Guests {
  const caller: Caller = {
    call: async <A, R>(_: unknown, args: A) => answer(args as Record<string, unknown>) as R,
    openStream: () => Promise.reject(new Error('no stream is opened here')),
  };
  const calls = { agent: new AgentCalls(caller), details: new DomainDetailCalls(caller) };
  return new Guests(calls);
}

function agentWith(file: unknown, executed: string[] = []): Guests {
  return guestsWith(({ command }) => {
    const { execute } = JSON.parse(String(command)) as { execute: string };
    executed.push(execute);
    const result = { 'guest-file-open': 1000, 'guest-file-read': file, 'guest-file-close': {} };
    return JSON.stringify({ return: result[execute as keyof typeof result] });
  });
}

test('the host key is read, closed, and given without its comment', async () => {
  const executed: string[] = [];
  const file = { count: 99, 'buf-b64': Buffer.from(`${key} root@guest\n`).toString('base64') };
  assert.equal(await agentWith(file, executed).hostKey(uuid, signal), key);
  assert.deepEqual(executed, ['guest-file-open', 'guest-file-read', 'guest-file-close']);
});

test('what is no ed25519 key is refused, and the file is still closed', async () => {
  const texts = [
    '',
    'ssh-rsa AAAA',
    key.slice(0, -4),
    `${key}AAAA`,
    key.replace('AAAAC3', 'AAAAC4'),
  ];
  for (const text of texts) {
    const executed: string[] = [];
    const file = { 'buf-b64': Buffer.from(text).toString('base64') };
    await fails('failed', agentWith(file, executed).hostKey(uuid, signal));
    assert.equal(executed.at(-1), 'guest-file-close');
  }
  for (const file of [null, 7, {}, { 'buf-b64': 5 }]) {
    await fails('failed', agentWith(file).hostKey(uuid, signal));
  }
  for (const answer of ['', 'no json', '{}', '[]', 'null', '{"error":{}}']) {
    await fails('failed', guestsWith(() => answer).hostKey(uuid, signal));
  }
});

test('addresses: agent first, then ARP, without those that only the guest itself knows', async () => {
  const address = (family: string, text: string) => ({ family, address: text, prefix: 24 });
  const guests = guestsWith(({ source }) =>
    source === 1
      ? [
          { name: 'lo', mac: '00:00:00:00:00:00', addresses: [address('ipv4', '127.0.0.1')] },
          {
            name: 'eth0',
            mac: '52:54:00:AA:00:01',
            addresses: [
              address('ipv4', '10.0.0.5'),
              address('ipv4', '169.254.3.4'),
              address('ipv6', 'fe80::1'),
            ],
          },
          { name: 'tun0', mac: undefined, addresses: [address('ipv4', '10.9.9.9')] },
        ]
      : [
          { name: 'vnet0', mac: '52:54:00:aa:00:01', addresses: [address('ipv4', '10.0.0.5')] },
          { name: 'vnet1', mac: '52:54:00:aa:00:02', addresses: [address('ipv4', '10.0.0.6')] },
        ],
  );
  assert.deepEqual(await guests.addresses(uuid, signal), [
    { mac: '52:54:00:aa:00:01', address: '10.0.0.5' },
    { mac: '52:54:00:aa:00:02', address: '10.0.0.6' },
  ]);
});

test('a source that libvirt refuses is no answer; a lost connection is an error', async () => {
  const deaf = guestsWith(({ source }) => {
    throw refused(source === 1 ? 86 : 1);
  });
  assert.deepEqual(await deaf.addresses(uuid, signal), []);
  const lost = guestsWith(() => {
    throw new ConnectionLost('eof', { sent: true });
  });
  await assert.rejects(lost.addresses(uuid, signal), ConnectionLost);
});

test('a guest with a thousand addresses gives a few', async () => {
  const addresses = Array.from({ length: 1000 }, (_, index) => ({
    ...{ family: 'ipv4', prefix: 24 },
    address: `10.1.${Math.floor(index / 250)}.${index % 250}`,
  }));
  const guests = guestsWith(() => [{ name: 'e', mac: '52:54:00:00:00:01', addresses }]);
  assert.equal((await guests.addresses(uuid, signal)).length, 64);
});
