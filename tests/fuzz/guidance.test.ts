/**
 * The fuzzer itself: it finds a planted bug because coverage leads it there, not by luck, and the
 * same seed is the same run.
 */
import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Counter } from './coverage.ts';
import { type Exploration, explore, type Failure } from './explore.ts';
import { minimized, nameOf, signatureOf } from './minimize.ts';

const executions = 120_000;
// The target is loaded after counting has begun.
const counter = new Counter([fileURLToPath(new URL('./planted.ts', import.meta.url))]);
const { planted } = await import('./planted.ts');
after(() => counter.close());

async function search(seed: number, more: Pick<Exploration, 'counter'>, most = executions) {
  let failure: Failure | undefined;
  const found = await explore({
    surface: planted,
    seed,
    corpus: planted.seeds(),
    goesOn: (done) => done < most,
    ...more,
    onFailure(first) {
      failure = first;
      return false;
    },
  });
  return { ...found, failure };
}

for (const seed of [1, 2, 3]) {
  test(`coverage leads to the planted bug (seed ${seed})`, async () => {
    const { failure } = await search(seed, { counter });
    assert.equal(failure?.error.message, 'the planted bug');
    const small = await minimized(planted, failure ?? assert.fail());
    assert.deepEqual([...small], [0x7f, 0x42, 0x99], 'and nothing else');
  });

  test(`as many blind executions do not find it (seed ${seed})`, async () => {
    const { failure, executions: done } = await search(seed, {});
    assert.equal(failure, undefined);
    assert(done >= executions);
  });
}

test('the same seed is the same run, another seed another', async () => {
  const names = async (seed: number) => (await search(seed, { counter }, 4_000)).corpus.map(nameOf);
  const first = await names(7);
  assert(first.length > 1, 'something was learnt');
  assert.deepEqual(await names(7), first);
  assert.notDeepEqual(await names(8), first);
});

test('failures of one cause have one signature, whatever the input', () => {
  const [one, two] = ['a 12 "x"', 'a 5 "other"'].map((message) => signatureOf(new Error(message)));
  assert.equal(one, two);
  assert.notEqual(one, signatureOf(new TypeError('a 12 "x"')));
});
