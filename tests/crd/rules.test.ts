import assert from 'node:assert/strict';
import { test } from 'node:test';
import { load } from '../../src/crd/load.ts';
import { ownedSlurmParameters } from '../../src/crd/slurm-config.ts';
import { nearest } from '../../src/crd/suggest.ts';
import { clusterText, hostText } from './manifest-texts.ts';

function messages(text: string): string[] {
  return load('a.yaml', text).faults.map(({ path, message }) => `${path}: ${message}`);
}

const cluster = (spec: string) => messages(clusterText({ spec }));

const key = 'AAAAC3NzaC1lZDI1NTE5AAAAIK0wmN/Cr3JXqmLW7u+g9pTh+wyqDHpSQEIQczXkVx9q';

const refused: [string, string, RegExp][] = [
  ['memory below 64Mi', '  controlPlane: {memory: "2"}\n', /memory: must be at least 64Mi/],
  ['memory above 16Ti', '  controlPlane: {memory: 17Ti}\n', /memory: must be at most 16Ti/],
  ['a unit that does not exist', '  controlPlane: {memory: 2GB}\n', /must be a quantity/],
  ['a disk below 1Gi', '  controlPlane: {disk: 512Mi}\n', /disk: must be at least 1Gi/],
  ['no CPU', '  controlPlane: {cpus: 0}\n', /cpus: must be at least 1/],
  ['half a CPU', '  controlPlane: {cpus: 1.5}\n', /cpus: must be a whole number/],
  ['two heads', '  controlPlane: {replicas: 2}\n', /replicas: must be 1/],
  ['two hosts', '  placement: {hosts: [a, b]}\n', /hosts: must have at most 1 entries/],
  [
    'a key with options',
    `  access: {authorizedKeys: ['command="x" ssh-ed25519 ${key}']}\n`,
    /SSH public key/,
  ],
  ['a key of another type', `  access: {authorizedKeys: ['ssh-rsa ${key}']}\n`, /not of the type/],
  [
    'a private key',
    '  access: {authorizedKeys: ["-----BEGIN OPENSSH PRIVATE KEY-----"]}\n',
    /SSH public key/,
  ],
  [
    'a key of two lines',
    `  access: {authorizedKeys: ["ssh-ed25519 ${key}\\nssh-rsa AAAA"]}\n`,
    /SSH public key/,
  ],
];

for (const [what, spec, expected] of refused) {
  test(`refused: ${what}`, () => {
    const found = cluster(spec);
    assert.equal(found.length, 1, found.join('\n'));
    assert.match(found[0] ?? '', expected);
  });
}

test('a plain public key is accepted, with and without a comment', () => {
  assert.deepEqual(
    cluster(`  access: {authorizedKeys: ['ssh-ed25519 ${key}', 'ssh-ed25519 ${key} a b']}\n`),
    [],
  );
});

test('a fault never repeats what may be a secret', () => {
  const [fault] = cluster('  access: {authorizedKeys: ["hunter2 hunter2"]}\n');
  assert.doesNotMatch(fault ?? '', /hunter2/);
});

test('pools have different names, and node names fit in a host name', () => {
  const twice = `${clusterText()}  - name: compute\n    replicas: 1\n`;
  assert.deepEqual(messages(twice), ['spec.workers[1].name: is the second pool named "compute"']);
  const name = 'c'.repeat(40);
  const pool = 'p'.repeat(20);
  const fits = clusterText({ name, replicas: 10 }).replace('compute', pool);
  assert.deepEqual(messages(fits), []);
  const last = `${name}-${pool}-10`;
  assert.deepEqual(messages(fits.replace('replicas: 10', 'replicas: 11')), [
    `spec.workers[0].name: makes node names of 64 characters (at most 63): ${last}`,
  ]);
});

test('a managed network has an address for every node', () => {
  const managed = (cidr: string, replicas: number) =>
    messages(
      clusterText({ replicas }).replace('name: bench', `name: bench\n    managed: {cidr: ${cidr}}`),
    );
  // 8 addresses, without network, broadcast and host: 5 nodes, one of them the head.
  assert.deepEqual(managed('10.0.0.0/29', 4), []);
  assert.deepEqual(managed('10.0.0.0/29', 5), [
    'spec.network.managed.cidr: has room for 5 nodes, and the cluster has 6',
  ]);
  assert.match(managed('10.0.0.0/30', 0)[0] ?? '', /from \/12 to \/29/);
  assert.match(managed('127.0.0.0/24', 0)[0] ?? '', /not a range for hosts/);
  assert.match(managed('169.254.0.0/24', 0)[0] ?? '', /link-local/);
  assert.match(managed('10.0.0.0/40', 0)[0] ?? '', /IPv4 subnet such as/);
});

test('parameters that the controller owns are refused in any case', () => {
  for (const name of Object.keys(ownedSlurmParameters)) {
    for (const spelling of [name, name.toUpperCase(), name.toLowerCase()]) {
      const text = clusterText().replace('slurm: {}', `slurm: {config: {${spelling}: x}}`);
      assert.match(messages(text)[0] ?? '', /belongs to the controller/, spelling);
    }
  }
});

test('a value of slurm.conf can neither end its line nor begin a comment', () => {
  for (const value of ['"a\\nNodeName=x"', '"a # b"', '"a\\\\"', '"a\\tb"']) {
    const text = clusterText().replace('slurm: {}', `slurm: {config: {Epilog: ${value}}}`);
    assert.match(messages(text)[0] ?? '', /must be one word/, value);
  }
  const twin = clusterText().replace('slurm: {}', 'slurm: {config: {Epilog: a, epilog: b}}');
  assert.match(messages(twin)[0] ?? '', /same parameter as Epilog/);
});

test('a host URI carries no option, password, command or other driver', () => {
  const bad = [
    'qemu+ssh://-oProxyCommand=x@h/system',
    'qemu+ssh://u@-h/system',
    'qemu+ssh://u:secret@h/system',
    'qemu+ssh://h/system',
    'qemu+ext://u@h/system?command=x',
    'qemu+tcp://h/system',
    'qemu://h/system',
    'lxc:///system',
    'qemu:///session',
    'qemu+ssh://u@h;id/system',
  ];
  for (const uri of bad) {
    const text = hostText().replace('qemu:///system', uri);
    assert.match(messages(text)[0] ?? '', /spec.uri/, uri);
  }
  for (const uri of [
    'qemu:///system',
    'qemu+ssh://u@h/system',
    'qemu+ssh://u@[fe80::1]:22/system?socket=/run/s',
  ]) {
    assert.deepEqual(messages(hostText().replace('qemu:///system', uri)), [], uri);
  }
  const local = hostText().replace("system'", "system', ssh: {identityFile: /k}");
  assert.deepEqual(messages(local), ['spec.ssh: is only for a host with a qemu+ssh URI']);
});

test('the nearest word is suggested only when it is near', () => {
  const known = ['replicas', 'memory', 'disk'];
  assert.equal(nearest('replica', known), 'replicas');
  assert.equal(nearest('mmeory', known), 'memory');
  assert.equal(nearest('DISK', known), 'disk');
  assert.equal(nearest('gpu', known), undefined);
  assert.equal(nearest('x'.repeat(5000), known), undefined);
});
