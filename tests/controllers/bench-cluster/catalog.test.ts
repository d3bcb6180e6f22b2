/** What a source may cause, and what it may not when it is broken, half written or gone. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { catalog, clusterKey } from '../../../src/controllers/bench-cluster/catalog.ts';
import type { ClusterRecord, SourceSnapshot } from '../../../src/controllers/ports.ts';
import { protectAnnotation } from '../../../src/crd/annotations.ts';
import type { Manifest } from '../../../src/crd/manifest.ts';
import { manifestOf } from '../../../src/sim/memory-source.ts';
import { clusterOf, hostOf, imageOf, recordOf } from '../../fakes/builders.ts';

const now = Date.parse('2026-01-01T00:00:00Z');
const key = 'default/alpha';

function snapshotOf(
  objects: (Manifest['object'] | Manifest)[],
  more: Partial<SourceSnapshot> = {},
) {
  const manifests = objects.map((item) => ('origin' in item ? item : manifestOf(item)));
  return { trusted: true, faults: [], manifests, ...more };
}

function only(snapshot: SourceSnapshot, records: ClusterRecord[], requested: string[] = []) {
  const entries = catalog(snapshot, records, now, new Set(requested));
  const entry = entries.find((item) => item.key === key);
  assert.ok(entry);
  return entry;
}

const base = [hostOf(), imageOf()];
const fault = { file: 'alpha.yaml', line: 3, message: 'bad indentation' };

describe('a manifest that is there', () => {
  test('of a new cluster becomes a record of generation 1 with all it refers to', () => {
    const entry = only(snapshotOf([...base, clusterOf()]), []);
    assert.deepEqual(entry.record, recordOf());
    assert.equal(entry.changed, true);
  });

  test('that says nothing new changes nothing', () => {
    assert.equal(only(snapshotOf([...base, clusterOf()]), [recordOf()]).changed, false);
  });

  test('with another spec counts the generation on, and keeps the status', () => {
    const { status } = recordOf();
    const entry = only(snapshotOf([...base, clusterOf({ replicas: 3 })]), [recordOf()]);
    assert.equal(entry.record?.generation, 2);
    assert.equal(entry.record?.status, status);
  });

  test('with other labels is taken without a new generation', () => {
    const cluster = clusterOf();
    cluster.metadata.labels = { team: 'x' };
    const entry = only(snapshotOf([...base, cluster]), [recordOf()]);
    assert.equal(entry.changed, true);
    assert.equal(entry.record?.generation, 1);
  });

  test('of another image by the same name remembers the files of the old one', () => {
    const objects = [hostOf(), imageOf('debian', 'b'), clusterOf()];
    const entry = only(snapshotOf(objects), [recordOf()]);
    assert.deepEqual(entry.record?.formerArtifacts, [
      'debian-aaaaaaaaaaaa.qcow2',
      'debian-aaaaaaaaaaaa.vmlinuz',
      'debian-aaaaaaaaaaaa.initrd',
    ]);
    assert.ok(entry.record);
    const back = only(snapshotOf([...base, clusterOf()]), [entry.record]).record;
    assert.ok(back?.formerArtifacts?.every((name) => name.includes('bbbbbbbbbbbb')));
  });

  test('of a cluster that is being deleted revives it', () => {
    const record = recordOf(clusterOf(), { deletionTimestamp: '2026-01-01T00:00:00.000Z' });
    const entry = only(snapshotOf([...base, clusterOf()]), [record]);
    assert.equal(entry.changed, true);
    assert.equal(entry.record?.deletionTimestamp, undefined);
    assert.equal(entry.record?.generation, 1);
  });

  test('is not touched by faults of other files', () => {
    const snapshot = snapshotOf([...base, clusterOf()], { faults: [{ ...fault, file: 'b.yaml' }] });
    assert.deepEqual(only(snapshot, []).faults, []);
  });
});

describe('references that cannot be resolved', () => {
  test('a missing image keeps a new cluster out and names the field', () => {
    const entry = only(
      snapshotOf([hostOf(), clusterOf({ pool: { image: 'other' } }), imageOf()]),
      [],
    );
    assert.equal(entry.record, undefined);
    assert.equal(entry.faults[0]?.path, 'spec.workers[0].image');
    assert.match(entry.faults[0]?.message ?? '', /BenchImage other does not exist/);
  });

  test('an image and a host that have gone stay in force from the record', () => {
    const entry = only(snapshotOf([clusterOf({ replicas: 3 })]), [recordOf()]);
    assert.deepEqual(entry.record?.images, recordOf().images);
    assert.deepEqual(entry.record?.host, recordOf().host);
    assert.deepEqual(entry.faults, []);
  });

  test('several hosts ask for one to be named', () => {
    const entry = only(snapshotOf([...base, hostOf('hulk'), clusterOf()]), []);
    assert.match(entry.faults[0]?.hint ?? '', /rhodey, hulk/);
  });

  test('a second host does not move a cluster that has one', () => {
    const entry = only(snapshotOf([...base, hostOf('hulk'), clusterOf()]), [recordOf()]);
    assert.equal(entry.record?.host.metadata.name, 'rhodey');
    assert.deepEqual(entry.faults, []);
  });

  test('no host at all means this machine', () => {
    const entry = only(snapshotOf([imageOf(), clusterOf()]), []);
    assert.equal(entry.record?.host.spec.uri, 'qemu:///system');
  });
});

describe('what must not change', () => {
  test('an immutable field keeps the last good spec and says which', () => {
    const cluster = clusterOf({ replicas: 1, spec: { network: { name: 'other' } } });
    const entry = only(snapshotOf([...base, cluster]), [recordOf()]);
    assert.equal(entry.changed, false);
    assert.deepEqual(entry.record, recordOf());
    assert.match(entry.faults[0]?.path ?? '', /^spec\.network/);
  });

  test('a host that becomes another machine would leave all VMs behind', () => {
    const moved = hostOf('rhodey', { uri: 'qemu+ssh://bench@elsewhere/system' });
    const entry = only(snapshotOf([moved, imageOf(), clusterOf()]), [recordOf()]);
    assert.equal(entry.changed, false);
    assert.equal(entry.faults[0]?.path, 'BenchHost rhodey: spec.uri');
  });

  test('a host that is reached in another way is taken', () => {
    const host = hostOf('rhodey', { ssh: { identityFile: '/key' } });
    const entry = only(snapshotOf([host, imageOf(), clusterOf()]), [recordOf()]);
    assert.equal(entry.record?.host.spec.ssh?.identityFile, '/key');
  });
});

describe('a file that has not settled', () => {
  const twelve = recordOf(clusterOf({ replicas: 12 }));
  const cases: [string, ClusterRecord, Manifest['object'][], boolean][] = [
    ['may add replicas', recordOf(), [...base, clusterOf({ replicas: 12 })], true],
    [
      'does not take replicas away (12 cut to 1)',
      twelve,
      [...base, clusterOf({ replicas: 1 })],
      false,
    ],
    ['does not take a pool away', twelve, [...base, clusterOf({ spec: { workers: [] } })], false],
    [
      'does not change memory (1Gi cut to 100Mi)',
      recordOf(),
      [...base, clusterOf({ pool: { memory: '100Mi' } })],
      false,
    ],
    [
      'does not shorten a drain',
      recordOf(),
      [...base, clusterOf({ pool: { drain: { timeout: '1m' } } })],
      false,
    ],
    [
      'does not unpause',
      recordOf(clusterOf({ spec: { paused: true } })),
      [...base, clusterOf()],
      false,
    ],
    [
      'does not change the image',
      recordOf(),
      [hostOf(), imageOf('debian', 'b'), clusterOf()],
      false,
    ],
  ];
  for (const [name, record, objects, taken] of cases) {
    test(name, () => {
      const manifests = objects.map((object) => manifestOf(object, false));
      const entry = only(snapshotOf(manifests), [record]);
      assert.equal(entry.changed, taken);
      assert.equal(entry.record?.generation, taken ? 2 : 1);
      const settled = only(snapshotOf(objects), [record]);
      assert.equal(settled.changed, true, 'and is taken when it has settled');
    });
  }

  test('of an image that it does not use does not matter', () => {
    const stranger = manifestOf(imageOf('stranger'), false);
    const entry = only(snapshotOf([...base, stranger, clusterOf({ replicas: 1 })]), [recordOf()]);
    assert.equal(entry.changed, true);
  });

  test('revives a cluster that is being deleted', () => {
    const record = recordOf(clusterOf(), { deletionTimestamp: '2026-01-01T00:00:00.000Z' });
    const entry = only(snapshotOf([...base, manifestOf(clusterOf(), false)]), [record]);
    assert.equal(entry.record?.deletionTimestamp, undefined);
    assert.equal(entry.changed, true);
  });
});

describe('a new cluster', () => {
  const whole = (object: Manifest['object'], settled = false): Manifest => {
    const manifest = manifestOf(object, settled);
    return { ...manifest, origin: { ...manifest.origin, whole: true } };
  };
  const half = (object: Manifest['object']) => manifestOf(object, false);

  test('waits until its file has settled, so that no head is made for the half of a file', () => {
    const entry = only(snapshotOf([...base, half(clusterOf())]), []);
    assert.equal(entry.record, undefined);
    assert.equal(entry.changed, false);
    assert.deepEqual(entry.faults, []);
  });

  test('begins at once with a file that says that it is whole', () => {
    const entry = only(snapshotOf([...base, whole(clusterOf())]), []);
    assert.deepEqual(entry.record, recordOf());
  });

  test('waits for the image and the host that it refers to', () => {
    for (const late of base) {
      const others = base.filter((object) => object !== late);
      assert.equal(
        only(snapshotOf([...others, half(late), whole(clusterOf())]), []).changed,
        false,
      );
      assert.equal(
        only(snapshotOf([...others, whole(late), whole(clusterOf())]), []).changed,
        true,
      );
    }
  });

  test('takes the host of this machine only when it is sure that none is written', () => {
    const objects = [imageOf(), whole(clusterOf())];
    assert.equal(only(snapshotOf(objects, { trusted: false }), []).changed, false);
    assert.equal(only(snapshotOf(objects), []).record?.host.metadata.name, 'local');
    const written = snapshotOf([hostOf(), ...objects], { trusted: false });
    assert.equal(only(written, []).changed, true);
  });

  test('that is there by then shrinks only by a settled file, whole or not', () => {
    const entry = only(snapshotOf([...base, whole(clusterOf({ replicas: 1 }))]), [recordOf()]);
    assert.equal(entry.changed, false);
    assert.equal(entry.undecided, 'written');
  });
});

describe('a protected cluster', () => {
  const shielded = (value = 'true') => {
    const cluster = clusterOf();
    cluster.metadata.annotations = { [protectAnnotation]: value };
    return cluster;
  };

  test('is kept when its manifest vanishes, and also when somebody asks for its deletion', () => {
    for (const requested of [[], [key]]) {
      const entry = only(snapshotOf(base), [recordOf(shielded())], requested);
      assert.equal(entry.changed, false);
      assert.equal(entry.record?.deletionTimestamp, undefined);
      assert.equal(entry.hold?.reason, 'DeletionProtected');
      assert.match(entry.hold?.message ?? '', /benchcluster\.io\/protect/);
    }
  });

  test('may still be scaled and changed', () => {
    const cluster = { ...shielded(), spec: clusterOf({ replicas: 1 }).spec };
    const entry = only(snapshotOf([...base, cluster]), [recordOf(shielded())]);
    assert.equal(entry.record?.generation, 2);
    assert.equal(entry.hold, undefined);
  });

  test('goes when the annotation was taken away before', () => {
    const settled = only(snapshotOf([...base, clusterOf()]), [recordOf(shielded())]);
    assert.ok(settled.record && settled.changed);
    assert.ok(only(snapshotOf(base), [settled.record]).record?.deletionTimestamp);
    assert.ok(only(snapshotOf(base), [recordOf(shielded('false'))]).record?.deletionTimestamp);
  });

  test('does not lose the annotation to a file that has not settled', () => {
    const unsettled = manifestOf(clusterOf(), false);
    assert.equal(only(snapshotOf([...base, unsettled]), [recordOf(shielded())]).changed, false);
  });
});

describe('a manifest that is not there', () => {
  test('of a source that is whole is the order to delete', () => {
    const entry = only(snapshotOf(base), [recordOf()]);
    assert.equal(entry.record?.deletionTimestamp, '2026-01-01T00:00:00.000Z');
    assert.equal(entry.changed, true);
  });

  test('stays deleted, and keeps its time', () => {
    const record = recordOf(clusterOf(), { deletionTimestamp: '2025-01-01T00:00:00.000Z' });
    const entry = only(snapshotOf(base), [record]);
    assert.equal(entry.record, record);
    assert.equal(entry.changed, false);
  });

  const kept: [string, Partial<SourceSnapshot>, RegExp][] = [
    ['because its file is broken', { faults: [fault] }, /bad indentation/],
    [
      'because it is a fault itself',
      {
        faults: [
          { ...fault, object: { kind: 'BenchCluster', namespace: 'default', name: 'alpha' } },
        ],
      },
      /bad indentation/,
    ],
    ['because another file cannot be read', { faults: [{ ...fault, file: 'x' }] }, /bad/],
    ['because the source is not whole', { trusted: false, reason: 'empty' }, /empty/],
  ];
  for (const [why, more, message] of kept) {
    test(`${why}: the last good spec stays`, () => {
      const entry = only(snapshotOf(base, more), [recordOf()]);
      assert.equal(entry.changed, false);
      assert.equal(entry.record?.deletionTimestamp, undefined);
      assert.match(entry.faults[0]?.message ?? '', message);
    });
  }

  test('is deleted in spite of faults when somebody asked for it', () => {
    const entry = only(snapshotOf(base, { faults: [fault], trusted: false }), [recordOf()], [key]);
    assert.equal(entry.record?.deletionTimestamp, '2026-01-01T00:00:00.000Z');
  });

  test('faults of other objects do not keep it', () => {
    const object = { kind: 'BenchCluster', namespace: 'default', name: 'beta' };
    const entry = only(snapshotOf(base, { faults: [{ ...fault, object }] }), [recordOf()]);
    assert.equal(entry.changed, true);
  });

  test('says nothing about other clusters', () => {
    const beta = clusterOf({ name: 'beta' });
    const records = [recordOf(), recordOf(beta)];
    const entries = catalog(snapshotOf([...base, beta]), records, now, new Set());
    assert.deepEqual(
      entries.map((entry) => [entry.key, entry.record?.deletionTimestamp !== undefined]),
      [
        [key, true],
        [clusterKey(beta.metadata), false],
      ],
    );
  });
});
