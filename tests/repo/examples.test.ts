import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { describeFault } from '../../src/crd/fault.ts';
import { load } from '../../src/crd/load.ts';
import { takeIn } from '../../src/drivers/manifest-set.ts';
import { filesUnder, root } from './source-files.ts';

const examples = filesUnder('manifests/examples').map(({ path, text }) => ({
  path,
  loaded: load(join(root, path), text),
}));

test('every example loads without a fault', () => {
  assert(examples.length >= 4);
  for (const { path, loaded } of examples) {
    assert.deepEqual(loaded.faults.map(describeFault), [], path);
    assert(loaded.manifests.length > 0, path);
  }
});

test('the examples can be in one directory, and name hosts that are there', () => {
  const files = examples.map(({ path, loaded }) => {
    return { path, loaded, settled: true, known: true, missing: false, kept: [], marked: false };
  });
  const { manifests, faults } = takeIn(files);
  assert.deepEqual(faults, []);
  const hosts = manifests.flatMap(({ kind, object }) =>
    kind === 'BenchHost' ? [object.metadata.name] : [],
  );
  for (const { kind, object } of manifests) {
    if (kind !== 'BenchCluster') continue;
    for (const host of object.spec.placement?.hosts ?? []) assert(hosts.includes(host), host);
  }
});

test('no example pins an image: its digest would be that of nothing', () => {
  for (const { path, loaded } of examples) {
    assert(!loaded.manifests.some(({ kind }) => kind === 'BenchImage'), path);
  }
});
