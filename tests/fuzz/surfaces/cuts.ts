/** What holds for every answer that a connection may cut, and for the numbers in it. */
import assert from 'node:assert/strict';

/** Near the end each, since there an answer is nearly whole; before that so many. */
const nearEnd = 20;
const before = 12;

/** What is left of a cut answer is refused, or says exactly what the whole answer says. */
export function checkCuts<T>(text: string, read: (part: string) => T | undefined): void {
  const whole = read(text);
  if (whole === undefined) return;
  const step = Math.max(1, Math.floor(text.length / before));
  for (
    let length = text.length - 1;
    length >= 0;
    length -= length > text.length - nearEnd ? 1 : step
  ) {
    const part = read(text.slice(0, length));
    if (part !== undefined) assert.deepEqual(part, whole, `cut to ${length} characters`);
  }
}

/** Finite, exact where whole, and none below zero, wherever they are in the value. */
export function checkNumbers(value: unknown, path = ''): void {
  if (typeof value === 'number') {
    assert(Number.isFinite(value) && value >= 0, `${path} is ${value}`);
    assert(!Number.isInteger(value) || Number.isSafeInteger(value), `${path} is not exact`);
  }
  if (typeof value !== 'object' || value === null) return;
  const entries = value instanceof Map ? value : Object.entries(value);
  for (const [key, item] of entries) checkNumbers(item, `${path}.${key}`);
}
