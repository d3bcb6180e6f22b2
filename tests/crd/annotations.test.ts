/** Annotations of our own group mean something exactly, or are faults. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { describeFault } from '../../src/crd/fault.ts';
import { load } from '../../src/crd/load.ts';

function faultsOf(annotation: string): string[] {
  const text = `apiVersion: benchcluster.io/v1alpha1
kind: BenchCluster
metadata:
  name: a
  annotations:
    ${annotation}
spec:
  scheduler: {slurm: {}}
  image: debian
  network: {name: bench}
  workers: []
`;
  return load('a.yaml', text).faults.map(describeFault);
}

const good = [
  'benchcluster.io/protect: "true"',
  'benchcluster.io/protect: "false"',
  'benchcluster.io/confirm-deletion: 0123456789ab',
  'other.example/protct: anything',
  'team: x',
];
for (const annotation of good) {
  test(`${annotation} is taken`, () => assert.deepEqual(faultsOf(annotation), []));
}

const bad: [string, RegExp][] = [
  [
    'benchcluster.io/protct: "true"',
    /is not a known annotation.*did you mean "benchcluster\.io\/protect"\?/,
  ],
  [
    'benchcluster.io/constructor: "true"',
    /is not a known annotation.*known are benchcluster\.io\/protect/,
  ],
  ['benchcluster.io/protect: true', /must be text.*quote it: "true"/],
  ['benchcluster.io/protect: "yes"', /must be "true" or "false"/],
  ['benchcluster.io/confirm-deletion: "all"', /must be the revision/],
];
for (const [annotation, message] of bad) {
  test(`${annotation} is a fault at its place`, () => {
    const [fault = '', ...more] = faultsOf(annotation);
    assert.deepEqual(more, []);
    assert.match(fault, message);
    assert.match(fault, /^a\.yaml:6:\d+: metadata\.annotations\["benchcluster\.io/);
  });
}
