/** A cluster that goes away with a head that never answered must still come to its end. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../../src/controllers/schedulers/slurm/plan.ts';
import * as a from './builders.ts';
import { type Case, check } from './plan-check.ts';

const { daemons } = a.slurmFacts();

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

for (const wanted of ['present', 'removed'] as const) {
  test(`a ${wanted} worker that no listing has is off only when Slurm does not hear it either`, () => {
    const missing = a.worker({ ...(wanted === 'removed' && a.removed), ...a.off, unlisted: true });
    const busy = a.view([a.record({ state: 'ALLOCATED' })], [a.job('7')]);
    assert.deepEqual(plan(a.scope([a.head(), missing], busy)).actions, [], 'its job goes on');
    const silent = a.view([a.record({ state: 'ALLOCATED+NOT_RESPONDING' })], [a.job('7')]);
    const { actions } = plan(a.scope([a.head(), missing], silent));
    assert.equal(actions.length, 1, 'its job is given to another node');
    const listed = a.worker({ ...(wanted === 'removed' && a.removed), ...a.off });
    assert.equal(
      plan(a.scope([a.head(), listed], busy)).actions.length,
      1,
      'it is known to be off',
    );
  });
}

test('what was on a worker whose power is cut is told, whoever cut it and why', () => {
  const down = { ...a.record({ state: 'DOWN' }), reason: a.ours('scaled down') };
  const verdictOf = (jobs: string[]) => {
    const seen = a.view(
      [down],
      jobs.map((id) => a.job(id)),
    );
    return plan(a.scope([a.head(), off], seen)).verdicts.get(off.name);
  };
  const message = 'its VM is off; Slurm is told to forget the node';
  assert.deepEqual(verdictOf([]), { kind: 'drained', message });
  const told = {
    kind: 'drained',
    reason: 'JobsLost',
    message: `${message}, and with it go 2 jobs: 7, 8`,
  };
  assert.deepEqual(verdictOf(['7', '8']), told);
});

const mayBeKnown: Case[] = [
  {
    name: 'one that Slurm does not know stays while its slurmd runs and may register yet',
    node: a.worker({ ...a.removed, removalSince: a.now - 29_000 }, a.joinedFacts()),
    view: a.view([]),
    is: 'draining Joining',
  },
  {
    name: 'and goes then: a slurmd tries every ten seconds',
    node: a.worker({ ...a.removed, removalSince: a.now - 30_000 }, a.joinedFacts()),
    view: a.view([]),
    is: 'drained',
  },
  {
    name: 'a head whose forming was cut may have slurmctld since, and with it workers',
    node: a.worker(a.removed),
    head: a.head(a.removed, a.slurmFacts({ confDigest: 'a' })),
    is: 'draining SchedulerUnreachable',
    does: [/^start slurm-head-/],
  },
  {
    name: 'unless slurmctld refused what it was given',
    node: a.worker(a.removed),
    head: a.head(
      a.removed,
      a.slurmFacts({ confDigest: 'a', daemons: { ...daemons, slurmctld: a.daemon('failed') } }),
    ),
    is: 'drained',
  },
];

for (const each of mayBeKnown) check(each);

/** Looks at a drain that waits for a job, one after the other; each remembers what the last told. */
class LongDrain {
  told: number | undefined;
  readonly timeoutMs = 18_000_000;
  /** On the head's clock, which is not ours: when it was drained, in ms. */
  drainedAt = a.viewClock * 1000 + 770;

  look(afterMs: number, answerMs = 0, headIsOffMs = 0) {
    const now = a.now + afterMs;
    const seconds = (ms: number) => Math.floor(ms / 1000);
    const clock = seconds(a.viewClock * 1000 + 770 + afterMs - answerMs + headIsOffMs);
    const reason = { text: 'benchcluster: x', user: 'root', at: seconds(this.drainedAt) };
    const node = a.worker({
      ...a.removed,
      ...(this.told !== undefined && { removalTold: this.told, removalSince: this.told }),
      drain: { timeoutMs: this.timeoutMs, onTimeout: 'Force' },
    });
    const busy = a.view([a.record({ state: 'ALLOCATED+DRAIN', reason })], [a.job('7')]);
    const { verdicts } = plan({ ...a.scope([a.head(), node], { ...busy, clock }), now });
    const verdict = verdicts.get(node.name);
    if (verdict?.kind === 'draining') this.told = verdict.since;
    return verdict?.kind === 'draining' ? (verdict.deadline ?? 0) - a.now : verdict?.kind;
  }
}

test('while a drain waits its deadline stays, whatever seconds the looks and the answers fall in', () => {
  const drain = new LongDrain();
  const deadline = drain.look(90);
  assert.equal(deadline, 18_000_090);
  const answersMs = [0, 370, 4900, 1240, 810];
  for (let round = 1; round < 2000; round += 1) {
    const answerMs = answersMs[round % answersMs.length];
    assert.equal(drain.look(90 + round * 5837, answerMs), deadline, `round ${round}`);
  }
});

test('one that is clearly later than what was told counts from then on, and stays there', () => {
  const drain = new LongDrain();
  drain.look(90);
  drain.drainedAt += 3_600_000;
  const later = drain.look(3_600_500);
  assert.ok(typeof later === 'number' && Math.abs(later - 21_600_000) < 1500, `${later}`);
  for (let round = 1; round < 2000; round += 1) {
    assert.equal(drain.look(3_600_500 + round * 5837, (round * 370) % 5000), later);
  }
});

test('at its end no rounding makes it early: the head must say that its time has passed', () => {
  const drain = new LongDrain();
  drain.look(90);
  drain.drainedAt += 4000;
  assert.equal(drain.look(10_000), 18_000_090);
  const exact = drain.look(18_000_090);
  assert.ok(typeof exact === 'number' && exact > 18_003_000, `${exact}`);
  assert.equal(drain.look(18_006_000), 'drained');
});

test('a head’s clock that was set back moves nothing', () => {
  const drain = new LongDrain();
  const deadline = drain.look(90);
  for (const afterMs of [60_000, 120_500, 240_900]) {
    assert.equal(drain.look(afterMs, 0, -3_600_000), deadline);
  }
});
