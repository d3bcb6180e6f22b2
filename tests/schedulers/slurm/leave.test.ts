/** A cluster that goes away with a head that never answered must still come to its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../../src/controllers/schedulers/slurm/plan.ts';
import * as a from './builders.ts';

const off = a.worker({ ...a.removed, ...a.off });

test('workers that are off have left when the whole cluster goes: the records go with the head', () => {
  const head = { ...a.head(), ...a.removed };
  const { verdicts, actions } = plan(a.scope([head, off]));
  assert.equal(verdicts.get(off.name)?.kind, 'absent');
  assert.equal(verdicts.get(head.name)?.kind, 'drained');
  assert.deepEqual(actions, []);
});

test('while anything of it stays, what Slurm may still know of them is waited for', () => {
  const { verdicts } = plan(a.scope([a.head(), off]));
  assert.equal(verdicts.get(off.name)?.kind, 'drained');
});

test('a worker that runs is waited for as ever, because its jobs cannot be asked for', () => {
  const running = a.worker(a.removed);
  const { verdicts } = plan(a.scope([{ ...a.head(), ...a.removed }, running]));
  assert.equal(verdicts.get(running.name)?.kind, 'draining');
});
