/** Effects under way and failures remembered: each key once, one per lane, bounded, forgotten on success. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Failures } from '../../../src/controllers/bench-cluster/failures.ts';
import { Operations } from '../../../src/controllers/bench-cluster/operations.ts';
import { PortError } from '../../../src/controllers/ports.ts';
import { settle } from '../../../src/sim/virtual-clock.ts';

/** Work that ends when the test says so. */
function pending() {
  let finish: (error?: Error) => void = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    finish = (error) => (error ? reject(error) : resolve());
  });
  return { work: () => promise, finish };
}

const done = (): void => {};

describe('operations', () => {
  const start = (
    operations: Operations,
    key: string,
    lane = key,
    work: () => Promise<void> = pending().work,
    seen = operations.mark(),
  ) => operations.start({ key, lane, seen }, work, done);

  test('a key runs once, a lane has one at a time, the limit holds', () => {
    const operations = new Operations(2);
    assert.equal(start(operations, 'a', 'lane'), true);
    assert.equal(start(operations, 'a', 'other'), false);
    assert.equal(start(operations, 'b', 'lane'), false);
    assert.equal(start(operations, 'c'), true);
    assert.equal(start(operations, 'd'), false);
    assert.deepEqual(
      operations.views().map(({ key }) => key),
      ['a', 'c'],
    );
  });

  test('when one has ended its lane is free, and its error is handed on', async () => {
    const operations = new Operations(8);
    const { work, finish } = pending();
    const errors: (Error | undefined)[] = [];
    operations.start({ key: 'a', lane: 'x', seen: 0 }, work, (error) => errors.push(error));
    finish(new Error('no'));
    await settle();
    assert.equal(errors[0]?.message, 'no');
    assert.deepEqual(operations.views(), []);
    assert.equal(start(operations, 'a', 'x'), true);
  });

  test('what was planned before the last effect of its lane ended is not started', async () => {
    const operations = new Operations(8);
    const seen = operations.mark();
    const { work, finish } = pending();
    start(operations, 'a', 'x', work);
    finish();
    await settle();
    assert.equal(start(operations, 'b', 'x', pending().work, seen), false);
    assert.equal(start(operations, 'b', 'y', pending().work, seen), true, 'another lane');
    assert.equal(start(operations, 'b2', 'x'), true, 'with a newer plan');
  });

  test('progress is seen, and closing ends what is under way', async () => {
    const operations = new Operations(8);
    operations.start(
      { key: 'a', lane: 'a', seen: 0 },
      (progress, signal) => {
        progress('43 %');
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      },
      done,
    );
    assert.equal(operations.views()[0]?.progress, '43 %');
    await operations.close();
    assert.deepEqual(operations.views(), []);
  });
});

describe('failures', () => {
  test('count attempts, wait longer each time, and are forgotten on success', () => {
    const failures = new Failures(() => 0);
    for (const [attempts, wait] of [
      [1, 1000],
      [2, 2000],
      [3, 4000],
    ] as const) {
      failures.record('a', new PortError('conflict', 'taken'), 50);
      const view = failures.view().get('a');
      assert.deepEqual(view, { code: 'conflict', message: 'taken', attempts, retryAt: 50 + wait });
    }
    failures.prune((key) => key === 'a');
    assert.equal(failures.view().size, 0);
  });

  test('of an unknown kind count as failed; a new spec clears all', () => {
    const failures = new Failures(() => 0);
    failures.record('a', new TypeError('x'), 0);
    const view = failures.view();
    assert.equal(view.get('a')?.code, 'failed');
    failures.clear();
    assert.equal(failures.view().size, 0);
    assert.equal(view.size, 1, 'a view is a copy');
  });
});
