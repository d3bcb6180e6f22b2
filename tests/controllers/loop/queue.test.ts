/** The queue: keys merge, never run twice at once, and time comes from the clock only. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { backoffMs } from '../../../src/controllers/loop/backoff.ts';
import { Queue } from '../../../src/controllers/loop/queue.ts';
import { settle, VirtualClock } from '../../../src/sim/virtual-clock.ts';

/** A queue whose rounds end when the test says so. */
function scene(workers = 8) {
  const clock = new VirtualClock();
  const runs: string[] = [];
  const ends = new Map<string, () => void>();
  const queue = new Queue({
    clock,
    workers,
    run: (key) => {
      assert.ok(!ends.has(key), `${key} runs twice at once`);
      runs.push(key);
      return new Promise((resolve) => {
        ends.set(key, () => {
          ends.delete(key);
          resolve();
        });
      });
    },
  });
  const end = async (key: string) => {
    ends.get(key)?.();
    await settle();
  };
  return { clock, runs, ends, queue, end };
}

describe('the queue', () => {
  test('runs a key at once, and others beside it', () => {
    const { queue, runs } = scene();
    queue.add('a');
    queue.add('b');
    assert.deepEqual(runs, ['a', 'b']);
  });

  test('runs a key once more when it was added during its run, however often', async () => {
    const { queue, runs, end } = scene();
    queue.add('a');
    queue.add('a');
    queue.add('a');
    assert.deepEqual(runs, ['a']);
    await end('a');
    assert.deepEqual(runs, ['a', 'a']);
    await end('a');
    assert.deepEqual(runs, ['a', 'a']);
  });

  test('runs no more than its workers, in the order of arrival, merged', async () => {
    const { queue, runs, end } = scene(1);
    for (const key of ['a', 'b', 'c', 'b']) queue.add(key);
    assert.deepEqual(runs, ['a']);
    await end('a');
    await end('b');
    await end('c');
    assert.deepEqual(runs, ['a', 'b', 'c']);
  });

  test('a key that is added again and again does not starve the others', async () => {
    const { queue, runs, end } = scene(1);
    queue.add('a');
    queue.add('b');
    queue.add('a');
    await end('a');
    assert.deepEqual(runs, ['a', 'b']);
  });

  test('runs a key at its time, the earliest of several', async () => {
    const { queue, runs, clock, end } = scene();
    const at = clock.now();
    queue.addAt('a', at + 500);
    queue.addAt('a', at + 200);
    queue.addAt('a', at + 900);
    await clock.advance(199);
    assert.deepEqual(runs, []);
    await clock.advance(1);
    assert.deepEqual(runs, ['a']);
    await end('a');
    await clock.advance(1000);
    assert.deepEqual(runs, ['a'], 'the later times have been superseded');
  });

  test('a time in the past means now', async () => {
    const { queue, runs, clock } = scene();
    queue.addAt('a', clock.now() - 5);
    await clock.advance(0);
    assert.deepEqual(runs, ['a']);
  });

  test('a key that is added before its time does not run again at it', async () => {
    const { queue, runs, clock, end } = scene();
    queue.addAt('a', clock.now() + 100);
    queue.add('a');
    await end('a');
    await clock.advance(1000);
    assert.deepEqual(runs, ['a']);
  });

  test('a time that falls into its run means one more run', async () => {
    const { queue, runs, clock, end } = scene();
    queue.add('a');
    queue.addAt('a', clock.now() + 10);
    await clock.advance(20);
    assert.deepEqual(runs, ['a']);
    await end('a');
    assert.deepEqual(runs, ['a', 'a']);
  });

  test('closing waits for what runs, drops what waits, and takes nothing more', async () => {
    const { queue, runs, clock, end } = scene(1);
    queue.add('a');
    queue.add('a');
    queue.add('b');
    queue.addAt('c', clock.now() + 10);
    let closed = false;
    const closing = queue.close().then(() => {
      closed = true;
    });
    queue.add('d');
    await settle();
    assert.equal(closed, false);
    await end('a');
    await closing;
    await clock.advance(1000);
    assert.deepEqual(runs, ['a']);
    assert.equal(clock.pending, 0);
  });

  test('closing an idle queue ends at once', async () => {
    await scene().queue.close();
  });
});

describe('back-off', () => {
  test('doubles from one second to ten minutes', () => {
    const waits = [1, 2, 3, 9, 10, 11, 1000].map((attempts) => backoffMs(attempts, 0));
    assert.deepEqual(waits, [1000, 2000, 4000, 256_000, 512_000, 600_000, 600_000]);
  });

  test('is up to a quarter less by chance', () => {
    assert.equal(backoffMs(3, 0.999999), 3000);
    assert.equal(backoffMs(3, 0.5), 3500);
  });
});
