/** Counting of states: once for each time that they begin to hold. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { merged, tooRare } from './reached.ts';
import { Scene } from './scene.ts';

test('a state of the world counts when it begins, not as long as it lasts', () => {
  const scene = new Scene().ready();
  const { counts } = scene.oracle.reached;
  assert.equal(counts['a domain is paused'], undefined);
  const asks = () => scene.wait(1000).tell({ 'a-w-0': 'Ready' });
  for (const _ of [1, 2]) {
    scene.domain('a-w-0').state = 'paused';
    asks();
    asks();
    scene.domain('a-w-0').state = 'running';
    asks();
  }
  assert.equal(counts['a domain is paused'], 2);
});

test('states of effects, statuses and deaths count too', () => {
  const scene = new Scene().ready();
  scene.order({ workers: 1 });
  scene.drain('a-w-1').tell({ 'a-w-1': 'Draining' }).change('destroy', 'a-w-1');
  scene.oracle.processDied({ effect: 'destroy', when: 'after' });
  const { counts } = scene.oracle.reached;
  for (const state of [
    'a node is closed by us',
    'phase Draining',
    'a drained node is powered off',
    'death after an effect',
  ]) {
    assert.equal(counts[state], 1, state);
  }
});

test('a state that is met too rarely is named', () => {
  const counts = merged({ often: 3, seldom: 1 }, { often: 4 });
  assert.deepEqual(counts, { often: 7, seldom: 1 });
  const found = tooRare(counts, 500, { often: 10, seldom: 10, never: 2 });
  assert.deepEqual(found, ['seldom: 1 times, expected 5', 'never: 0 times, expected 1']);
});
