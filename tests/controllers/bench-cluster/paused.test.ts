/** What is told of the nodes of a paused cluster, one by one; nothing is done with any. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClusterStatus, NodePhase } from '../../../src/crd/status.ts';
import { clusterOf, recordOf } from '../../fakes/builders.ts';
import { PlanCase } from './plan-case.ts';

const worker = 'alpha-compute-1';
const disk = 'alpha-compute-1-01220ba9.qcow2';

interface Row {
  name: string;
  given?: (round: PlanCase) => void;
  /** Of one that is wanted, and of one that nobody wants any more. */
  wanted: [NodePhase, string];
  unwanted: [NodePhase, string];
}

const rows: Row[] = [
  { name: 'is at work', wanted: ['Ready', 'Ready'], unwanted: ['Ready', 'Ready'] },
  {
    name: 'is drained by a person',
    given: (round) =>
      round.verdicts.set(worker, { kind: 'notReady', reason: 'DrainedByOthers', message: '-' }),
    wanted: ['NotReady', 'DrainedByOthers'],
    unwanted: ['NotReady', 'DrainedByOthers'],
  },
  {
    name: 'boots',
    given: (round) => {
      round.ready?.delete(worker);
      round.guests.set(worker, { kind: 'unproven', reason: 'WaitingForSSH', message: '-' });
      before(round, 'Booting');
    },
    wanted: ['Booting', 'WaitingForSSH'],
    unwanted: ['Booting', 'WaitingForSSH'],
  },
  {
    name: 'was switched off by a person',
    given: (round) => before(round.off(worker), 'Ready'),
    wanted: ['NotReady', 'PoweredOff'],
    unwanted: ['NotReady', 'PoweredOff'],
  },
  {
    name: 'was paused by a person',
    given: (round) => Object.assign(round.domain(worker), { state: 'paused', reason: 'user' }),
    wanted: ['Stalled', 'PausedByUser'],
    unwanted: ['Stalled', 'PausedByUser'],
  },
  {
    name: 'is off, and was on its way out before the pause',
    given: (round) => before(round.off(worker), 'Deleting'),
    wanted: ['Pending', 'Paused'],
    unwanted: ['Deleting', 'Removing'],
  },
  {
    name: 'has a disk and no domain',
    given: (round) => round.without({ domain: worker }),
    wanted: ['Pending', 'Paused'],
    unwanted: ['Pending', 'Paused'],
  },
];

function before(round: PlanCase, phase: NodePhase): void {
  round.plan();
  const previous = round.observed.previous as ClusterStatus;
  const nodes = previous.nodes.map((node) => (node.name === worker ? { ...node, phase } : node));
  round.observed = { ...round.observed, previous: { ...previous, nodes } };
}

for (const { name, given, wanted, unwanted } of rows) {
  for (const [replicas, told] of [
    [2, wanted],
    [1, unwanted],
  ] as const) {
    test(`a node that ${name}, of ${replicas} that the paused cluster is to have`, () => {
      const round = new PlanCase();
      given?.(round);
      round.edit(recordOf(clusterOf({ replicas, spec: { paused: true } })));
      const planned = round.plan();
      const node = planned.nodes.find(({ scope }) => scope.name === worker);
      assert.deepEqual([node?.outcome.phase, node?.outcome.reason], told);
      assert.deepEqual(planned.actions, []);
      if (replicas === 1) assert.match(node?.outcome.message ?? '', /replicas lowered: waits/);
    });
  }
}

test('a node that is to be made is not called being made', () => {
  const round = new PlanCase().without({ domain: worker, volume: disk });
  round.edit(recordOf(clusterOf({ spec: { paused: true } })));
  const outcome = () => round.plan().nodes.find(({ scope }) => scope.name === worker)?.outcome;
  const { message = '', ...told } = outcome() ?? {};
  assert.deepEqual(told, { phase: 'Pending', reason: 'Paused', byHost: true });
  assert.equal(message, 'the node has no disk: waits, because the cluster is paused');
});

test('what had begun before the pause is told as what it is, until it ends', () => {
  const round = new PlanCase().without({ domain: worker, volume: disk });
  round.edit(recordOf(clusterOf({ spec: { paused: true } })));
  const key = `${round.cluster.host}/createVolume/${disk}`;
  round.observed = { operations: [{ key, progress: '' }] };
  assert.deepEqual(round.phase(worker), ['Creating', 'CreatingVolume']);
});

test('a pause does not make a loss of what a deletion has begun with a head', () => {
  const head = 'alpha-head-0';
  const deletionTimestamp = 'x';
  const round = new PlanCase(recordOf(clusterOf({ replicas: 0 })));
  round.off(head).without({ volume: round.node(head).volume });
  round.edit(recordOf(clusterOf({ replicas: 0 }), { deletionTimestamp }));
  round.verdicts.set(head, { kind: 'absent' });
  assert.deepEqual(round.phase(head), ['Deleting', 'Removing']);
  const paused = clusterOf({ replicas: 0, spec: { paused: true } });
  for (const record of [recordOf(paused, { deletionTimestamp }), recordOf(paused)]) {
    round.edit(record);
    assert.deepEqual(round.phase(head), ['Deleting', 'Removing']);
  }
  round.edit(recordOf(clusterOf({ replicas: 0 })));
  assert.deepEqual(round.actions(), [`undefine ${head}`]);
});
