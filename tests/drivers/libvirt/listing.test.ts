/** What is shared and what is cached never hides a change that its reader could know of. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { EpochCache } from '../../../src/drivers/libvirt/epoch-cache.ts';
import { KeyedLock } from '../../../src/drivers/libvirt/keyed-lock.ts';
import { mapLimited } from '../../../src/drivers/libvirt/limited.ts';
import { SharedListing } from '../../../src/drivers/libvirt/shared-listing.ts';
import type { Clock } from '../../../src/lib/clock.ts';

/** Loads that a test ends by hand. */
function loads(): { load: () => Promise<number>; all: PromiseWithResolvers<number>[] } {
  const all: PromiseWithResolvers<number>[] = [];
  const load = (): Promise<number> => {
    const next = Promise.withResolvers<number>();
    all.push(next);
    return next.promise;
  };
  return { load, all };
}

function clockAt(time: { now: number }): Clock {
  return { now: () => time.now, after: () => () => undefined };
}

test('those who ask at once share a listing; after a change nobody joins the old one', async () => {
  const { load, all } = loads();
  const time = { now: 0 };
  const listing = new SharedListing(load, clockAt(time), 100);
  const first = [listing.get(), listing.get()];
  time.now = 5000;
  const late = listing.get();
  assert.equal(all.length, 1, 'one that runs is joined however long it takes');
  listing.changed();
  const after = listing.get();
  assert.equal(all.length, 2);
  all[0]?.resolve(1);
  all[1]?.resolve(2);
  assert.deepEqual(await Promise.all([...first, late, after]), [1, 1, 1, 2]);
});

test('a listing is given again for a short time, until something changes', async () => {
  const { load, all } = loads();
  const time = { now: 0 };
  const listing = new SharedListing(load, clockAt(time), 100);
  const ask = async (value: number): Promise<number> => {
    const asked = listing.get();
    all.at(-1)?.resolve(value);
    return asked;
  };
  assert.equal(await ask(1), 1);
  time.now = 99;
  assert.equal(await ask(2), 1);
  time.now = 100;
  assert.equal(await ask(3), 3);
  listing.changed();
  assert.equal(await ask(4), 4);
  time.now = -5000;
  assert.equal(await ask(5), 5, 'a clock that was set back keeps nothing alive');
});

test('a failed listing is for those who waited, and is not kept', async () => {
  const { load, all } = loads();
  const listing = new SharedListing(load, clockAt({ now: 0 }), 100);
  const both = [listing.get(), listing.get()];
  all[0]?.reject(new Error('lost'));
  for (const one of both) await assert.rejects(one, /lost/);
  const next = listing.get();
  all[1]?.resolve(2);
  assert.equal(await next, 2);
});

test('a value that was overtaken by an invalidation is not kept', async () => {
  const cache = new EpochCache<number>();
  const { load, all } = loads();
  const overtaken = cache.get('a', load);
  cache.invalidate('a');
  all[0]?.resolve(1);
  assert.equal(await overtaken, 1);
  const again = cache.get('a', load);
  all[1]?.resolve(2);
  assert.equal(await again, 2);
  assert.equal(await cache.get('a', load), 2);
  assert.equal(all.length, 2);
  cache.keepOnly(new Set(['b']));
  const third = cache.get('a', load);
  all[2]?.resolve(3);
  assert.equal(await third, 3);
});

test('work in bulk keeps its order, its limit, and fails with the first failure', async () => {
  let running = 0;
  let most = 0;
  const work = async (item: number): Promise<number> => {
    running += 1;
    most = Math.max(most, running);
    await new Promise((resolve) => setImmediate(resolve));
    running -= 1;
    if (item === 13) throw new Error('thirteen');
    return item * 2;
  };
  assert.deepEqual(await mapLimited([1, 2, 3, 4, 5, 6, 7], 3, work), [2, 4, 6, 8, 10, 12, 14]);
  assert.equal(most, 3);
  await assert.rejects(mapLimited([11, 12, 13, 14], 2, work), /thirteen/);
  assert.deepEqual(await mapLimited([], 4, work), []);
});

test('a lock lets one key in at a time, in order, also after a failure', async () => {
  const lock = new KeyedLock();
  const order: string[] = [];
  const step = (name: string, fail = false) =>
    lock.run('key', async () => {
      order.push(`${name} in`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} out`);
      if (fail) throw new Error(name);
    });
  const failing = assert.rejects(step('a', true), /a/);
  const other = lock.run('other', async () => order.push('other'));
  assert.equal(lock.isHeld('key'), true);
  await Promise.all([failing, step('b'), step('c'), other]);
  assert.deepEqual(
    order.filter((item) => item !== 'other'),
    ['a in', 'a out', 'b in', 'b out', 'c in', 'c out'],
  );
  assert.ok(order.indexOf('other') < order.indexOf('b in'));
  assert.equal(lock.isHeld('key'), false);
});
