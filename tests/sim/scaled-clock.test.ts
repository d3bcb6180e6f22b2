import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ScaledClock } from '../../src/sim/scaled-clock.ts';
import { startOfTime, VirtualClock } from '../../src/sim/virtual-clock.ts';

test('a scaled clock begins with the other one and runs so many times as fast', async () => {
  const real = new VirtualClock();
  const clock = new ScaledClock(real, { speed: 60, origin: startOfTime });
  assert.equal(clock.now(), startOfTime);
  await real.advance(1_000);
  assert.equal(clock.now(), startOfTime + 60_000);
});

test('its timers are never early, and can be cancelled', async () => {
  const real = new VirtualClock();
  const clock = new ScaledClock(real, { speed: 60, origin: startOfTime });
  const fired: number[] = [];
  clock.after(1_000, () => fired.push(clock.now()));
  const cancel = clock.after(2_000, () => fired.push(Number.NaN));
  cancel();
  await real.advance(16);
  assert.deepEqual(fired, []);
  await real.advance(100);
  assert.deepEqual(fired, [startOfTime + 17 * 60]);
});

test('once stopped it leaves nothing behind that waits', async () => {
  const real = new VirtualClock();
  const clock = new ScaledClock(real, { speed: 60, origin: startOfTime });
  const fired: string[] = [];
  clock.after(1_000, () => fired.push('before'));
  clock.stop();
  clock.after(1_000, () => fired.push('after'));
  assert.equal(real.pending, 0);
  await real.advance(1_000);
  assert.deepEqual(fired, []);
});
