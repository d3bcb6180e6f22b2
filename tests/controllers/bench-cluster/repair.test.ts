/** The table of docs/repair.md: what becomes of a node that broke, by values, a row for a row. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { maxRepairs, repairKey } from '../../../src/controllers/bench-cluster/repairs.ts';
import { clusterOf, recordOf } from '../../fakes/builders.ts';
import { PlanCase } from './plan-case.ts';

const head = 'alpha-head-0';
const worker = 'alpha-compute-0';
const other = 'alpha-compute-1';
const minute = 60_000;

/** All is well, and the controller has seen it. */
function wellCase(replicas = 2): PlanCase {
  const round = new PlanCase(recordOf(clusterOf({ replicas })));
  round.plan();
  round.now += minute;
  return round;
}

function set(round: PlanCase, name: string, state: string, reason: string): void {
  Object.assign(round.domain(name), { state, reason, ...(state === 'shutoff' && { id: -1 }) });
  if (state !== 'running') round.guests.delete(name);
}

function silence(round: PlanCase, name: string): void {
  round.guests.set(name, { kind: 'unproven', reason: 'WaitingForSSH', message: 'no answer' });
  round.ready?.delete(name);
}

/** A round now, and one after so many more minutes. */
function later(round: PlanCase, minutes: number): PlanCase {
  round.plan();
  round.now += minutes * minute;
  return round;
}

interface Row {
  state: string;
  given: (round: PlanCase, name: string) => void;
  /** Of a worker. */
  phase: [string, string];
  actions: (name: string) => string[];
  /** Of the head, where it differs. */
  headPhase?: [string, string];
  headActions?: string[];
}

const none = () => [];
const start = (name: string) => [`start ${name}`];

const rows: Row[] = [
  {
    state: 'crashed',
    given: (round, name) => set(round, name, 'shutoff', 'crashed'),
    phase: ['NotReady', 'Crashed'],
    actions: start,
  },
  {
    state: 'shut off by its guest',
    given: (round, name) => set(round, name, 'shutoff', 'shutdown'),
    phase: ['NotReady', 'ShutOffByGuest'],
    actions: start,
  },
  {
    state: 'destroyed by a person',
    given: (round, name) => set(round, name, 'shutoff', 'destroyed'),
    phase: ['NotReady', 'PoweredOff'],
    actions: start,
  },
  {
    state: 'undefined while it runs',
    given: (round, name) => Object.assign(round.domain(name), { persistent: false }),
    phase: ['NotReady', 'Undefined'],
    actions: (name) => [`define ${name}`],
  },
  {
    state: 'undefined when it was off, its disk still there',
    given: (round, name) => round.without({ domain: name }),
    phase: ['Creating', 'DefiningDomain'],
    actions: (name) => [`define ${name}`],
  },
  {
    state: 'paused, because its disk is full',
    given: (round, name) => {
      set(round, name, 'paused', 'ioerror');
      round.inventory.pool.availableBytes = 4096;
    },
    phase: ['Stalled', 'DiskFull'],
    actions: none,
  },
  {
    state: 'paused by a full disk that has room again',
    given: (round, name) => set(round, name, 'paused', 'ioerror'),
    phase: ['NotReady', 'Resuming'],
    actions: (name) => [`resume ${name}`],
  },
  {
    state: 'paused by a person',
    given: (round, name) => set(round, name, 'paused', 'user'),
    phase: ['Stalled', 'PausedByUser'],
    actions: none,
  },
  ...['postcopy', 'postcopy-failed', 'watchdog', 'crashed', 'unknown'].map(
    (reason): Row => ({
      state: `paused (${reason})`,
      given: (round, name) => set(round, name, 'paused', reason),
      phase: ['Stalled', 'Paused'],
      actions: none,
    }),
  ),
  {
    state: 'paused by libvirt itself, for a snapshot',
    given: (round, name) => set(round, name, 'paused', 'snapshot'),
    phase: ['Creating', 'Starting'],
    actions: none,
  },
  {
    state: 'suspended by its guest',
    given: (round, name) => set(round, name, 'pmsuspended', 'unknown'),
    phase: ['NotReady', 'Suspended'],
    actions: none,
  },
  {
    state: 'suspended for longer than ten minutes',
    given: (round, name) => {
      set(round, name, 'pmsuspended', 'unknown');
      later(round, 11);
      round.verdicts.set(name, { kind: 'drained', message: 'no job' });
    },
    phase: ['NotReady', 'Restarting'],
    actions: (name) => [`destroy ${name}`],
    headPhase: ['Stalled', 'Suspended'],
    headActions: [],
  },
  {
    state: 'in shutdown',
    given: (round, name) => set(round, name, 'shutdown', 'user'),
    phase: ['NotReady', 'ShuttingDown'],
    actions: none,
  },
  {
    state: 'in shutdown for longer than ten minutes',
    given: (round, name) => {
      set(round, name, 'shutdown', 'user');
      later(round, 11);
      round.verdicts.set(name, { kind: 'drained', message: 'no job' });
    },
    phase: ['NotReady', 'Restarting'],
    actions: (name) => [`destroy ${name}`],
    headPhase: ['Stalled', 'ShuttingDown'],
    headActions: [],
  },
  {
    state: 'running, its guest silent',
    given: silence,
    phase: ['NotReady', 'Unreachable'],
    actions: none,
  },
  {
    state: 'silent for longer than ten minutes, and empty',
    given: (round, name) => {
      silence(round, name);
      later(round, 11);
      round.verdicts.set(name, { kind: 'drained', message: 'Slurm calls it down' });
    },
    phase: ['NotReady', 'Restarting'],
    actions: (name) => [`destroy ${name}`],
    headPhase: ['Stalled', 'Unreachable'],
    headActions: [],
  },
  {
    state: 'silent for longer than ten minutes, with jobs that run',
    given: (round, name) => {
      silence(round, name);
      later(round, 11);
      round.verdicts.set(name, { kind: 'draining', reason: 'WaitingForJobs', message: '1 job' });
    },
    phase: ['Draining', 'WaitingForJobs'],
    actions: none,
    headPhase: ['Stalled', 'Unreachable'],
  },
  {
    state: 'silent, while its scheduler calls it ready',
    given: (round, name) => {
      silence(round, name);
      round.ready?.add(name);
      later(round, 60);
    },
    phase: ['Booting', 'WaitingForSSH'],
    actions: none,
  },
  {
    state: 'silent, while the scheduler cannot be asked',
    given: (round, name) => {
      silence(round, name);
      round.ready = undefined;
      later(round, 60);
    },
    phase: ['NotReady', 'Unreachable'],
    actions: none,
    headPhase: ['Stalled', 'Unreachable'],
  },
  {
    state: 'lost from the scheduler, its guest well',
    given: (round, name) => {
      round.ready?.delete(name);
      round.verdicts.set(name, { kind: 'notReady', reason: 'NotUsable', message: 'DOWN' });
      later(round, 600);
    },
    phase: ['NotReady', 'NotUsable'],
    actions: none,
  },
  {
    state: 'a boot that takes its time',
    given: (round, name) => {
      set(round, name, 'shutoff', 'destroyed');
      later(round, 0);
      set(round, name, 'running', 'booted');
      silence(round, name);
      later(round, 9);
    },
    phase: ['Booting', 'WaitingForSSH'],
    actions: none,
  },
  {
    state: 'a boot that never ends',
    given: (round, name) => {
      set(round, name, 'shutoff', 'destroyed');
      later(round, 0);
      set(round, name, 'running', 'booted');
      silence(round, name);
      later(round, 11);
      round.verdicts.set(name, { kind: 'absent' });
    },
    phase: ['Deleting', 'Removing'],
    actions: (name) => [`destroy ${name}`],
    headPhase: ['Stalled', 'NotBooting'],
    headActions: [],
  },
  {
    state: 'its disk lost while it is off',
    given: (round, name) => {
      set(round, name, 'shutoff', 'destroyed');
      round.without({ volume: round.node(name).volume });
    },
    phase: ['Creating', 'CreatingVolume'],
    actions: (name) => [`createVolume ${new PlanCase().node(name).volume}`],
    headPhase: ['Stalled', 'DiskMissing'],
    headActions: [],
  },
  {
    state: 'its disk lost under the running domain, a moment ago',
    given: (round, name) => round.without({ volume: round.node(name).volume }),
    phase: ['NotReady', 'DiskMissing'],
    actions: none,
  },
  {
    state: 'its disk lost under the running domain, for ten minutes',
    given: (round, name) => {
      round.without({ volume: round.node(name).volume });
      later(round, 11);
      round.verdicts.set(name, { kind: 'drained', message: 'no job' });
    },
    phase: ['Deleting', 'Removing'],
    actions: (name) => [`destroy ${name}`],
    headPhase: ['Stalled', 'DiskMissing'],
    headActions: [],
  },
  {
    state: 'a domain of an earlier life, which lost its mark',
    given: (round, name) => {
      delete round.domain(name).owner;
    },
    phase: ['Stalled', 'MarkMissing'],
    actions: none,
  },
  {
    state: 'a domain of its name and of another UUID',
    given: (round, name) => {
      round.domain(name).uuid = 'c0ffee00-0000-4000-8000-000000000000';
    },
    phase: ['Stalled', 'ForeignDomain'],
    actions: none,
  },
];

describe('a node is mended by the table', () => {
  for (const row of rows) {
    for (const [name, phase, actions] of [
      [worker, row.phase, row.actions(worker)],
      [head, row.headPhase ?? row.phase, row.headActions ?? row.actions(head)],
    ] as const) {
      test(`${name === head ? 'the head' : 'a worker'}: ${row.state}`, () => {
        const round = wellCase();
        row.given(round, name);
        const planned = round.plan();
        const outcome = planned.nodes.find(({ scope }) => scope.name === name)?.outcome;
        assert.deepEqual([outcome?.phase, outcome?.reason], phase);
        // Twice, because the status of the first round must not change the second one's mind.
        assert.deepEqual(round.actions(), actions);
        assert.deepEqual(round.phase(other), ['Ready', 'Ready'], 'the other is left alone');
      });
    }
  }
});

describe('no row costs the head its data', () => {
  for (const { state, given } of rows) {
    test(state, () => {
      const round = wellCase();
      given(round, head);
      for (let count = 0; count < 5; count += 1) {
        const done = round.actions().join();
        assert.doesNotMatch(done, /deleteVolume|undefine|destroy|createVolume alpha-head/);
        round.now += 30 * minute;
      }
    });
  }
});

describe('the way of a mended node', () => {
  test('a restart switches it on again, and never deletes anything', () => {
    const round = wellCase();
    silence(round, worker);
    later(round, 11);
    round.verdicts.set(worker, { kind: 'drained', message: 'down' });
    const [planned] = round.plan().actions;
    assert.equal(planned?.repair, 'restart');
    set(round, worker, 'shutoff', 'destroyed');
    const [on] = round.plan().actions;
    assert.ok(on?.action.kind === 'changeDomain' && on.action.change === 'start');
    assert.equal(on.repair, undefined, 'the restart was counted already');
  });

  test('a replacement goes on when it is off, until the node is made anew', () => {
    const round = wellCase();
    round.without({ volume: round.node(worker).volume });
    later(round, 11);
    round.verdicts.set(worker, { kind: 'drained', message: 'no job' });
    assert.equal(round.plan().actions[0]?.repair, 'replace');
    round.observed.repairs = repairs('replace', 1, round.now);
    set(round, worker, 'shutoff', 'destroyed');
    assert.deepEqual(round.actions(), [], 'the scheduler forgets it first');
    round.verdicts.set(worker, { kind: 'absent' });
    assert.deepEqual(round.actions(), [`undefine ${worker}`]);
    round.without({ domain: worker });
    assert.deepEqual(round.actions(), [`createVolume ${round.node(worker).volume}`]);
  });

  test('a guest that answers again is let alone', () => {
    const round = wellCase();
    silence(round, worker);
    later(round, 11);
    round.verdicts.set(worker, { kind: 'draining', reason: 'Draining', message: '-' });
    assert.equal(round.phase(worker)?.[0], 'Draining');
    round.guests.set(worker, { kind: 'proven', address: '10.0.0.1' });
    round.verdicts.set(worker, { kind: 'ready' });
    round.ready?.add(worker);
    assert.deepEqual(round.phase(worker), ['Ready', 'Ready']);
  });

  test('after the fifth restart or replacement a person is needed', () => {
    const round = wellCase();
    silence(round, worker);
    later(round, 11);
    round.verdicts.set(worker, { kind: 'drained', message: 'down' });
    round.observed.repairs = repairs('restart', maxRepairs - 1, round.now - 15 * minute);
    assert.deepEqual(round.actions(), [`destroy ${worker}`]);
    round.observed.repairs = repairs('restart', maxRepairs, round.now - 15 * minute);
    assert.deepEqual(round.actions(), []);
    assert.deepEqual(round.phase(worker), ['Stalled', 'RepairsExhausted']);
  });

  test('what was mended before an hour of health counts no more', () => {
    const round = wellCase();
    round.observed.repairs = repairs('restart', maxRepairs, round.now);
    later(round, 61);
    silence(round, worker);
    assert.deepEqual(round.plan().recovered, [worker]);
  });

  test('a machine that goes off again and again is switched on more and more seldom', () => {
    const round = wellCase();
    set(round, worker, 'shutoff', 'crashed');
    const power = { node: worker, kind: 'start', count: 40, lastAt: round.now } as const;
    const retryAt = round.now + 10 * minute;
    round.observed.repairs = new Map([[repairKey(worker, 'start'), { ...power, retryAt }]]);
    assert.deepEqual(round.phase(worker), ['NotReady', 'CrashLoopBackOff']);
    assert.deepEqual(round.actions(), []);
    round.now = retryAt;
    assert.deepEqual(round.actions(), [`start ${worker}`], 'and never given up');
  });

  test('one worker at a time is mended, and the head never counts', () => {
    const round = wellCase(9);
    const sick = ['alpha-compute-3', 'alpha-compute-5', 'alpha-compute-7'];
    for (const name of sick) silence(round, name);
    later(round, 11);
    for (const name of sick) round.verdicts.set(name, { kind: 'drained', message: 'down' });
    assert.deepEqual(round.actions(), [`destroy ${sick[0]}`]);
  });

  function repairs(kind: 'restart' | 'replace', count: number, lastAt: number) {
    const view = { kind, count, lastAt, retryAt: lastAt + 10 * minute };
    return new Map([[repairKey(worker, kind), view]]);
  }
});

describe('when many are ill at once', () => {
  const frozen: [replicas: number, sick: number, isFrozen: boolean][] = [
    [1, 1, false],
    [2, 1, false],
    [2, 2, true],
    [3, 2, true],
    [4, 2, false],
    [5, 3, true],
    [9, 4, false],
    [9, 5, true],
  ];
  for (const [replicas, sick, isFrozen] of frozen) {
    test(`${sick} of ${replicas} workers: ${isFrozen ? 'none is' : 'they are'} mended`, () => {
      const round = wellCase(replicas);
      const names = Array.from({ length: sick }, (_, index) => `alpha-compute-${index}`);
      for (const name of names) silence(round, name);
      later(round, 11);
      for (const name of names) round.verdicts.set(name, { kind: 'drained', message: 'down' });
      const { remediation } = round.plan();
      assert.equal(remediation.allowed, !isFrozen);
      assert.deepEqual(round.actions(), isFrozen ? [] : ['destroy alpha-compute-0']);
      if (isFrozen) assert.match(remediation.message, new RegExp(`^${sick} of ${replicas + 1} `));
    });
  }

  test('what is off is switched on all the same, and an edit goes on', () => {
    const round = wellCase(5);
    for (const name of ['alpha-compute-0', 'alpha-compute-1', 'alpha-compute-2']) {
      silence(round, name);
    }
    set(round, 'alpha-compute-3', 'shutoff', 'destroyed');
    round.edit(recordOf(clusterOf({ replicas: 4 })));
    round.verdicts.set('alpha-compute-4', { kind: 'drained', message: 'no job' });
    later(round, 11);
    assert.equal(round.plan().remediation.reason, 'MostNodesUnhealthy');
    assert.deepEqual(round.actions(), ['start alpha-compute-3', 'destroy alpha-compute-4']);
  });

  test('a host most of whose guests are silent freezes its clusters', () => {
    const round = wellCase(2);
    silence(round, worker);
    const others = { networks: new Set<string>(), artifacts: new Set<string>() };
    round.observed.others = { ...others, guests: { nodes: 4, silent: 3 } };
    assert.equal(round.plan().remediation.reason, 'MostGuestsUnreachable');
    round.observed.others = { ...others, guests: { nodes: 7, silent: 3 } };
    assert.equal(round.plan().remediation.allowed, true);
  });

  test('when it is over every timer begins anew', () => {
    const round = wellCase(3);
    for (const name of [worker, other]) silence(round, name);
    later(round, 30);
    round.guests.set(other, { kind: 'proven', address: '10.0.0.2' });
    round.ready?.add(other);
    round.verdicts.set(worker, { kind: 'drained', message: 'down' });
    assert.deepEqual(round.actions(), []);
    assert.equal(round.plan().remediation.allowed, true);
    round.now += 9 * minute;
    assert.deepEqual(round.actions(), []);
    round.now += 2 * minute;
    assert.deepEqual(round.actions(), [`destroy ${worker}`]);
  });

  test('nodes that boot together are no sign of anything', () => {
    const round = new PlanCase(recordOf(clusterOf({ replicas: 4 })));
    for (const { name } of round.cluster.nodes) {
      round.guests.delete(name);
      round.ready?.delete(name);
    }
    assert.equal(round.plan().remediation.allowed, true);
  });
});
