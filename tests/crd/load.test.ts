import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFault } from '../../src/crd/fault.ts';
import { load } from '../../src/crd/load.ts';
import { clusterText, hostText, imageText } from './manifest-texts.ts';

function faults(text: string): string[] {
  return load('a.yaml', text).faults.map(describeFault);
}

test('a good file gives its objects with defaults, in order, with the line of each', () => {
  const { manifests, faults } = load('/m/a.yaml', `${clusterText()}---\n${imageText()}`);
  assert.deepEqual(faults, []);
  assert.deepEqual(
    manifests.map(({ kind, origin }) => [kind, origin.line, origin.settled]),
    [
      ['BenchCluster', 1, false],
      ['BenchImage', 15, false],
    ],
  );
  const [cluster] = manifests;
  assert(cluster?.kind === 'BenchCluster');
  assert.equal(cluster.object.metadata.namespace, 'default');
  assert.deepEqual(cluster.object.spec.workers[0]?.drain, { timeout: '10m', onTimeout: 'Wait' });
});

test('every fault of a file is reported at once, with its place and a hint', () => {
  const text = `apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata: {name: Slurm_A}
spec:
  scheduler: {slurm: {config: {clustername: x, MaxJobCount: true, Epilog: "a#b"}}}
  imag: debian-slurm
  network: {name: net, managed: {cidr: 192.168.1.7/24}}
  controlPlane:
  workers:
  - name: head
    replicas: "2"
    memory: 2
    drain: {onTimeout: wiat, timeout: 10}
  - name: compute
    replica: 2
    replicas: 08
---
kind: BenchClutser
---
- a
---
apiVersion: v1
kind: BenchHost
metadata: {name: 12}
spec: {uri: qemu+ssh://-oProxyCommand=x@h/system, __proto__: {a: 1}, pool: a, pool: b}
`;
  assert.deepEqual(faults(text), [
    'a.yaml:3:18: metadata.name: must be lower-case letters, digits and "-", with no "-" at either end',
    'a.yaml:4:1: spec.image: is required (BenchImage of the nodes.)',
    'a.yaml:5:32: spec.scheduler.slurm.config.clustername: belongs to the controller: it is the name of the BenchCluster',
    'a.yaml:5:61: spec.scheduler.slurm.config.MaxJobCount: must be text or a whole number, not true or false (quote it: "true")',
    'a.yaml:5:75: spec.scheduler.slurm.config.Epilog: must be one word without "#" or a "\\" at its end',
    'a.yaml:6:3: spec.imag: is not a known field (did you mean "image"?)',
    'a.yaml:7:40: spec.network.managed.cidr: is an address within its subnet (write 192.168.1.0/24)',
    'a.yaml:8:16: spec.controlPlane: has no value (write one, or remove the line)',
    'a.yaml:10:11: spec.workers[0].name: must not be "head": that is the pool of the head node',
    'a.yaml:11:15: spec.workers[0].replicas: must be a whole number, not text (without quotes: 2)',
    'a.yaml:12:13: spec.workers[0].memory: must be text, not a number (quote it: "2")',
    'a.yaml:13:24: spec.workers[0].drain.onTimeout: must be one of Wait, Force (did you mean "Wait"?)',
    'a.yaml:13:39: spec.workers[0].drain.timeout: must be text, not a number (quote it: "10")',
    'a.yaml:15:5: spec.workers[1].replica: is not a known field (did you mean "replicas"?)',
    'a.yaml:16:15: spec.workers[1].replicas: is a number that some readers take as octal (write 8, or "08" if it is text)',
    'a.yaml:18:7: kind: "BenchClutser" is not a kind of benchcluster.io/v1alpha1 (did you mean "BenchCluster"?)',
    'a.yaml:20:1: is not a manifest (it begins with apiVersion and kind)',
    'a.yaml:22:13: apiVersion: must be benchcluster.io/v1alpha1',
    'a.yaml:24:18: metadata.name: must be text, not a number (quote it: "12")',
    'a.yaml:25:13: spec.uri: must be qemu:///system or qemu+ssh://user@host/system',
    'a.yaml:25:51: spec.__proto__: is not a field',
    'a.yaml:25:79: spec.pool: is written twice (keep one of them)',
  ]);
});

test('a fault names its object where kind and name can be read', () => {
  const { faults, manifests } = load('a.yaml', `${clusterText()}  x: [1]\n---\n${hostText()}`);
  assert.deepEqual(faults[0]?.object, {
    kind: 'BenchCluster',
    namespace: 'default',
    name: 'slurm-a',
  });
  assert.deepEqual(
    manifests.map(({ kind }) => kind),
    ['BenchHost'],
  );
});

test('faults of a document that may hold another object, too, name none of them', () => {
  const [one, other] = [clusterText({ name: 'a' }), clusterText({ name: 'b' })];
  const texts = {
    'a lost border': one + other,
    'a name twice': one.replace('  name: a\n', '  name: a\n  name: b\n'),
    'a quote without end': `${one.replace('replicas: 2', 'replicas: "2')}${other}`,
    'a list without end': `${one}  x: [1\n${other}`,
  };
  for (const [what, text] of Object.entries(texts)) {
    const { faults } = load('a.yaml', text);
    assert(
      faults.some(({ object }) => object === undefined),
      what,
    );
  }
});

test('one object twice is a fault of both and counts for neither', () => {
  const { faults, manifests } = load('a.yaml', `${clusterText()}---\n${clusterText()}`);
  assert.deepEqual(manifests, []);
  assert.deepEqual(
    faults.map(({ line, message }) => [line, message]),
    [
      [1, 'BenchCluster slurm-a is also defined in a.yaml:15'],
      [15, 'BenchCluster slurm-a is also defined in a.yaml:1'],
    ],
  );
});

test('a file that is cut before the end of its last line is a fault, never a smaller number', () => {
  const whole = clusterText({ replicas: 12 });
  const { manifests, faults } = load('a.yaml', whole.slice(0, -2));
  assert.deepEqual(manifests, []);
  assert.match(faults[0]?.message ?? '', /half written/);
  assert.deepEqual([faults[0]?.line, faults[0]?.column], [13, 16]);
});

test('paths in an image and a host are relative to their file', () => {
  const image = load('/etc/bench/a.yaml', imageText('../images/x.qcow2')).manifests[0];
  assert(image?.kind === 'BenchImage');
  assert.equal(image.object.spec.source.path, '/etc/images/x.qcow2');
  const uri = 'qemu+ssh://u@h/system';
  const text = hostText().replace(
    "'qemu:///system'",
    `'${uri}', ssh: {knownHostsFile: known, identityFile: /k}`,
  );
  const host = load('/etc/bench/a.yaml', text).manifests[0];
  assert(host?.kind === 'BenchHost');
  assert.deepEqual(host.object.spec.ssh, {
    knownHostsFile: '/etc/bench/known',
    identityFile: '/k',
  });
  assert.match(faults(imageText('~/x.qcow2'))[0] ?? '', /must not begin with "~"/);
});

test('the mark at the end and JSON are understood', () => {
  assert.equal(load('a.yaml', `${clusterText()}...\n`).marked, true);
  assert.equal(load('a.yaml', clusterText()).marked, false);
  const json = JSON.stringify({
    apiVersion: 'benchcluster.io/v1alpha1',
    kind: 'BenchHost',
    metadata: { name: 'a' },
    spec: { uri: 'qemu:///system' },
  });
  assert.equal(load('a.json', `${json}\n`).manifests.length, 1);
});

test('an alias stands for the whole value, and a fault in it has the place of the value', () => {
  const text = clusterText()
    .replace('name: bench', 'name: &n bench')
    .replace('image: debian-slurm', 'image: *n');
  assert.match(faults(text)[0] ?? '', /unknown anchor/);
  const order = clusterText()
    .replace('debian-slurm', '&n debian')
    .replace('name: bench', 'name: *n');
  const [cluster] = load('a.yaml', order).manifests;
  assert(cluster?.kind === 'BenchCluster');
  assert.equal(cluster.object.spec.network.name, 'debian');
});

test('at most fifty faults are listed, and how many more there are', () => {
  const spec = Array.from({ length: 80 }, (_, index) => `  wrong${index}: 1\n`).join('');
  const all = faults(clusterText({ spec }));
  assert.equal(all.length, 51);
  assert.match(all.at(-1) ?? '', /has 30 more faults/);
});
