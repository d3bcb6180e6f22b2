/** A change that needs new machines goes through a pool no faster than it may. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Verdict } from '../../../src/controllers/schedulers/scheduler.ts';
import { clusterOf, recordOf } from '../../fakes/builders.ts';
import { PlanCase } from './plan-case.ts';

const draining: Verdict = { kind: 'draining', reason: 'Jobs', message: '1 job' };

describe('a rollout', () => {
  const edited = (pool: Parameters<typeof clusterOf>[0] = {}) => {
    const before = recordOf(clusterOf({ replicas: 4 }));
    const after = clusterOf({ replicas: 4, ...pool, pool: { memory: '2Gi', ...pool.pool } });
    const round = new PlanCase(before).edit(recordOf(after));
    for (const { name, role } of round.cluster.nodes) {
      if (role === 'worker') round.verdicts.set(name, draining);
    }
    return round;
  };
  const leaving = (round: PlanCase) => {
    round.plan();
    return round.asked?.nodes.filter(({ wanted }) => wanted === 'removed').map(({ name }) => name);
  };

  test('takes one at a time', () => {
    assert.deepEqual(leaving(edited()), ['alpha-compute-0']);
  });

  test('takes as many as maxUnavailable allows', () => {
    const round = edited({ pool: { rollout: { maxUnavailable: 3 } } });
    assert.equal(leaving(round)?.length, 3);
  });

  test('begins with one that is unusable anyway, and takes no other then', () => {
    const round = edited();
    round.ready?.delete('alpha-compute-2');
    assert.deepEqual(leaving(round), ['alpha-compute-2']);
  });

  test('waits while a node that is new is not usable yet, also with one that is useless', () => {
    const round = edited();
    const fresh = round.domain('alpha-compute-0');
    const mark = fresh.owner?.node;
    assert.ok(mark);
    mark.specHash = round.node('alpha-compute-0').specHash;
    round.ready?.delete('alpha-compute-0');
    assert.deepEqual(leaving(round), []);
    round.ready?.delete('alpha-compute-2');
    assert.deepEqual(leaving(round), [], 'it may come back, and then two would be missing');
    round.ready?.add('alpha-compute-0');
    assert.deepEqual(leaving(round), ['alpha-compute-2']);
    round.ready?.delete('alpha-compute-0');
    assert.deepEqual(leaving(round), ['alpha-compute-2'], 'it has begun');
  });

  test('takes back what it has begun and still runs while another one is made', () => {
    const round = edited();
    assert.deepEqual(leaving(round), ['alpha-compute-0']);
    round.ready?.delete('alpha-compute-0');
    round.without({ domain: 'alpha-compute-1' });
    assert.deepEqual(leaving(round), []);
  });

  test('begins with one that was never at work', () => {
    const round = edited();
    round.plan();
    const [, first, , third] = round.observed.previous?.nodes ?? [];
    assert.ok(first?.name === 'alpha-compute-0' && third?.name === 'alpha-compute-2');
    first.phase = 'NotReady';
    third.phase = 'Booting';
    round.ready?.clear();
    assert.deepEqual(leaving(round), ['alpha-compute-2']);
    round.ready?.add('alpha-compute-1');
    assert.deepEqual(leaving(round), ['alpha-compute-2'], 'it has begun');
  });

  test('keeps to what it has begun, although another one was never at work either', () => {
    const round = edited();
    assert.deepEqual(leaving(round), ['alpha-compute-0']);
    round.plan();
    const [, first, second] = round.observed.previous?.nodes ?? [];
    assert.ok(first?.name === 'alpha-compute-0' && second?.name === 'alpha-compute-1');
    first.phase = 'Draining';
    second.phase = 'Booting';
    for (const { name } of [first, second]) round.ready?.delete(name);
    assert.deepEqual(leaving(round), ['alpha-compute-0']);
  });

  test('begins with nothing while the scheduler cannot be asked', () => {
    const round = edited();
    round.ready = undefined;
    assert.deepEqual(leaving(round), []);
  });

  test('goes on with the one that has begun while the scheduler cannot be asked', () => {
    const round = edited();
    round.ready?.delete('alpha-compute-2');
    leaving(round);
    round.ready = undefined;
    assert.deepEqual(leaving(round), ['alpha-compute-2']);
  });

  test('takes one that is off, whether or not the scheduler can be asked', () => {
    const round = edited().off('alpha-compute-2');
    round.ready = undefined;
    assert.deepEqual(leaving(round), ['alpha-compute-2']);
  });

  test('takes no more than that when Slurm calls none ready, as after its restart', () => {
    const round = edited();
    round.ready?.clear();
    assert.deepEqual(leaving(round), ['alpha-compute-0']);
  });

  test('never takes the head', () => {
    const round = new PlanCase().edit(
      recordOf(clusterOf({ spec: { controlPlane: { memory: '4Gi' } } })),
    );
    assert.deepEqual(leaving(round), []);
  });

  describe('with nodes that stand in', () => {
    const surging = (rollout: { maxUnavailable?: number; maxSurge: number }) =>
      edited({ pool: { rollout } });
    const standIn = 'alpha-compute-4';
    const build = (round: PlanCase, name = standIn) => {
      const node = round.cluster.surge.find((item) => item.name === name);
      assert.ok(node);
      round.build(node);
      round.ready?.add(name);
    };
    const replaceAll = (round: PlanCase) => {
      for (const { name, specHash } of round.cluster.nodes) {
        const mark = round.domain(name).owner?.node;
        assert.ok(mark);
        mark.specHash = specHash;
      }
    };

    test('makes one first, and takes none before it is at work', () => {
      const round = surging({ maxUnavailable: 0, maxSurge: 1 });
      assert.deepEqual(leaving(round), []);
      const node = round.cluster.surge[0];
      assert.deepEqual(round.actions(), [`createVolume ${node?.volume}`]);
      build(round);
      round.ready?.delete(standIn);
      assert.deepEqual(leaving(round), []);
    });

    test('takes one for each that stands in', () => {
      const round = surging({ maxUnavailable: 0, maxSurge: 2 });
      build(round);
      assert.deepEqual(leaving(round), ['alpha-compute-0']);
      build(round, 'alpha-compute-5');
      assert.deepEqual(leaving(round), ['alpha-compute-0', 'alpha-compute-1']);
      // Their drain makes them unusable, and calls neither back.
      for (const name of ['alpha-compute-0', 'alpha-compute-1']) round.ready?.delete(name);
      assert.deepEqual(leaving(round), ['alpha-compute-0', 'alpha-compute-1']);
    });

    test('adds to what maxUnavailable allows', () => {
      const round = surging({ maxUnavailable: 1, maxSurge: 1 });
      build(round);
      assert.equal(leaving(round)?.length, 2);
    });

    test('makes no more of them than there are nodes to replace', () => {
      const round = surging({ maxUnavailable: 0, maxSurge: 9 });
      assert.equal(round.actions().filter((line) => line.startsWith('createVolume')).length, 4);
    });

    test('keeps it until the last new node is at work, then lets it go', () => {
      const round = surging({ maxUnavailable: 0, maxSurge: 1 });
      build(round);
      replaceAll(round);
      round.ready?.delete('alpha-compute-3');
      assert.deepEqual(leaving(round), []);
      round.ready?.add('alpha-compute-3');
      assert.deepEqual(leaving(round), [standIn]);
      assert.equal(round.asked?.nodes.at(-1)?.removalReason, 'the rollout is over');
    });

    test('says why it goes to its end, also after the host was away', () => {
      const round = surging({ maxUnavailable: 0, maxSurge: 1 });
      build(round);
      leaving(round);
      replaceAll(round);
      const { observed } = round;
      round.observed = { ...observed, host: { error: 'it is away' } };
      round.plan();
      const { previous } = round.observed;
      round.observed = { ...observed, ...(previous && { previous }) };
      const why = () => {
        round.plan();
        return round.asked?.nodes.find(({ name }) => name === standIn)?.removalReason;
      };
      assert.equal(why(), 'the rollout is over');
      round.off(standIn);
      assert.equal(why(), 'the rollout is over');
      round.without({ domain: standIn });
      assert.equal(why(), 'the rollout is over', 'its disk is left');
    });

    test('a node of a former count is none, though it has the name of one', () => {
      const round = surging({ maxUnavailable: 0, maxSurge: 1 });
      replaceAll(round);
      round.plan();
      const last = 'alpha-compute-3';
      const pool = { memory: '2Gi', rollout: { maxUnavailable: 0, maxSurge: 1 } };
      round.edit(recordOf(clusterOf({ replicas: 3, pool })));
      for (let look = 0; look < 3; look += 1) {
        assert.deepEqual(leaving(round), [last]);
        const node = round.asked?.nodes.find(({ name }) => name === last);
        assert.equal(node?.removalReason, 'replicas lowered');
      }
    });

    test('keeps it while the scheduler cannot be asked', () => {
      const round = surging({ maxUnavailable: 0, maxSurge: 1 });
      build(round);
      replaceAll(round);
      round.ready = undefined;
      assert.deepEqual(leaving(round), []);
    });

    test('does not start one again that is on its way out', () => {
      const round = surging({ maxUnavailable: 0, maxSurge: 1 });
      build(round);
      replaceAll(round);
      round.off(standIn).ready = undefined;
      assert.deepEqual(round.actions(), []);
    });

    test('makes none for a pool that is only broken', () => {
      const round = new PlanCase(
        recordOf(clusterOf({ pool: { rollout: { maxUnavailable: 0, maxSurge: 1 } } })),
      );
      round.ready?.delete('alpha-compute-0');
      assert.deepEqual(round.actions(), []);
    });
  });

  test('a replaced node is made anew when it is gone', () => {
    const round = edited();
    round.without({ domain: 'alpha-compute-0' });
    const volume = round.node('alpha-compute-0').volume;
    round.without({ volume });
    assert.deepEqual(round.actions(), [`createVolume ${volume}`]);
  });
});
