import assert from 'node:assert/strict';
import { test } from 'node:test';
import { awaitChange } from '../../src/cli/await-change.ts';
import { settle } from './support/fake-context.ts';
import { ManualClock } from './support/manual-clock.ts';

function subject() {
  let listener = () => {};
  let subscribed = 0;
  return {
    clock: new ManualClock('2026-01-01T00:00:00Z'),
    abort: new AbortController(),
    change: () => listener(),
    subscribed: () => subscribed,
    subscribe: (callback: () => void) => {
      listener = callback;
      subscribed += 1;
      return () => {
        subscribed -= 1;
      };
    },
  };
}

test('a change during a look causes one more look, and never two at once', async () => {
  const s = subject();
  let running = 0;
  let looks = 0;
  const look = async () => {
    running += 1;
    assert.equal(running, 1);
    looks += 1;
    if (looks === 1) for (let i = 0; i < 5; i += 1) s.change();
    await settle();
    running -= 1;
    return looks === 2 ? 'done' : undefined;
  };
  const result = await awaitChange(look, { ...s, signal: s.abort.signal });
  assert.deepEqual(result, { kind: 'found', value: 'done' });
  assert.equal(s.subscribed(), 0);
});

test('changes that never cease do not outlast the deadline', async () => {
  const s = subject();
  const look = async () => {
    s.change();
    s.clock.advance(10);
    return undefined;
  };
  const options = { ...s, signal: s.abort.signal, timeoutMs: 100 };
  assert.deepEqual(await awaitChange(look, options), { kind: 'timedOut' });
  assert.equal(s.clock.pending, 0);
});

test('an error of the look unsubscribes and comes through', async () => {
  const s = subject();
  const look = () => Promise.reject(new Error('broken'));
  await assert.rejects(awaitChange(look, { ...s, signal: s.abort.signal }), /broken/);
  assert.equal(s.subscribed(), 0);
});

test('a signal that came before still looks once', async () => {
  const s = subject();
  s.abort.abort();
  const options = { ...s, signal: s.abort.signal };
  assert.deepEqual(await awaitChange(async () => undefined, options), { kind: 'interrupted' });
  assert.deepEqual(await awaitChange(async () => 1, options), { kind: 'found', value: 1 });
});
