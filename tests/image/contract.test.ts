/** The contract: one good guest passes all of it, and each single fault fails its own check only. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GuestFacts } from '../../src/image/contract.ts';
import { judgeContract } from '../../src/image/contract.ts';
import { parseFacts } from '../../src/image/guest-facts.ts';

const GOOD: GuestFacts = {
  leaseClientId: '01:52:54:00:AA:bb:cc',
  mac: '52:54:00:aa:bb:cc',
  domainUuid: '815b7cfd-bf61-4a1a-9a4f-9049e540733c',
  productUuid: '815B7CFD-BF61-4A1A-9A4F-9049E540733C',
  machineId: '815b7cfdbf614a1a9a4f9049e540733c',
  systemState: 'running',
  failedUnits: [],
  hostKeys: ['ssh_host_ed25519_key'],
  authorizedKeys: ['ssh-ed25519 AAAA'],
  injectedKey: 'ssh-ed25519 AAAA',
  rootBytes: 4.2e9,
  diskBytes: 4 * 1024 ** 3,
  nameServers: ['10.0.0.1'],
  missingPrograms: [],
  activeDaemons: [],
  enabledDaemons: [],
  leftovers: [],
};

test('a good guest holds every check', () => {
  const failed = judgeContract(GOOD).filter((check) => !check.ok);
  assert.deepEqual(failed, []);
});

const faults: [string, Partial<GuestFacts>][] = [
  ['DHCP by MAC address', { leaseClientId: 'ff:00:01:02' }],
  ['name servers from DHCP', { nameServers: [] }],
  ['SMBIOS product UUID is the domain UUID', { productUuid: '' }],
  ['machine-id made at boot', { machineId: '' }],
  ['systemd running, no unit failed', { systemState: 'degraded', failedUnits: ['a.service'] }],
  ['systemd running, no unit failed', { systemState: 'starting' }],
  ['one SSH host key, ed25519', { hostKeys: ['ssh_host_ed25519_key', 'ssh_host_rsa_key'] }],
  ['one SSH host key, ed25519', { hostKeys: ['ssh_host_rsa_key'] }],
  ['only the injected key is authorised', { authorizedKeys: ['ssh-ed25519 AAAA', 'ssh-rsa B'] }],
  ['only the injected key is authorised', { authorizedKeys: ['ssh-rsa B'] }],
  ['root file system as large as the disk', { rootBytes: 1e9 }],
  ['root file system as large as the disk', { rootBytes: Number.NaN }],
  ['programs present', { missingPrograms: ['slurmd'] }],
  ['daemons wait for a role', { enabledDaemons: ['slurmd.service'] }],
  ['daemons wait for a role', { activeDaemons: ['munge.service'] }],
  ['no leftovers in the image', { leftovers: ['etc/machine-id'] }],
];
for (const [name, fault] of faults) {
  test(`"${name}" fails alone for ${JSON.stringify(fault)}`, () => {
    const failed = judgeContract({ ...GOOD, ...fault }).filter((check) => !check.ok);
    assert.deepEqual(
      failed.map((check) => check.name),
      [name],
    );
  });
}

test('an answer that was cut off is no answer', () => {
  const whole = 'systemState\trunning\nhostKeys\ta\nhostKeys\tb\nrootBytes\t12\ndone\t1\n';
  const facts = parseFacts(whole);
  assert.deepEqual(facts.hostKeys, ['a', 'b']);
  assert.equal(facts.rootBytes, 12);
  assert.throws(() => parseFacts(whole.replace('done\t1\n', '')), { code: 'GUEST_UNREACHABLE' });
});
