import assert from 'node:assert/strict';
import { test } from 'node:test';
import { absolutePaths } from '../../src/crd/absolute-paths.ts';

const image = (source: string) => `kind: BenchImage # mine\nspec:\n  source: ${source}\n`;

const ways: [string, string, string][] = [
  ['plain', '{path: a/b.qcow2, sha256: x}', '{path: "/from/a/b.qcow2", sha256: x}'],
  ['single quotes', "{path: 'a b'}", '{path: "/from/a b"}'],
  ['double quotes and a quoted key', '{"path": "a\\tb"}', '{"path": "/from/a\\tb"}'],
  ['upwards', '{path: ../x}', '{path: "/x"}'],
  ['a block of lines', '\n    path: a # where', '\n    path: "/from/a" # where'],
  ['an anchor', '{path: &p a, sha256: *p}', '{path: &p "/from/a", sha256: *p}'],
  ['absolute already', '{path: /a/b}', '{path: /a/b}'],
];
for (const [name, before, after] of ways) {
  test(`a path is made absolute where it stands: ${name}`, () => {
    assert.equal(absolutePaths(image(before), 'BenchImage', '/from'), image(after));
  });
}

test('every file of an image, and a field of the same name elsewhere stays', () => {
  const text =
    'metadata: {labels: {path: a}}\nspec: {boot: {initrd: {path: i}, kernel: {path: k}}}\n';
  const moved = text.replace('path: i', 'path: "/f/i"').replace('path: k', 'path: "/f/k"');
  assert.equal(absolutePaths(text, 'BenchImage', '/f'), moved);
});

test('a cluster names no files', () => {
  const text = 'spec: {source: {path: a}, ssh: {identityFile: b}}\n';
  assert.equal(absolutePaths(text, 'BenchCluster', '/f'), text);
});
