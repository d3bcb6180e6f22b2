/** Names, UUIDs and hashes by which a repeat after a crash meets what it made before. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import {
  clusterUid,
  desiredCluster,
  nodeUuid,
  nodeVolume,
} from '../../../src/controllers/bench-cluster/desired.ts';
import type { ClusterRecord } from '../../../src/controllers/ports.ts';
import { clusterOf, hostOf, identity, imageOf, publicKey, recordOf } from '../../fakes/builders.ts';

const desired = (record = recordOf()) => desiredCluster(record, identity);
const worker = (record?: ClusterRecord) => {
  const node = desired(record).nodes.find(({ name }) => name === 'alpha-compute-0');
  assert.ok(node);
  return node;
};

describe('identities', () => {
  test('are always the same, in every process and version', () => {
    const { uuid, mac, volume } = worker();
    assert.deepEqual(
      [uuid, mac, volume],
      [
        'e9fa6c8e-06cc-5be1-b061-8a7d95a3fd5b',
        '52:54:00:7e:17:f6',
        'alpha-compute-0-e9fa6c8e.qcow2',
      ],
    );
  });

  test('differ between nodes, clusters, namespaces and installations', () => {
    const uids = [
      clusterUid(identity.installation, 'default', 'alpha'),
      clusterUid(identity.installation, 'default', 'beta'),
      clusterUid(identity.installation, 'other', 'alpha'),
      clusterUid('6f0d2c1e-3b5a-4c7d-8e9f-000000000002', 'default', 'alpha'),
    ];
    const uuids = uids.flatMap((uid) => [nodeUuid(uid, 'a-b-0'), nodeUuid(uid, 'a-b-1')]);
    assert.equal(new Set([...uids, ...uuids]).size, 12);
    assert.match(uuids[0] ?? '', /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-/);
  });

  test('do not depend on the order of pools or on the number of replicas', () => {
    const workers = [
      { name: 'extra', replicas: 1 },
      { name: 'compute', replicas: 9 },
    ];
    const record = recordOf(clusterOf({ spec: { workers } }));
    const { uuid, mac, specHash } = worker(record);
    assert.deepEqual([uuid, mac, specHash], [worker().uuid, worker().mac, worker().specHash]);
  });

  test('a network has one UUID for all clusters of an installation', () => {
    const beta = desired(recordOf(clusterOf({ name: 'beta' })));
    assert.equal(beta.network.uuid, desired().network.uuid);
    assert.notEqual(beta.uid, desired().uid);
  });

  test('volumes carry a part of the UUID, so that no other tool has their name', () => {
    assert.equal(nodeVolume('n-0', '12345678-aaaa'), 'n-0-12345678.qcow2');
  });
});

describe('the spec hash', () => {
  const spec = (more: Parameters<typeof clusterOf>[0]) => recordOf(clusterOf(more));
  const same: [string, ClusterRecord][] = [
    ['replicas', spec({ replicas: 5 })],
    ['drain', spec({ pool: { drain: { timeout: '1h', onTimeout: 'Force' } } })],
    ['rollout', spec({ pool: { rollout: { maxUnavailable: 2 } } })],
    ['paused', spec({ spec: { paused: true } })],
    ['settings of the scheduler', spec({ spec: { scheduler: { slurm: { config: { A: 1 } } } } })],
    ['the same memory in other words', spec({ pool: { memory: '1024Mi' } })],
    ['the head', spec({ spec: { controlPlane: { memory: '4Gi' } } })],
    ['how the host is reached', recordOf(clusterOf(), { host: hostOf('rhodey', { ssh: {} }) })],
  ];
  for (const [name, record] of same) {
    test(`is not changed by ${name}`, () => {
      assert.equal(worker(record).specHash, worker().specHash);
    });
  }

  const other: [string, ClusterRecord][] = [
    ['memory', spec({ pool: { memory: '2Gi' } })],
    ['cpus', spec({ pool: { cpus: 2 } })],
    ['disk', spec({ pool: { disk: '9Gi' } })],
    ['the image', recordOf(clusterOf(), { images: [imageOf('debian', 'b')] })],
    ['keys that may log in', spec({ spec: { access: { authorizedKeys: [publicKey('x')] } } })],
    ['the domain type', recordOf(clusterOf(), { host: hostOf('rhodey', { domainType: 'qemu' }) })],
  ];
  for (const [name, record] of other) {
    test(`is changed by ${name}`, () => {
      assert.notEqual(worker(record).specHash, worker().specHash);
    });
  }
});

describe('the desired cluster', () => {
  test('has its nodes in order, the head first, in bytes and milliseconds', () => {
    const { nodes, pools } = desired();
    assert.deepEqual(
      nodes.map(({ name, role }) => [name, role]),
      [
        ['alpha-head-0', 'controlPlane'],
        ['alpha-compute-0', 'worker'],
        ['alpha-compute-1', 'worker'],
      ],
    );
    assert.equal(nodes[1]?.memoryBytes, 2 ** 30);
    assert.equal(pools[1]?.drain.timeoutMs, 600_000);
  });

  test('wants no node when it is being deleted, and still knows its files', () => {
    const record = recordOf(clusterOf(), {
      deletionTimestamp: '2026-01-01T00:00:00Z',
      formerArtifacts: ['old-0123456789ab.qcow2'],
    });
    assert.deepEqual(desired(record).nodes, []);
    assert.equal(desired(record).artifacts.length, 4);
  });

  test('a pool may have an image of its own', () => {
    const record = recordOf(clusterOf({ pool: { image: 'big' } }), {
      images: [imageOf(), imageOf('big', 'c')],
    });
    assert.equal(worker(record).image.disk.volume, 'big-cccccccccccc.qcow2');
    assert.equal(desired(record).nodes[0]?.image.name, 'debian');
  });

  test('an image that is missing is named', () => {
    assert.throws(() => desired(recordOf(clusterOf(), { images: [] })), /BenchImage debian/);
  });
});

test('a cluster is paused by its spec, or by the annotation for those who must not touch the spec', () => {
  const paused = (value: string) => {
    const record = recordOf();
    record.cluster.metadata.annotations = { 'benchcluster.io/paused': value };
    return desired(record).paused;
  };
  assert.deepEqual(paused('true'), ['the annotation benchcluster.io/paused']);
  assert.equal(paused('false'), undefined);
  const bySpec = desired(recordOf(clusterOf({ spec: { paused: true } })));
  assert.deepEqual(bySpec.paused, ['spec.paused']);
});
