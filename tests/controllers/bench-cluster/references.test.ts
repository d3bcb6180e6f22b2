/** Which image and host a cluster means, when several namespaces have one of the name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { desiredCluster } from '../../../src/controllers/bench-cluster/desired.ts';
import { references } from '../../../src/controllers/bench-cluster/references.ts';
import type { ClusterRecord, SourceSnapshot } from '../../../src/controllers/ports.ts';
import type { Manifest } from '../../../src/crd/manifest.ts';
import { manifestOf } from '../../../src/sim/memory-source.ts';
import { clusterOf, hostOf, identity, imageOf, recordOf } from '../../fakes/builders.ts';

function within<T extends Manifest['object']>(namespace: string, object: T): T {
  return { ...object, metadata: { ...object.metadata, namespace } };
}

function snapshotOf(...objects: Manifest['object'][]): SourceSnapshot {
  return { trusted: true, faults: [], manifests: objects.map((item) => manifestOf(item)) };
}

const ofLab = clusterOf({ namespace: 'lab' });
const placed = clusterOf({ namespace: 'lab', spec: { placement: { hosts: ['rhodey'] } } });
const shared = [imageOf(), hostOf()];
const labImage = within('lab', imageOf('debian', 'b'));
const labHost = within('lab', hostOf('rhodey', { pool: 'lab' }));
const before = (more: Partial<ClusterRecord>) => recordOf(ofLab, more);

test('what is shared is found from every namespace', () => {
  const found = references(snapshotOf(...shared), ofLab, undefined);
  assert.deepEqual(found.problems, []);
  assert.deepEqual([...found.images, found.host], shared);
});

test('what is in the namespace of the cluster comes first, in whatever order it is read', () => {
  for (const objects of [
    [...shared, labImage, labHost],
    [labHost, labImage, ...shared],
  ]) {
    for (const cluster of [ofLab, placed]) {
      const found = references(snapshotOf(...objects), cluster, undefined);
      assert.deepEqual(found.problems, []);
      assert.deepEqual([...found.images, found.host], [labImage, labHost]);
    }
    const ofDefault = references(snapshotOf(...objects), clusterOf(), undefined);
    assert.deepEqual([...ofDefault.images, ofDefault.host], shared);
  }
});

test('what is only in a namespace of others is not taken, and is told', () => {
  const objects = [within('web', imageOf()), within('web', hostOf())];
  const { host, images, problems } = references(snapshotOf(...objects), placed, undefined);
  assert.deepEqual([host, images], [undefined, []]);
  assert.deepEqual(
    problems.map(({ path, message }) => `${path}: ${message}`),
    [
      'spec.image: BenchImage debian is not in namespace lab or default; there is one in web',
      'spec.placement.hosts: BenchHost rhodey is not in namespace lab or default; there is one in web',
    ],
  );
});

test('with hosts of others only, this machine is not taken by guess', () => {
  const found = references(snapshotOf(imageOf(), within('web', hostOf())), clusterOf(), undefined);
  assert.equal(found.host, undefined);
  assert.match(found.problems[0]?.message ?? '', /^no BenchHost is in namespace default; .* web$/);
});

test('several hosts of its own namespace ask for one to be named, and others do not count', () => {
  const own = [labHost, within('lab', hostOf('vision'))];
  const { problems } = references(snapshotOf(...shared, ...own), ofLab, undefined);
  assert.equal(problems[0]?.hint, 'name one of rhodey, vision');
});

test('no namesake moves a cluster that has its VMs on a host', () => {
  const record = before({ host: hostOf() });
  const both = references(snapshotOf(...shared, labHost), placed, record);
  assert.deepEqual(both.host, hostOf());
  const gone = references(snapshotOf(imageOf(), labHost), placed, record);
  assert.deepEqual(gone.host, hostOf());
});

test('an image that is gone is not replaced by another one of the same name', () => {
  const record = before({ images: [labImage] });
  const other = references(snapshotOf(...shared), ofLab, record);
  assert.match(other.problems[0]?.message ?? '', /debian of namespace lab is gone, .* another one/);
  const same = within('default', labImage);
  const moved = references(snapshotOf(same, hostOf()), ofLab, record);
  assert.deepEqual([moved.images, moved.problems], [[same], []]);
  const none = references(snapshotOf(hostOf()), ofLab, record);
  assert.deepEqual([none.images, none.problems], [[labImage], []]);
});

test('only what the cluster means must have settled', () => {
  const snapshot = snapshotOf(...shared, labImage, labHost);
  const settledBut = (unsettled: Manifest['object']) => ({
    ...snapshot,
    manifests: snapshot.manifests.map((item) => ({
      ...item,
      origin: { ...item.origin, settled: item.object !== unsettled },
    })),
  });
  const settled = (object: Manifest['object']) =>
    references(settledBut(object), ofLab, undefined).settled;
  assert.deepEqual([labImage, labHost, ...shared].map(settled), [false, false, true, true]);
});

test('hosts of one name in two namespaces are two hosts', () => {
  const hostNames = [hostOf(), labHost].map(
    (host) => desiredCluster(recordOf(ofLab, { host }), identity).host,
  );
  assert.deepEqual(hostNames, ['rhodey', 'lab/rhodey']);
});
