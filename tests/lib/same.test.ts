import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isSame } from '../../src/lib/same.ts';

test('equal values are the same, however deep and in whatever order', () => {
  assert.ok(isSame({ a: [1, { b: 'x' }], c: null }, { c: null, a: [1, { b: 'x' }] }));
});

test('a member that is undefined is one that is absent', () => {
  assert.ok(isSame({ a: 1, b: undefined }, { a: 1 }));
  assert.ok(isSame({ a: 1 }, { a: 1, b: undefined }));
});

test('what differs is not the same', () => {
  const pairs: [unknown, unknown][] = [
    [{ a: 1 }, { a: 2 }],
    [{ a: 1 }, { a: 1, b: 1 }],
    [{ a: undefined }, { a: null }],
    [[1, 2], [1]],
    [[1], { 0: 1 }],
    [{}, null],
    [{}, undefined],
    ['1', 1],
  ];
  for (const [a, b] of pairs) {
    assert.ok(!isSame(a, b), JSON.stringify([a, b]));
    assert.ok(!isSame(b, a), JSON.stringify([b, a]));
  }
});
