import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { changesOf } from '../../src/crd/changes.ts';
import { load } from '../../src/crd/load.ts';
import { clusterText, imageText } from './manifest-texts.ts';

function cluster(text: string): BenchCluster {
  const [manifest] = load('a.yaml', text).manifests;
  assert(manifest?.kind === 'BenchCluster');
  return manifest.object;
}

const before = cluster(clusterText());

const edits: [string, string, string, unknown[]][] = [
  ['replicas', 'replicas: 2', 'replicas: 3', ['spec.workers[compute].replicas', 2, 3, 'live']],
  ['image', 'image: debian-slurm', 'image: b', ['spec.image', 'debian-slurm', 'b', 'rolling']],
  ['network', 'name: bench', 'name: other', ['spec.network.name', 'bench', 'other', 'immutable']],
  [
    'a managed network that appears',
    'name: bench',
    'name: bench\n    managed: {cidr: 10.0.0.0/24}',
    ['spec.network.managed', undefined, { cidr: '10.0.0.0/24', forward: 'nat' }, 'immutable'],
  ],
  [
    'a parameter of Slurm',
    'slurm: {}',
    'slurm: {config: {MaxJobCount: 5}}',
    ['spec.scheduler.slurm.config.MaxJobCount', undefined, 5, 'live'],
  ],
  [
    'memory of the head',
    '  workers:',
    '  controlPlane: {memory: 2Gi}\n  workers:',
    ['spec.controlPlane.memory', '1Gi', '2Gi', 'rolling'],
  ],
  [
    'a drain policy',
    'replicas: 2',
    'replicas: 2\n    drain: {onTimeout: Force}',
    ['spec.workers[compute].drain.onTimeout', 'Wait', 'Force', 'live'],
  ],
];

for (const [what, from, to, expected] of edits) {
  test(`an edit of ${what} is one change with its effect`, () => {
    const changes = changesOf(before, cluster(clusterText().replace(from, to)));
    assert.deepEqual(
      changes.map(({ path, from, to, effect }) => [path, from, to, effect]),
      [expected],
    );
  });
}

test('no edit is no change, and the order of fields is none', () => {
  assert.deepEqual(changesOf(before, cluster(clusterText())), []);
});

test('pools are told apart by name: a moved pool has not changed, a new one is one change', () => {
  const pool = (name: string) => `  - name: ${name}\n    replicas: 1\n`;
  const head = clusterText().split('  - name')[0] ?? '';
  const two = cluster(head + pool('a') + pool('b'));
  assert.deepEqual(changesOf(two, cluster(head + pool('b') + pool('a'))), []);
  const changes = changesOf(two, cluster(head + pool('a') + pool('c')));
  assert.deepEqual(
    changes.map(({ path, from, to, effect }) => [
      path,
      from === undefined,
      to === undefined,
      effect,
    ]),
    [
      ['spec.workers[b]', false, true, 'live'],
      ['spec.workers[c]', true, false, 'live'],
    ],
  );
});

test('other kinds are compared by their own schema', () => {
  const [a] = load('a.yaml', imageText('/a')).manifests;
  const [b] = load('a.yaml', imageText('/b')).manifests;
  assert(a?.kind === 'BenchImage' && b?.kind === 'BenchImage');
  assert.deepEqual(changesOf(a.object, b.object), [
    { path: 'spec.source.path', from: '/a', to: '/b', effect: 'rolling' },
  ]);
});
