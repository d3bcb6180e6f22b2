import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { backoffMs, defaultBackoff } from '../../src/libvirt/backoff.ts';
import { DeadlineQueue } from '../../src/libvirt/deadlines.ts';
import { Keepalive } from '../../src/libvirt/keepalive.ts';
import { Slots, type Slotted } from '../../src/libvirt/slots.ts';
import { ManualClock } from './manual-clock.ts';

describe('deadlines', () => {
  const entry = (timeoutMs: number, expire: () => void) => ({ dueMs: 0, timeoutMs, expire });

  it('expire in time, each once, with one timer for each length', () => {
    const clock = new ManualClock();
    const deadlines = new DeadlineQueue(clock);
    const seen: string[] = [];
    deadlines.add(entry(100, () => seen.push('a')));
    clock.advance(50);
    deadlines.add(entry(100, () => seen.push('b')));
    deadlines.add(entry(30, () => seen.push('short')));
    assert.equal(clock.pending, 2);
    clock.advance(30);
    assert.deepEqual(seen, ['short']);
    clock.advance(20);
    assert.deepEqual(seen, ['short', 'a']);
    clock.advance(49);
    assert.deepEqual(seen, ['short', 'a']);
    clock.advance(1000);
    assert.deepEqual(seen, ['short', 'a', 'b']);
    assert.equal(clock.pending, 0);
  });

  it('that were removed never expire, and clear leaves no timer', () => {
    const clock = new ManualClock();
    const deadlines = new DeadlineQueue(clock);
    const removed = entry(10, assert.fail);
    deadlines.add(removed);
    deadlines.remove(removed);
    clock.advance(100);
    deadlines.add(entry(10, assert.fail));
    deadlines.add(entry(20, assert.fail));
    deadlines.clear();
    assert.equal(clock.pending, 0);
  });

  it('may clear everything from within an expiry', () => {
    const clock = new ManualClock();
    const deadlines = new DeadlineQueue(clock);
    deadlines.add(entry(10, () => deadlines.clear()));
    deadlines.add(entry(10, assert.fail));
    clock.advance(100);
    assert.equal(clock.pending, 0);
  });
});

describe('slots', () => {
  const limits = { total: 4, normal: 3, queued: 2 };
  const high: Slotted = { priority: 'high' };
  const normal = (): Slotted => ({ priority: 'normal' });

  it('keep one place that only a high-priority call may take', () => {
    const slots = new Slots(limits);
    assert.deepEqual(
      [1, 2, 3].map(() => slots.admit(normal())),
      ['send', 'send', 'send'],
    );
    assert.equal(slots.admit(normal()), 'wait');
    assert.equal(slots.admit(high), 'send');
    assert.equal(slots.inFlight, 4);
  });

  it('let waiting calls of high priority go first and refuse what does not fit', () => {
    const slots = new Slots(limits);
    const first = normal();
    slots.admit(first);
    for (const _ of [1, 2, 3]) slots.admit({ priority: 'high' });
    const late = normal();
    assert.equal(slots.admit(late), 'wait');
    assert.equal(slots.admit(high), 'wait');
    assert.equal(slots.admit(normal()), 'full');
    slots.release(first);
    assert.equal(slots.next(), high);
    assert.equal(slots.next(), undefined);
    slots.release(high);
    assert.equal(slots.next(), late);
  });
});

describe('backoff', () => {
  it('doubles from the first to the cap, at least half of each', () => {
    const longest = [0, 1, 2, 7, 1000].map((n) => backoffMs(n, defaultBackoff, () => 1));
    assert.deepEqual(longest, [100, 200, 400, 10_000, 10_000]);
    assert.equal(
      backoffMs(2, defaultBackoff, () => 0),
      200,
    );
  });
});

describe('keepalive', () => {
  it('pings only after a silent interval and reports a peer that stays silent', () => {
    const clock = new ManualClock();
    const seen: string[] = [];
    const keepalive = new Keepalive(
      clock,
      { intervalMs: 10, limit: 3 },
      { ping: () => seen.push('ping'), silent: () => seen.push('silent'), tick: () => undefined },
    );
    keepalive.start();
    clock.advance(10);
    assert.deepEqual(seen, []);
    clock.advance(20);
    assert.deepEqual(seen, ['ping', 'ping']);
    keepalive.heard();
    clock.advance(10);
    assert.deepEqual(seen, ['ping', 'ping']);
    clock.advance(30);
    assert.deepEqual(seen, ['ping', 'ping', 'ping', 'ping', 'silent']);
    keepalive.stop();
    assert.equal(clock.pending, 0);
  });
});
