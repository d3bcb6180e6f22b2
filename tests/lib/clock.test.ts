/** The real clock, on a machine whose own one jumps. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemClock } from '../../src/lib/clock.ts';

const hour = 3_600_000;

test('it is the time of day, in whole milliseconds', () => {
  const now = systemClock.now();
  assert.ok(Math.abs(now - Date.now()) < 1000, `${now}`);
  assert.equal(now, Math.floor(now));
});

for (const jump of [hour, -hour]) {
  test(`it goes on when the clock of the machine jumps by ${jump / hour} h (A66)`, (context) => {
    const before = systemClock.now();
    const real = Date.now;
    context.mock.method(Date, 'now', () => real() + jump);
    const elapsed = systemClock.now() - before;
    assert.ok(elapsed >= 0 && elapsed < 1000, `${elapsed} ms`);
  });
}
