/** Properties of the loader over generated and cut texts. The seed of a failure is printed. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { describeFault } from '../../src/crd/fault.ts';
import { type Loaded, load } from '../../src/crd/load.ts';
import { clusterText, hostText, imageText } from './manifest-texts.ts';

const samples = [
  clusterText({ replicas: 12 }),
  `${clusterText()}---\n${hostText()}---\n${imageText()}...\n`,
  clusterText({
    spec: '  controlPlane: {cpus: 2, memory: 2Gi}\n  access: {authorizedKeys: []}\n',
  }),
];

/** What is so for every input at all. */
function checkSane({ manifests, faults }: Loaded): void {
  assert(manifests.length > 0 || faults.length > 0);
  for (const fault of faults) {
    // The last fence was not needed.
    assert.doesNotMatch(fault.message, /^cannot be read: /);
    assert(fault.message !== '' && !/[\n\r]/.test(describeFault(fault)));
    assert(fault.line === undefined || fault.line >= 1);
    assert(fault.column === undefined || fault.column >= 1);
  }
}

test('cut at any byte but the last of a line, no sample gives any object', () => {
  for (const sample of samples) {
    const bytes = Buffer.from(sample);
    for (let length = 0; length < bytes.length; length += 1) {
      const cut = bytes.subarray(0, length);
      const loaded = load('a.yaml', cut);
      checkSane(loaded);
      if (cut.at(-1) !== 10) assert.deepEqual(loaded.manifests, [], `cut to ${length} bytes`);
    }
  }
});

test('cut at a line end, a marked file has lost its mark', () => {
  const sample = samples[1] ?? '';
  assert.equal(load('a.yaml', sample).marked, true);
  for (let at = sample.indexOf('\n'); at < sample.length - 1; at = sample.indexOf('\n', at + 1)) {
    assert.equal(load('a.yaml', sample.slice(0, at + 1)).marked, false);
  }
});

test('bytes of any kind never throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => checkSane(load('a', bytes))));
});

const fragment = fc.constantFrom(
  ...[
    'a',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '? ',
    '[',
    ']',
    '{',
    '}',
    ',',
    '"',
    "'",
    '|',
    '>',
    '&a',
    '*a',
  ],
  ...[
    '!t',
    '#',
    '%',
    '---\n',
    '...\n',
    '\t',
    '\\',
    '<<',
    '__proto__',
    '0',
    '08',
    '1e9',
    '.inf',
    '~',
  ],
  ...['kind: BenchCluster\n', 'metadata: ', 'spec:\n', 'name: x\n', 'apiVersion: ', 'é', '\ud800'],
);

test('pieces of YAML in any order never throw', () => {
  const text = fc.array(fragment, { maxLength: 60 }).map((parts) => `${parts.join('')}\n`);
  fc.assert(
    fc.property(text, (each) => checkSane(load('a', each))),
    { numRuns: 2000 },
  );
});

test('a sample with a few bytes changed never throws, and is whole or faulty', () => {
  const change = fc.tuple(fc.nat(), fc.string({ maxLength: 3 }));
  const changed = fc.tuple(fc.constantFrom(...samples), fc.array(change, { maxLength: 4 }));
  fc.assert(
    fc.property(changed, ([sample, changes]) => {
      const text = changes.reduce((current, [at, insert]) => {
        const place = at % current.length;
        return current.slice(0, place) + insert + current.slice(place + insert.length);
      }, sample);
      checkSane(load('a', text));
    }),
    { numRuns: 1000 },
  );
});

const anyValue = fc.anything({ maxDepth: 3, withBigInt: false, withDate: false });
const paths = ['metadata', 'spec', 'spec.workers', 'spec.network', 'spec.scheduler.slurm'];

test('a value of any type at any place is a fault or a value, never a throw', () => {
  const replaced = fc.tuple(fc.constantFrom(...paths), anyValue);
  fc.assert(
    fc.property(replaced, ([path, value]) => {
      const object = {
        apiVersion: 'benchcluster.io/v1alpha1',
        kind: 'BenchCluster',
        metadata: { name: 'a' },
        spec: { scheduler: { slurm: {} }, image: 'i', network: { name: 'n' }, workers: [] },
      };
      const steps = path.split('.');
      const last = steps.pop() ?? '';
      const parent = steps.reduce<object>((node, step) => Reflect.get(node, step), object);
      Reflect.set(parent, last, value);
      checkSane(load('a', `${JSON.stringify(object)}\n`));
    }),
  );
});
