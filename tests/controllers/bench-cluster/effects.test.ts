/** Effects under way and failures remembered: each key once, one per lane, bounded, forgotten on success. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { Effects } from '../../../src/controllers/bench-cluster/effects.ts';
import { errorStatus } from '../../../src/controllers/bench-cluster/error-status.ts';
import { Failures } from '../../../src/controllers/bench-cluster/failures.ts';
import { Operations } from '../../../src/controllers/bench-cluster/operations.ts';
import { Repairs } from '../../../src/controllers/bench-cluster/repairs.ts';
import { PortError } from '../../../src/controllers/ports.ts';
import { createLog } from '../../../src/lib/log.ts';
import { settle, VirtualClock } from '../../../src/sim/virtual-clock.ts';
import { PlanCase } from './plan-case.ts';

/** Work that ends when the test says so. */
function pending() {
  let finish: (error?: Error) => void = () => {};
  const promise = new Promise<void>((resolve, reject) => {
    finish = (error) => (error ? reject(error) : resolve());
  });
  return { work: () => promise, finish };
}

const done = (): void => {};

describe('operations', () => {
  const start = (
    operations: Operations,
    key: string,
    lane = key,
    work: () => Promise<void> = pending().work,
    seen = operations.mark(),
  ) => operations.start({ key, lane, seen }, work, done);

  test('a key runs once, a lane has one at a time, the limit holds', () => {
    const operations = new Operations(2);
    assert.equal(start(operations, 'a', 'lane'), true);
    assert.equal(start(operations, 'a', 'other'), false);
    assert.equal(start(operations, 'b', 'lane'), false);
    assert.equal(start(operations, 'c'), true);
    assert.equal(start(operations, 'd'), false);
    assert.deepEqual(
      operations.views().map(({ key }) => key),
      ['a', 'c'],
    );
  });

  test('when one has ended its lane is free, and its error is handed on', async () => {
    const operations = new Operations(8);
    const { work, finish } = pending();
    const errors: (Error | undefined)[] = [];
    operations.start({ key: 'a', lane: 'x', seen: 0 }, work, (error) => errors.push(error));
    finish(new Error('no'));
    await settle();
    assert.equal(errors[0]?.message, 'no');
    assert.deepEqual(operations.views(), []);
    assert.equal(start(operations, 'a', 'x'), true);
  });

  test('what was planned before the last effect of its lane ended is not started', async () => {
    const operations = new Operations(8);
    const seen = operations.mark();
    const { work, finish } = pending();
    start(operations, 'a', 'x', work);
    finish();
    await settle();
    assert.equal(start(operations, 'b', 'x', pending().work, seen), false);
    assert.equal(start(operations, 'b', 'y', pending().work, seen), true, 'another lane');
    assert.equal(start(operations, 'b2', 'x'), true, 'with a newer plan');
  });

  test('of lanes that ended long ago nothing is kept but that older plans are void', async () => {
    const operations = new Operations(2);
    const seen = operations.mark();
    for (let index = 0; index < 1500; index += 1) {
      start(operations, `key-${index}`, `lane-${index}`, async () => {});
      await settle();
    }
    assert.equal(start(operations, 'a', 'lane-3', pending().work, seen), false, 'forgotten');
    assert.equal(start(operations, 'b', 'never', pending().work, seen), false, 'it cannot know');
    assert.equal(start(operations, 'a', 'lane-3'), true, 'a new plan does');
  });

  test('progress is seen, and closing ends what is under way', async () => {
    const operations = new Operations(8);
    operations.start(
      { key: 'a', lane: 'a', seen: 0 },
      (progress, signal) => {
        progress('43 %');
        return new Promise((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')));
        });
      },
      done,
    );
    assert.equal(operations.views()[0]?.progress, '43 %');
    await operations.close();
    assert.deepEqual(operations.views(), []);
  });
});

describe('failures', () => {
  test('count attempts, wait longer each time, and are forgotten on success', () => {
    const failures = new Failures(() => 0, 0);
    for (const [attempts, wait] of [
      [1, 1000],
      [2, 2000],
      [3, 4000],
    ] as const) {
      failures.record('a', new PortError('conflict', 'taken'), 50);
      const view = failures.view().get('a');
      assert.deepEqual(view, { code: 'conflict', message: 'taken', attempts, retryAt: 50 + wait });
    }
    failures.prune((key) => key === 'a');
    assert.equal(failures.view().size, 0);
  });

  test('outlive the process in the status, with the time of the next try', () => {
    const before = new Failures(() => 0, 0);
    before.record('a', new PortError('failed', 'x'.repeat(9000)), 50);
    before.record('a', new PortError('failed', 'no room'), 1050);
    before.succeeded('b', 50);
    assert.deepEqual(
      before.report().map(({ action, count }) => [action, count]),
      [['a', 2]],
      'a first success is no news',
    );
    before.succeeded('b', 2000);
    const after = new Failures(() => 0, 2000, before.report());
    assert.deepEqual(after.view(), before.view());
    after.record('a', new PortError('failed', 'no room'), 9000);
    assert.equal(after.view().get('a')?.retryAt, 9000 + 4000, 'it counts on');
  });

  test('wait no longer than ever where the clock was set back meanwhile', () => {
    const hour = 3_600_000;
    const before = new Failures(() => 0, hour);
    before.record('a', new Error('x'), hour);
    const after = new Failures(() => 0, 500, before.report());
    assert.equal(after.view().get('a')?.retryAt, 600_500);
  });

  test('a success ends the count of failures and begins one of its own', () => {
    const failures = new Failures(() => 0, 0);
    for (let count = 0; count < 5; count += 1) failures.record('a', new Error('x'), 0);
    failures.succeeded('a', 100);
    const { code, attempts, retryAt } = failures.view().get('a') ?? {};
    assert.deepEqual([code, attempts, retryAt], ['noEffect', 1, 1100]);
    failures.record('a', new Error('x'), 200);
    assert.equal(failures.view().get('a')?.code, 'failed');
  });

  test('a status of bounded size takes what fits', () => {
    const failures = new Failures(() => 0, 0);
    for (let index = 0; index < 500; index += 1) {
      failures.record(`key-${index}`, new Error('x'.repeat(9000)), 0);
    }
    assert.ok(JSON.stringify(failures.report()).length < 100_000);
  });

  test('of an unknown kind count as failed; a new spec clears all', () => {
    const failures = new Failures(() => 0, 0);
    failures.record('a', new TypeError('x'), 0);
    const view = failures.view();
    assert.equal(view.get('a')?.code, 'failed');
    failures.clear();
    assert.equal(failures.view().size, 0);
    assert.equal(view.size, 1, 'a view is a copy');
  });
});

describe('what a plan makes void', () => {
  const keys = {
    host: 'rhodey/start/alpha-compute-0',
    unit: 'alpha-compute-0/unit/slurm-join-1',
    script: 'alpha-head-0/script/12',
  };

  /** What is still remembered after a plan of that round, of one failure and one success. */
  function left(key: string, seen: { considered?: string[]; unseen?: string[]; whole?: boolean }) {
    const attempt = { action: key, count: 2, message: '', retryAt: '2026-01-01T00:00:00.000Z' };
    const codes = ['failed', 'noEffect'].filter((code) => {
      const attempts = [{ ...attempt, code }];
      const effects = new Effects({
        ...{
          clock: new VirtualClock(),
          random: () => 0,
          log: createLog('silent'),
          limit: 8,
          wake: done,
        },
        before: { ...errorStatus({ generation: 1 }, undefined, '', 0), attempts },
      });
      const planned = {
        ...new PlanCase().plan(),
        considered: new Set(seen.considered),
        unseen: new Set(seen.unseen),
      };
      effects.settle(planned, seen.whole ?? true);
      return effects.failures().has(key);
    });
    return codes.join(' ');
  }

  test('an action that is not needed any more is forgotten, one that is considered is not', () => {
    for (const key of Object.values(keys)) {
      assert.equal(left(key, {}), '');
      assert.equal(left(key, { considered: [key] }), 'failed noEffect');
    }
  });

  test('a plan that knew the host alone tells what was done there, and no more', () => {
    assert.equal(left(keys.host, { whole: false }), 'failed');
    assert.equal(left(keys.unit, { whole: false }), 'failed noEffect');
    assert.equal(left(keys.script, { whole: false }), 'failed noEffect');
  });

  test('of a guest that told nothing it is not known what is to be done there', () => {
    const unseen = ['alpha-compute-0'];
    assert.equal(left(keys.unit, { unseen }), 'failed noEffect');
    assert.equal(left(keys.script, { unseen }), 'failed noEffect', 'it may serve that node');
    assert.equal(left(keys.host, { unseen }), '');
    assert.equal(left(keys.unit, { unseen: ['alpha-compute-1'] }), '');
  });
});

describe('repairs', () => {
  test('of power and of judgement are counted apart, and outlive the process', () => {
    const before = new Repairs(() => 0, 0);
    before.begun('a', 'start', 0);
    before.begun('a', 'resume', 1000);
    before.begun('a', 'restart', 5000);
    const after = new Repairs(() => 0, 5000, before.report());
    assert.deepEqual(after.view(), before.view());
    after.begun('a', 'replace', 9000);
    assert.deepEqual(
      after.report().map(({ kind, count }) => [kind, count]),
      [
        ['resume', 2],
        ['replace', 2],
      ],
    );
  });

  test('wait no longer than ever where the clock was set back meanwhile', () => {
    const hour = 3_600_000;
    const before = new Repairs(() => 0, hour);
    before.begun('a', 'start', hour);
    const after = new Repairs(() => 0, 500, before.report());
    assert.equal(after.view().get('a/power')?.retryAt, 600_500);
  });

  test('what was begun after the hour of health stays', () => {
    const repairs = new Repairs(() => 0, 0);
    repairs.begun('a', 'start', 0);
    repairs.begun('a', 'restart', 7_000_000);
    repairs.forget('a', 3_600_000);
    assert.deepEqual(
      repairs.report().map(({ kind }) => kind),
      ['restart'],
    );
    repairs.forget('a');
    assert.deepEqual(repairs.report(), []);
  });
});
