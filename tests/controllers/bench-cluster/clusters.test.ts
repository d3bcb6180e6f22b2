/** The table of clusters: what one may know of the others, and whom an event concerns. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { type Cluster, Clusters } from '../../../src/controllers/bench-cluster/clusters.ts';
import { Effects } from '../../../src/controllers/bench-cluster/effects.ts';
import { Sightings } from '../../../src/controllers/bench-cluster/sightings.ts';
import type { ClusterRecord } from '../../../src/controllers/ports.ts';
import { createLog } from '../../../src/lib/log.ts';
import { VirtualClock } from '../../../src/sim/virtual-clock.ts';
import { clusterOf, hostOf, identity, imageOf, recordOf } from '../../fakes/builders.ts';

function made(): Cluster {
  const clock = new VirtualClock();
  const options = { clock, random: () => 0, log: createLog('silent'), limit: 8, wake: () => {} };
  return { faults: [], effects: new Effects(options), sightings: new Sightings(clock) };
}

const leaving = { deletionTimestamp: '2026-01-01T00:00:00Z' };
const alpha = recordOf(clusterOf(), leaving);
const beta = recordOf(clusterOf({ name: 'beta' }), { images: [imageOf(), imageOf('other', 'd')] });

function table(...records: ClusterRecord[]): Clusters {
  const clusters = new Clusters(identity, made);
  for (const record of records) clusters.of(`default/${record.cluster.metadata.name}`, record);
  return clusters;
}

describe('what the other clusters of a host want', () => {
  const wanted = (more: Partial<ClusterRecord>, own = alpha) =>
    table(own, { ...beta, ...more }).others('default/alpha', own);

  test('is their network and their images', () => {
    const { networks, artifacts } = wanted({});
    assert.deepEqual([...networks], ['bench-net']);
    assert.equal(artifacts.size, 6);
    assert.ok(artifacts.has('other-dddddddddddd.qcow2'));
  });

  test('is nothing when they are being deleted, or on another host', () => {
    assert.equal(wanted(leaving).networks.size, 0);
    assert.equal(wanted({ host: hostOf('hulk') }).networks.size, 0);
  });

  test('is nothing of those that are gone', () => {
    const clusters = table(alpha, beta);
    clusters.delete('default/beta');
    assert.equal(clusters.others('default/alpha', alpha).networks.size, 0);
  });
});

describe('an event of a host', () => {
  const other = recordOf(clusterOf({ name: 'gamma' }), { host: hostOf('hulk') });
  const clusters = table(recordOf(), beta, other);
  for (const name of ['alpha', 'beta', 'gamma']) {
    const cluster = clusters.of(`default/${name}`);
    assert.ok(cluster.record);
    clusters.desired(`default/${name}`, cluster, cluster.record);
  }
  const nodes = clusters.get('default/beta')?.desired?.value.nodes;

  test('of one of our domains concerns its cluster alone', () => {
    assert.deepEqual(clusters.concernedBy('rhodey', nodes?.[0]?.uuid), ['default/beta']);
  });

  test('of a domain that nobody knows, or of no domain, concerns all of that host', () => {
    const all = ['default/alpha', 'default/beta'];
    assert.deepEqual(clusters.concernedBy('rhodey', undefined), all);
    assert.deepEqual(clusters.concernedBy('rhodey', 'f0e1d2c3-0000-4000-8000-000000000000'), all);
  });
});
