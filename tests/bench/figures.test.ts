/** The few numbers that a bench's table is made of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { median, quantile, ratios, tableOf } from '../../bench/figures.ts';

test('a quantile is one of the numbers, whatever their order', () => {
  const numbers = Array.from({ length: 100 }, (_, index) => 100 - index);
  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((part) => quantile(numbers, part)),
    [1, 50, 99, 100],
  );
  assert.equal(quantile([7], 0.99), 7);
  assert.ok(Number.isNaN(quantile([], 0.5)));
});

test('the median of an even count is between the two in the middle', () => {
  assert.equal(median([4, 1, 3, 2]), 2.5);
  assert.equal(median([9, 1, 5]), 5);
  assert.ok(Number.isNaN(median([])));
});

test('a ratio is that of the best, and the median of the pairs', () => {
  assert.deepEqual(ratios([2, 6, 4], [4, 2, 4]), { best: 1, median: 1 });
});

test('a goal that is missed is told apart from one that is met and from none', () => {
  const row = { bench: 'b', what: 'w', count: 2, best: '1', median: '2' };
  const lines = tableOf([row, { ...row, goal: '<= 1', met: false }, { ...row, met: true }]);
  assert.deepEqual(
    lines.split('\n').map((line) => /(\S+)$/.exec(line)?.[1]),
    ['met', '2', 'NO', 'yes'],
  );
});
