/** Hostile and broken text: each gets a clear fault, fast, and nothing else happens. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { load } from '../../src/crd/load.ts';
import { clusterText, hostText } from './manifest-texts.ts';

interface Case {
  text?: string;
  base64?: string;
  /** Part of a message; absent: the text is good. */
  fault?: string;
  /** Where that fault is; absent when it is one of the whole file. */
  line?: number;
}

const corpus: Record<string, Case> = JSON.parse(
  readFileSync(new URL('../corpus/manifests.json', import.meta.url), 'utf8'),
);

test('the advice about a number leads to a value that is taken', () => {
  const adviceOn = (replicas: string) => {
    const [fault] = load(
      'a.yaml',
      clusterText().replace(/replicas: \d+/, `replicas: ${replicas}`),
    ).faults;
    return `${fault?.message} (${fault?.hint})`;
  };
  assert.match(adviceOn('1e400'), /too large to be exact \(write a smaller one, or/);
  assert.match(adviceOn('1.5'), /^must be a whole number, not 1\.5 /);
});

for (const [name, { text, base64, fault, line }] of Object.entries(corpus)) {
  test(`corpus: ${name}`, () => {
    const content = base64 === undefined ? (text ?? '') : Buffer.from(base64, 'base64');
    const { manifests, faults } = load('a.yaml', content);
    const messages = faults.map(({ path = '', message }) => `${path}: ${message}`).join('\n');
    if (fault === undefined) {
      assert.equal(messages, '');
      assert.equal(manifests.length, 1);
    } else {
      assert.deepEqual(manifests, []);
      const found = faults.find(({ path = '', message }) => `${path}: ${message}`.includes(fault));
      assert(found, messages);
      assert.equal(found.line, line, messages);
    }
  });
}

test('nothing that was read has reached the prototype of objects', () => {
  for (const { text } of Object.values(corpus)) if (text !== undefined) load('a.yaml', text);
  assert.equal(Reflect.get({}, 'polluted'), undefined);
});

const size = 64 * 1024;
const filled = (part: string) => `${part.repeat(Math.floor((size - 8) / part.length))}\n`;

const floods: [string, string, RegExp][] = [
  ['one byte too many', `${'#'.repeat(size)}\n`, /larger than 64 KiB/],
  ['a megabyte', 'a'.repeat(1 << 20), /larger than 64 KiB/],
  ['open brackets', filled('['), /nested deeper/],
  ['open braces', filled('{a: '), /nested deeper/],
  ['dashes', filled('- '), /nested deeper/],
  ['question marks', filled('? '), /nested deeper|more than/],
  ['colons', filled(': '), /nested deeper|more than/],
  ['closing brackets', filled(']'), /./],
  ['commas', `[${','.repeat(size - 100)}]\n`, /more than/],
  [
    '2,001 keys',
    Array.from({ length: 2001 }, (_, i) => `k${i}: 1\n`).join(''),
    /more than 2000 keys/,
  ],
  ['documents', filled('---\n'), /more than 100 documents/],
  ['anchors', filled('- &a\n'), /more than 20 anchors/],
  ['aliases', filled('- *a\n'), /more than 20 aliases/],
  ['tags', filled('- !a b\n'), /tag/],
  ['directives', filled('%a\n'), /directive/],
  ['deep blocks', Array.from({ length: 300 }, (_, i) => `${' '.repeat(i)}a:\n`).join(''), /deeper/],
  ['broken lines', filled('a: b: c\n'), /./],
  ['tabs', filled('\t'), /./],
  ['comments', filled('#\n'), /more than 20000 tokens/],
  ['a long name', hostText('a'.repeat(60_000)), /at most 40 characters/],
  [
    'a key of 60,000 letters',
    clusterText({ spec: `  ${'x'.repeat(60_000)}: 1\n` }),
    /at most 1024 chars/,
  ],
  ['quotes', filled('"\\'), /./],
];

for (const [name, text, expected] of floods) {
  test(`flood: ${name}`, () => {
    const { manifests, faults } = load('a.yaml', text);
    assert.deepEqual(manifests, []);
    assert.match(faults[0]?.message ?? '', expected);
    // The best of a few, so that another busy program does not fail this one.
    const times = Array.from({ length: 3 }, () => {
      const start = performance.now();
      load('a.yaml', text);
      return performance.now() - start;
    });
    // On a quiet machine it takes milliseconds; only what grows without bound comes near this.
    assert(Math.min(...times) < 2_000, `took ${Math.min(...times)} ms`);
  });
}

test('1,900 keys of labels are within the limits and fast', () => {
  const labels = Array.from({ length: 1900 }, (_, i) => `    k${i}: "1"\n`).join('');
  const text = `apiVersion: benchcluster.io/v1alpha1
kind: BenchHost
metadata:
  name: a
  labels:
${labels}spec:
  uri: qemu:///system
`;
  assert.deepEqual(load('a.yaml', text).faults, []);
});
