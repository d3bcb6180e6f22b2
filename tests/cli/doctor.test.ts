import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Check } from '../../src/cli/doctor/check.ts';
import { examine } from '../../src/cli/doctor/examine.ts';
import { type HostFacts, judgeHost, judgeUnreachable } from '../../src/cli/doctor/judge-host.ts';
import {
  judgeGroup,
  judgeImages,
  judgeKvm,
  judgeNode,
  judgePackages,
  judgeSshKey,
  judgeState,
} from '../../src/cli/doctor/judge-machine.ts';
import type { DoctorProbes, HostProbe } from '../../src/cli/doctor/probes.ts';
import { exitCodes } from '../../src/cli/exit-code.ts';
import type { HostInventory } from '../../src/controllers/ports.ts';
import { now } from './support/builders.ts';
import { createWorld, settle } from './support/fake-context.ts';
import { ManualClock } from './support/manual-clock.ts';

const gib = 1024 ** 3;
const user = { name: 'bench', root: false, groups: ['bench', 'libvirt'] };
const host: HostFacts = {
  name: 'rhodey',
  uri: 'qemu+ssh://bench@rhodey/system',
  pool: 'default',
  networks: ['bench'],
  wantedBytes: 20 * gib,
};
const inventory: HostInventory = {
  hostname: 'rhodey',
  libvirtVersion: '9.0.0',
  domainTypes: ['kvm', 'qemu'],
  cpus: 8,
  memoryBytes: 64 * gib,
  pool: { name: 'default', path: '/pool', active: true, availableBytes: 100 * gib, volumes: [] },
  networks: [{ name: 'bench', uuid: 'u', active: true, leases: [] }],
  domains: [],
};

const machine: [string, Check, Check['status'], RegExp | undefined][] = [
  ['a new node is fine', judgeNode('v24.1.0'), 'ok', undefined],
  ['an old node fails', judgeNode('20.19.0'), 'fail', /^npm ci$/],
  ['all packages', judgePackages({ missing: [], apt: true }), 'ok', undefined],
  [
    'missing packages fail with the command',
    judgePackages({ missing: ['qemu-utils', 'mmdebstrap'], apt: true }),
    'fail',
    /^sudo apt-get install -y qemu-utils mmdebstrap$/,
  ],
  ['a member of the group', judgeGroup(user, true), 'ok', undefined],
  ['no member', judgeGroup({ ...user, groups: [] }, true), 'fail', /usermod -aG libvirt bench/],
  ['no member, only remote hosts', judgeGroup({ ...user, groups: [] }, false), 'ok', undefined],
  ['root', judgeGroup({ name: 'root', root: true, groups: [] }, true), 'ok', undefined],
  ['kvm', judgeKvm({ present: true, usable: true }, user, true), 'ok', undefined],
  ['no kvm is slow', judgeKvm({ present: false, usable: false }, user, true), 'warn', /modprobe/],
  ['closed kvm', judgeKvm({ present: true, usable: false }, user, true), 'warn', /-aG kvm bench/],
  ['a key', judgeSshKey({ found: '/k', exposed: false }, true), 'ok', undefined],
  [
    'an open key fails',
    judgeSshKey({ found: '/k', exposed: true }, false),
    'fail',
    /chmod 600 \/k/,
  ],
  ['no key, remote hosts', judgeSshKey({ exposed: false }, true), 'fail', /ssh-keygen/],
  ['no key, no remote host', judgeSshKey({ exposed: false }, false), 'ok', undefined],
  ['state', judgeState({ path: '/s', writable: true, exposed: false }), 'ok', undefined],
  [
    'open state fails',
    judgeState({ path: '/s t', writable: true, exposed: true }),
    'fail',
    /^chmod 700 '\/s t'$/,
  ],
  ['closed state', judgeState({ path: '/s', writable: false, exposed: false }), 'fail', /mkdir/],
  [
    'an unreachable local host names the socket units',
    judgeUnreachable({ ...host, uri: 'qemu:///system' }, 'refused'),
    'fail',
    /libvirtd\.socket/,
  ],
  ['an unreachable remote host', judgeUnreachable(host, 'refused'), 'fail', /^virsh -c qemu\+ssh/],
];
for (const [name, check, status, mend] of machine) {
  test(`doctor: ${name}`, () => {
    assert.equal(check.status, status);
    if (mend === undefined) assert.equal(check.mend, undefined);
    else assert.match(check.mend ?? '', mend);
  });
}

test('doctor: images are checked one by one', () => {
  assert.equal(judgeImages([])[0]?.status, 'warn');
  const images = [
    { name: 'a', file: '/a', present: true },
    { name: 'b', file: '/b', present: false },
  ];
  assert.deepEqual(
    judgeImages(images).map(({ status }) => status),
    ['ok', 'fail'],
  );
});

test('doctor: a good host has no complaint', () => {
  assert.deepEqual(
    judgeHost(host, inventory).filter(({ status }) => status !== 'ok'),
    [],
  );
});

const { pool } = inventory;
const worse: [string, Partial<HostInventory>, string, Check['status'], RegExp][] = [
  ['libvirt 5', { libvirtVersion: '5.10.0' }, 'libvirt', 'fail', /upgrade/],
  ['libvirt 12', { libvirtVersion: '12.0.0' }, 'libvirt', 'warn', /report/],
  ['an inactive pool', { pool: { ...pool, active: false } }, 'pool', 'fail', /pool-start default/],
  ['another pool', { pool: { ...pool, name: 'x' } }, 'pool', 'fail', /pool-define-as default/],
  ['a full pool', { pool: { ...pool, availableBytes: gib } }, 'space', 'fail', /image prune/],
  ['a small pool', { pool: { ...pool, availableBytes: 9 * gib } }, 'space', 'warn', /image prune/],
  ['no kvm', { domainTypes: ['qemu'] }, 'domains', 'warn', /modprobe/],
  ['no hypervisor', { domainTypes: [] }, 'domains', 'fail', /qemu-system/],
  ['no network', { networks: [] }, 'network bench', 'fail', /net-list/],
  [
    'an inactive network',
    { networks: [{ name: 'bench', uuid: 'u', active: false, leases: [] }] },
    'network bench',
    'fail',
    /net-start bench/,
  ],
];
for (const [name, fields, check, status, mend] of worse) {
  test(`doctor: ${name} on a host`, () => {
    const checks = judgeHost(host, { ...inventory, ...fields });
    const found = checks.find((item) => item.name === `host rhodey: ${check}`);
    assert.equal(found?.status, status);
    assert.match(found?.mend ?? '', mend);
  });
}

test('words of commands are quoted for the shell', () => {
  const { mend } = judgeSshKey({ found: "/it's; rm", exposed: true }, true);
  assert.equal(mend, "chmod 600 '/it'\\''s; rm'");
});

function probes(hosts: HostProbe[], fields: Partial<DoctorProbes> = {}): DoctorProbes {
  return {
    nodeVersion: () => '24.0.0',
    packages: async () => ({ missing: [], apt: true }),
    user: async () => user,
    kvm: async () => ({ present: true, usable: true }),
    sshKey: async () => ({ exposed: false }),
    images: async () => [{ name: 'a', file: '/a', present: true }],
    state: async () => ({ path: '/s', writable: true, exposed: false }),
    hosts: async () => hosts,
    ...fields,
  };
}

const local: HostProbe = { ...host, uri: 'qemu:///system', inventory: async () => inventory };

test('a probe that throws or hangs is a failed check, and the others are still made', async () => {
  const clock = new ManualClock(now);
  const hanging = {
    ...local,
    name: 'hangs',
    inventory: () => new Promise<HostInventory>(() => {}),
  };
  const broken = { images: () => Promise.reject(new Error('no access')) };
  const done = examine(probes([local, hanging], broken), clock, new AbortController().signal);
  await settle();
  clock.advance(10_000);
  const checks = await done;
  const failed = checks.filter(({ status }) => status === 'fail');
  assert.deepEqual(
    failed.map(({ name, detail }) => `${name}: ${detail}`),
    [
      'images: cannot be examined: no access',
      'host hangs: qemu:///system does not answer: no answer in time',
    ],
  );
  assert.ok(checks.some(({ name, status }) => name === 'host rhodey: pool' && status === 'ok'));
  assert.equal(clock.pending, 0);
});

test('hosts that cannot be listed are told, and then the group still counts', async () => {
  const fields = {
    hosts: () => Promise.reject(new Error('bad manifest')),
    user: async () => ({ ...user, groups: [] }),
  };
  const checks = await examine(
    probes([], fields),
    new ManualClock(now),
    new AbortController().signal,
  );
  const failed = checks.filter(({ status }) => status === 'fail').map(({ name }) => name);
  assert.deepEqual(failed, ['group libvirt', 'hosts']);
});

test('benchctl doctor prints the checks, how to mend them, and fails', async (t) => {
  const world = await createWorld(t);
  world.parts.doctor = async () =>
    probes([local], { packages: async () => ({ missing: ['qemu-utils'], apt: true }) });
  assert.equal(await world.run('doctor'), exitCodes.failed);
  assert.match(world.stdout.text, /^packages +fail +missing: qemu-utils$/m);
  assert.match(
    world.stdout.text,
    /To mend:\n {2}# packages\n {2}sudo apt-get install -y qemu-utils/,
  );
  assert.match(
    world.stderr.text,
    /error: 1 check failed, first packages[^\n]*\nnext: {2}sudo apt-get/,
  );
});

test('benchctl doctor is content with a good machine', async (t) => {
  const world = await createWorld(t);
  world.parts.doctor = async () => probes([local]);
  assert.equal(await world.run('doctor'), exitCodes.ok);
  assert.doesNotMatch(world.stdout.text, /To mend/);
  world.stdout.text = '';
  await world.run('doctor', '-o', 'json');
  assert.ok(JSON.parse(world.stdout.text).length > 8);
});
