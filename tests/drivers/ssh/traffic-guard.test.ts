import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TrafficGuard } from '../../../src/drivers/ssh/traffic-guard.ts';

function guardAt(): { guard: TrafficGuard; pass: (ms: number) => void } {
  let now = 0;
  const guard = new TrafficGuard({ now: () => now, after: () => () => {} });
  return { guard, pass: (ms) => (now += ms) };
}

test('any amount of payload that someone takes is welcome', () => {
  const { guard } = guardAt();
  for (let i = 0; i < 10_000; i += 1) {
    assert.equal(guard.received(32_800, 0), undefined);
    guard.delivered(32_768);
  }
});

test('small messages with their large envelopes are welcome for ever', () => {
  const { guard, pass } = guardAt();
  for (let i = 0; i < 1_000_000; i += 1) {
    if (i % 1000 === 0) pass(1);
    assert.equal(guard.received(100, 0), undefined);
    guard.delivered(28);
  }
});

test('keepalives for a year are welcome', () => {
  const { guard, pass } = guardAt();
  for (let i = 0; i < 6_000_000; i += 1) {
    pass(5_000);
    assert.equal(guard.received(80, 0), undefined);
  }
});

test('chatter at full speed is a flood, whatever was delivered before', () => {
  const { guard, pass } = guardAt();
  guard.received(1e9, 0);
  guard.delivered(1e9);
  let bytes = 0;
  while (guard.received(80, 0) === undefined) {
    bytes += 80;
    if (bytes % 8_000 === 0) pass(1);
    assert.ok(bytes < 100e6);
  }
  assert.ok(bytes > 10e6);
});

test('answers that the other side does not read are bounded', () => {
  const { guard } = guardAt();
  assert.equal(guard.received(80, 1e6), undefined);
  assert.notEqual(guard.received(80, 100e6), undefined);
});
