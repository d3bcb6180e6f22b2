/** The mutants are of the code as it is, and no net hangs for nothing; `npm run sim` lets them loose. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { mutants } from './mutants/mutants.ts';
import { nets } from './mutants/nets.ts';

const root = new URL('../../', import.meta.url);

test('each mistake can be made: its text stands in its file once', () => {
  const stale = mutants.filter(({ file, from }) => {
    return readFileSync(new URL(file, root), 'utf8').split(from).length !== 2;
  });
  assert.deepEqual(
    stale.map(({ name }) => name),
    [],
  );
});

test('each has a name and a net of its own, and each net has a mistake to catch', () => {
  assert.equal(new Set(mutants.map(({ name }) => name)).size, mutants.length);
  const used = new Set(mutants.map(({ net }) => net));
  assert.deepEqual([...used].sort(), Object.keys(nets).sort());
});
