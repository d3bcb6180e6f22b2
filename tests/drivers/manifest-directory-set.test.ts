/** The pure part: what any sequence of readings of files may mean. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { load } from '../../src/crd/load.ts';
import type { Manifest } from '../../src/crd/manifest.ts';
import { type ManifestFile, manifestKey, takeIn } from '../../src/drivers/manifest-set.ts';
import { clusterText, hostText, imageText } from '../crd/manifest-texts.ts';

function read(path: string, text: string | Uint8Array, before?: ManifestFile): ManifestFile {
  return {
    path,
    loaded: load(path, text),
    settled: false,
    known: true,
    missing: false,
    kept: before?.kept ?? [],
    marked: before?.marked ?? false,
  };
}

function replicas(manifests: readonly Manifest[], name: string): number[] {
  return manifests.flatMap(({ kind, object }) =>
    kind === 'BenchCluster' && object.metadata.name === name
      ? object.spec.workers.map(({ replicas }) => replicas)
      : [],
  );
}

const two = `${clusterText({ name: 'a', replicas: 12 })}---\n${clusterText({ name: 'b', replicas: 3 })}`;
const samples = [
  two,
  `${two}...\n`,
  `${hostText()}---\n${clusterText({ name: 'a', replicas: 12 })}---\n${imageText()}`,
];

test('a file cut at any byte while it is written takes nothing away, and shrinks nothing that is settled', () => {
  for (const sample of samples) {
    const bytes = Buffer.from(sample);
    const whole = { ...read('f', bytes), settled: true };
    const keys = takeIn([whole]).manifests.map(manifestKey).sort();
    for (let length = 0; length < bytes.length; length += 1) {
      const file = read('f', bytes.subarray(0, length), whole);
      const { manifests } = takeIn([file]);
      assert.deepEqual(manifests.map(manifestKey).sort(), keys, `cut to ${length} bytes`);
      for (const manifest of manifests) {
        const smaller = replicas([manifest], 'a').some((count) => count !== 12);
        assert(!smaller || !manifest.origin.settled, `cut to ${length} bytes`);
      }
    }
  }
});

test('a marked file that is left cut at any byte is a fault and changes nothing', () => {
  const bytes = Buffer.from(samples[1] ?? '');
  const whole = { ...read('f', bytes), settled: true };
  const good = takeIn([whole]).manifests;
  // Only the line end of the mark itself may be missing its meaning; every cut is seen.
  for (let length = 0; length < bytes.length; length += 1) {
    const file = { ...read('f', bytes.subarray(0, length), whole), settled: true };
    const { manifests, faults } = takeIn([file]);
    assert(faults.length > 0, `cut to ${length} bytes`);
    assert.deepEqual(manifests, good);
  }
});

const text = fc.constantFrom(
  clusterText({ name: 'a' }),
  clusterText({ name: 'b' }),
  `${clusterText({ name: 'a' })}---\n${clusterText({ name: 'b' })}`,
  'kind: [\n',
  '',
);
const step = fc.record({
  file: fc.constantFrom('f', 'g'),
  text,
  settled: fc.boolean(),
  missing: fc.boolean(),
});

test('after any steps each object is in force once at most, and only from a good version', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      const files = new Map<string, ManifestFile>();
      for (const { file, text, settled, missing } of steps) {
        files.set(file, { ...read(file, text, files.get(file)), settled, missing });
        const { manifests } = takeIn([...files.values()]);
        const keys = manifests.map(manifestKey);
        assert.equal(new Set(keys).size, keys.length);
      }
    }),
  );
});

test('an object never vanishes while its file is broken, unsettled or missing', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 12 }), (steps) => {
      let file = { ...read('f', clusterText({ name: 'a' })), settled: true };
      takeIn([file]);
      for (const { text, settled, missing } of steps) {
        const next = read('f', text, file);
        const confirmed = settled && next.loaded.faults.length === 0;
        file = { ...next, settled: false, missing };
        const { manifests } = takeIn([file]);
        assert.deepEqual(replicas(manifests, 'a'), [2]);
        if (confirmed && text.includes('name: a')) takeIn([{ ...file, settled: true }]);
      }
    }),
  );
});
