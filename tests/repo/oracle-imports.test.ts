/** The oracle and the code that it judges cannot err together: they share nothing that runs. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { importsOf, typescriptUnder } from './source-files.ts';

test('the oracle imports itself, Node, and types of the API and of the simulated world', () => {
  const files = typescriptUnder('tests/oracle');
  assert.ok(files.length > 20);
  for (const file of files) {
    for (const { target, typeOnly } of importsOf(file)) {
      if (target.startsWith('node:') || target.startsWith('tests/oracle/')) continue;
      const isPlainType = typeOnly && /^src\/(sim|crd)\//.test(target);
      assert.ok(isPlainType, `${file.path} imports ${target}: write it anew`);
    }
  }
});

/** What else says how the world is and how it should be; the reader is what is judged there. */
const judges = ['pairs/judge', 'expected', 'witness', 'source-files'].map(
  (name) => `tests/sim/${name}.ts`,
);
const judged = 'src/drivers/manifest-directory.ts';

test('what judges in the simulator runs no code of the controller either, only the world', () => {
  const files = typescriptUnder('tests/sim').filter(({ path }) => judges.includes(path));
  assert.equal(files.length, judges.length);
  for (const file of files) {
    for (const { target, typeOnly } of importsOf(file)) {
      if (typeOnly || !target.startsWith('src/') || target.startsWith('src/sim/')) continue;
      assert.equal(target, judged, `${file.path} imports ${target}: write it anew`);
    }
  }
});
