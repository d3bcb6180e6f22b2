/** What people read: conditions, phases and since when, and the events of what changed. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { errorStatus } from '../../../src/controllers/bench-cluster/error-status.ts';
import { eventsOf } from '../../../src/controllers/bench-cluster/events.ts';
import type { Observed } from '../../../src/controllers/bench-cluster/observed.ts';
import { clusterStatus } from '../../../src/controllers/bench-cluster/status.ts';
import type { Fault } from '../../../src/crd/fault.ts';
import type { ClusterStatus } from '../../../src/crd/status.ts';
import { clusterOf, recordOf } from '../../fakes/builders.ts';
import { now, PlanCase } from './plan-case.ts';

const worker = 'alpha-compute-0';
const fault: Fault = { file: 'alpha.yaml', line: 7, message: 'unknown field' };

function statusOf(round: PlanCase, faults: Fault[] = []): ClusterStatus {
  const { previous } = round.observed;
  const planned = round.plan();
  const observed: Observed = {
    host: { inventory: round.inventory },
    guests: round.guests,
    scheduler: {},
    operations: [],
    failures: new Map(),
    others: { networks: new Set(), artifacts: new Set() },
    ...round.observed,
    ...(previous && { previous }),
  };
  const status = clusterStatus(round.cluster, observed, planned, faults, round.now);
  round.observed = { ...round.observed, previous: status };
  return status;
}

function conditionOf(status: ClusterStatus, type: string) {
  const condition = status.conditions.find((item) => item.type === type);
  assert.ok(condition, type);
  return condition;
}

function summary(status: ClusterStatus): Record<string, string> {
  return Object.fromEntries(
    status.conditions.map(({ type, status: value, reason }) => [type, `${value} ${reason}`]),
  );
}

describe('conditions', () => {
  const well = {
    Ready: 'True Ready',
    Reconciling: 'False AtRest',
    Stalled: 'False NotStalled',
    SourceValid: 'True Valid',
    HostReachable: 'True Reachable',
    ControlPlaneReady: 'True Ready',
    WorkersReady: 'True Ready',
    UpToDate: 'True UpToDate',
    RemediationAllowed: 'True Allowed',
    AsDefined: 'True AsDefined',
  };

  interface Row {
    name: string;
    given?: (round: PlanCase) => void;
    faults?: Fault[];
    /** What differs from a cluster that is well. */
    differs: Record<string, string>;
  }
  const rows: Row[] = [
    { name: 'all is well', differs: {} },
    {
      name: 'a worker that boots',
      given: (round) => {
        round.guests.delete(worker);
        round.ready?.delete(worker);
      },
      differs: {
        Ready: 'False Booting',
        Reconciling: 'True Booting',
        WorkersReady: 'False Booting',
      },
    },
    {
      name: 'a worker that waits for a person',
      given: (round) => Object.assign(round.domain(worker), { state: 'paused' }),
      differs: { Ready: 'False Paused', Stalled: 'True Paused', WorkersReady: 'False Paused' },
    },
    {
      name: 'a broken manifest beside a cluster that is well',
      faults: [fault],
      differs: { Stalled: 'True InvalidManifest', SourceValid: 'False InvalidManifest' },
    },
    {
      name: 'a host that does not answer',
      given: (round) => {
        round.observed = { host: { error: 'no route' } };
      },
      differs: {
        Ready: 'False HostUnreachable',
        Reconciling: 'True Pending',
        HostReachable: 'False HostUnreachable',
        ControlPlaneReady: 'False HostUnreachable',
        WorkersReady: 'False HostUnreachable',
        RemediationAllowed: 'False HostUnreachable',
        UpToDate: 'Unknown HostUnreachable',
        AsDefined: 'Unknown HostUnreachable',
      },
    },
    {
      name: 'an outdated head that is never replaced by itself',
      given: (round) =>
        round.edit(recordOf(clusterOf({ spec: { controlPlane: { memory: '4Gi' } } }))),
      differs: { UpToDate: 'False HeadOutdated' },
    },
    {
      name: 'the last outdated worker, which drains',
      given: (round) => {
        round.edit(recordOf(clusterOf({ replicas: 1, pool: { memory: '2Gi' } })));
        round.without({ domain: 'alpha-compute-1', volume: 'alpha-compute-1-01220ba9.qcow2' });
        round.verdicts.set(worker, { kind: 'draining', reason: 'Jobs', message: '2 jobs' });
      },
      differs: {
        Ready: 'False Jobs',
        Reconciling: 'True Draining',
        WorkersReady: 'False Jobs',
        UpToDate: 'False RollingOut',
      },
    },
    {
      name: 'a worker that leaves because fewer are wanted: the others are at work',
      given: (round) => {
        round.edit(recordOf(clusterOf({ replicas: 1 })));
        const verdict = { kind: 'draining', reason: 'Jobs', message: '2 jobs' } as const;
        round.verdicts.set('alpha-compute-1', verdict);
      },
      differs: { Reconciling: 'True Draining' },
    },
    {
      name: 'a stand-in that leaves at the end of a rollout',
      given: (round) => {
        const rollout = { maxUnavailable: 0, maxSurge: 1 };
        round.edit(recordOf(clusterOf({ pool: { rollout } })));
        for (const node of round.cluster.surge) round.build(node);
        round.verdicts.set('alpha-compute-2', { kind: 'drained', message: '-' });
      },
      differs: { Reconciling: 'True Deleting' },
    },
    {
      name: 'a stand-in that comes at the beginning of one',
      given: (round) => {
        const rollout = { maxUnavailable: 0, maxSurge: 1 };
        round.edit(recordOf(clusterOf({ pool: { rollout, memory: '2Gi' } })));
      },
      differs: {
        Ready: 'False CreatingVolume',
        Reconciling: 'True Creating',
        WorkersReady: 'False CreatingVolume',
        UpToDate: 'False RollingOut',
      },
    },
    {
      name: 'a cluster that is being deleted, also when nothing is left of it',
      given: (round) => {
        round.edit(recordOf(clusterOf(), { deletionTimestamp: 'x' }));
        round.inventory.domains = [];
        round.inventory.pool.volumes = [];
        round.inventory.networks = [];
      },
      differs: {
        Ready: 'False Deleting',
        ControlPlaneReady: 'False Deleting',
        WorkersReady: 'False Deleting',
      },
    },
    {
      name: 'a cluster that is paused and to be deleted',
      given: (round) => {
        const cluster = clusterOf({ spec: { paused: true } });
        round.edit(recordOf(cluster, { deletionTimestamp: 'x' }));
      },
      differs: {
        Ready: 'False DeletionPaused',
        Reconciling: 'False Paused',
        Stalled: 'True DeletionPaused',
        ControlPlaneReady: 'False DeletionPaused',
        WorkersReady: 'False DeletionPaused',
      },
    },
    {
      name: 'a paused cluster',
      given: (round) => round.edit(recordOf(clusterOf({ spec: { paused: true } }))),
      differs: { Reconciling: 'False Paused' },
    },
  ];
  for (const { name, given, faults = [], differs } of rows) {
    test(`of ${name}`, () => {
      const round = new PlanCase();
      given?.(round);
      assert.deepEqual(summary(statusOf(round, faults)), { ...well, ...differs });
    });
  }

  test('of a round that threw say so, keep what was known, and rest while it throws the same', () => {
    const round = new PlanCase();
    const before = statusOf(round);
    const status = errorStatus({ generation: 3 }, before, 'no such thing', round.now + 5000);
    assert.deepEqual(summary(status), {
      ...well,
      Ready: 'False ReconcileError',
      Stalled: 'True ReconcileError',
    });
    assert.deepEqual(status.nodes, before.nodes);
    const again = errorStatus({ generation: 3 }, status, 'no such thing', round.now + 50_000);
    assert.deepEqual(again, status);
    const first = errorStatus({ generation: 1 }, undefined, 'no such thing', round.now);
    assert.equal(conditionOf(first, 'Stalled').message, 'no such thing');
  });

  test('name what pauses the cluster, and how one that is to be deleted goes on', () => {
    const cluster = clusterOf({ spec: { paused: true } });
    cluster.metadata.annotations = { 'benchcluster.io/paused': 'true' };
    const both = 'spec.paused and by the annotation benchcluster.io/paused';
    const kept = statusOf(new PlanCase().edit(recordOf(cluster)));
    assert.equal(conditionOf(kept, 'Reconciling').message, `by ${both}`);
    const round = new PlanCase().edit(recordOf(cluster, { deletionTimestamp: 'x' }));
    assert.match(
      conditionOf(statusOf(round), 'Stalled').message,
      /again without spec.paused and without the annotation \S+, then delete it$/,
    );
  });

  test('name the worst node first and count the others', () => {
    const round = new PlanCase();
    round.guests.delete(worker);
    round.verdicts.set('alpha-compute-1', { kind: 'notReady', reason: 'Down', message: 'is down' });
    const { message } = conditionOf(statusOf(round), 'Ready');
    assert.equal(message, 'alpha-compute-1: is down (and 1 more)');
  });

  test('tell the place of a fault, and that the last good spec stays', () => {
    const { message } = conditionOf(statusOf(new PlanCase(), [fault, fault]), 'SourceValid');
    assert.equal(
      message,
      'alpha.yaml:7: unknown field (and 1 more); the last good spec stays in force',
    );
  });

  test('keep the time of their last transition, and change it with their status only', () => {
    const round = new PlanCase();
    const first = conditionOf(statusOf(round), 'Ready').lastTransitionTime;
    round.now += 60_000;
    assert.equal(conditionOf(statusOf(round), 'Ready').lastTransitionTime, first);
    round.guests.delete(worker);
    const second = conditionOf(statusOf(round), 'Ready').lastTransitionTime;
    assert.equal(Date.parse(second), now + 60_000);
    round.now += 60_000;
    round.guests.set(worker, { kind: 'unproven', reason: 'WaitingForSSH', message: '-' });
    const third = conditionOf(statusOf(round), 'Ready');
    assert.deepEqual([third.reason, third.lastTransitionTime], ['WaitingForSSH', second]);
  });
});

describe('nodes and pools', () => {
  test('a node has since when it is in its phase, whatever the reason says', () => {
    const round = new PlanCase();
    round.guests.delete(worker);
    const since = () => statusOf(round).nodes.find(({ name }) => name === worker)?.since;
    const first = since();
    round.now += 5000;
    round.guests.set(worker, { kind: 'unproven', reason: 'WaitingForSSH', message: '-' });
    assert.equal(since(), first);
    round.guests.set(worker, { kind: 'proven', address: '10.0.0.1' });
    assert.equal(Date.parse(since() ?? ''), now + 5000);
  });

  test('pools are counted, and the endpoint is the address of the head', () => {
    const round = new PlanCase().edit(recordOf(clusterOf({ pool: { memory: '2Gi' } })));
    round.guests.delete(worker);
    const status = statusOf(round);
    assert.deepEqual(status.workers, [{ name: 'compute', replicas: 2, ready: 1, upToDate: 0 }]);
    assert.deepEqual(status.controlPlane, { name: 'head', replicas: 1, ready: 1, upToDate: 1 });
    assert.equal(status.endpoint, '10.0.0.1');
  });

  test('the same round gives the same status to the byte', () => {
    const round = new PlanCase();
    const first = JSON.stringify(statusOf(round));
    round.now += 3_600_000;
    assert.equal(JSON.stringify(statusOf(round)), first);
  });
});

describe('events', () => {
  const told = (before: ClusterStatus | undefined, after: ClusterStatus) =>
    eventsOf('default/alpha', before, after, now).map(
      ({ type, node, reason }) => `${type} ${node ?? 'cluster'} ${reason}`,
    );

  test('at rest there are none', () => {
    const round = new PlanCase();
    assert.deepEqual(told(statusOf(round), statusOf(round)), []);
  });

  test('a node that changes its phase or reason is one, a warning when it is bad', () => {
    const round = new PlanCase();
    const before = statusOf(round);
    Object.assign(round.domain(worker), { state: 'paused' });
    assert.deepEqual(told(before, statusOf(round)), [
      `Warning ${worker} Paused`,
      'Normal cluster Paused',
      'Warning cluster Paused',
      'Warning cluster Paused',
    ]);
  });

  test('a node that is gone is one', () => {
    const round = new PlanCase();
    const before = statusOf(round);
    round.edit(recordOf(clusterOf({ replicas: 1 })));
    round.without({ domain: 'alpha-compute-1', volume: 'alpha-compute-1-01220ba9.qcow2' });
    assert.deepEqual(told(before, statusOf(round)), ['Normal alpha-compute-1 Removed']);
  });
});
