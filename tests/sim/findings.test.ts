/**
 * A seed is a number for a generator: each new choice in the world makes another run of it, so it
 * guards nothing of what it found once. What does is a test of just that, which is named beside it.
 */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { regressions } from './findings.ts';

const root = new URL('../../', import.meta.url);

test('the test that guards what a seed found is there, under its title', () => {
  const missing = regressions.filter(({ guard }) => {
    if (guard === undefined) return false;
    const text = readFileSync(new URL(guard.file, root), 'utf8');
    return !["'", '`'].some((quote) => text.includes(`${quote}${guard.title}${quote}`));
  });
  assert.deepEqual(
    missing.map(({ seed }) => seed),
    [],
  );
});

test('only errors of the oracle and of the world itself are without one', () => {
  const unguarded = regressions.filter(({ guard }) => guard === undefined);
  const ofController = unguarded.filter(({ was }) => !/^the (oracle|world) /.test(was));
  assert.deepEqual(
    ofController.map(({ seed }) => seed),
    [],
  );
});
