/** What a round decides about nodes and clusters that go: removal, replacement, the end. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { actionKey } from '../../../src/controllers/bench-cluster/action.ts';
import {
  clusterUid,
  nodeUuid,
  nodeVolume,
} from '../../../src/controllers/bench-cluster/desired.ts';
import { hostPlan } from '../../../src/controllers/bench-cluster/plan.ts';
import type { Verdict } from '../../../src/controllers/schedulers/scheduler.ts';
import { ClusterStatus } from '../../../src/crd/status.ts';
import { clusterOf, identity, imageOf, recordOf } from '../../fakes/builders.ts';
import { PlanCase, poolPath } from './plan-case.ts';

const victim = 'alpha-compute-1';
const disk = 'alpha-compute-1-01220ba9.qcow2';
const drained: Verdict = { kind: 'drained', message: 'no job' };
const absent: Verdict = { kind: 'absent' };
const draining: Verdict = { kind: 'draining', reason: 'Jobs', message: '1 job' };

/** The last worker is not wanted any more. */
function shrunk(verdict: Verdict): PlanCase {
  const round = new PlanCase().edit(recordOf(clusterOf({ replicas: 1 })));
  round.verdicts.set(victim, verdict);
  return round;
}

function deleted(): PlanCase {
  const round = new PlanCase();
  const deletionTimestamp = '2026-01-01T00:00:00.000Z';
  return round.edit(recordOf(clusterOf(), { deletionTimestamp }));
}

function emptied(round: PlanCase): PlanCase {
  round.inventory.domains = [];
  const { pool } = round.inventory;
  pool.volumes = pool.volumes.filter(({ name }) => name.startsWith('debian-'));
  return round;
}

describe('the way out of a node', () => {
  for (const verdict of [draining, { kind: 'ready' } as const]) {
    test(`nothing is done while the scheduler says ${verdict.kind}`, () => {
      const round = shrunk(verdict);
      assert.deepEqual(round.actions(), []);
      assert.equal(round.phase(victim)?.[0], 'Draining');
    });
  }

  test('step by step: powered off, forgotten, its disk deleted, undefined, gone', () => {
    const round = shrunk(drained);
    assert.deepEqual(round.actions(), [`destroy ${victim}`]);
    round.off(victim);
    assert.deepEqual(round.actions(), []);
    assert.deepEqual(round.phase(victim), ['Deleting', 'Leaving']);
    round.verdicts.set(victim, absent);
    assert.deepEqual(round.actions(), [`deleteVolume ${disk}`]);
    round.without({ volume: disk });
    assert.deepEqual(round.actions(), [`undefine ${victim}`]);
    round.without({ domain: victim });
    assert.deepEqual(round.actions(), []);
    assert.equal(round.phase(victim), undefined);
  });

  test('the steps that are still to come count as considered, whatever the scheduler says now', () => {
    const steps = ['destroy', 'deleteVolume', 'undefine'];
    const ahead = (round: PlanCase) => {
      const keys = [...round.plan().considered];
      return steps.filter((step) => keys.some((key) => key.startsWith(`rhodey/${step}/${victim}`)));
    };
    const round = shrunk(draining);
    assert.deepEqual(ahead(round), steps);
    round.verdicts.set(victim, drained);
    assert.deepEqual(ahead(round), steps);
    assert.deepEqual(ahead(round.off(victim)), ['deleteVolume', 'undefine']);
    assert.deepEqual(ahead(round.without({ volume: disk })), ['undefine']);
    const unseen = shrunk(absent).off(victim);
    unseen.inventory.pool.active = false;
    unseen.inventory.pool.volumes = [];
    assert.deepEqual(ahead(unseen), ['deleteVolume', 'undefine'], 'its disk may be there');
  });

  test('one that never joined is powered off at once', () => {
    assert.deepEqual(shrunk(absent).actions(), [`destroy ${victim}`]);
  });

  test('a paused victim may still have jobs: it is not powered off undrained', () => {
    const round = shrunk(draining);
    Object.assign(round.domain(victim), { state: 'paused', reason: 'user' });
    assert.deepEqual(round.actions(), []);
    assert.deepEqual(round.phase(victim), ['Draining', 'PausedByUser']);
  });

  test('one that a full disk has paused goes on, so that its work can end', () => {
    const round = shrunk(draining);
    Object.assign(round.domain(victim), { state: 'paused', reason: 'ioerror' });
    assert.deepEqual(round.actions(), [`resume ${victim}`]);
    assert.deepEqual(round.phase(victim), ['Draining', 'Resuming']);
  });

  test('the module is told why, and since when it remembers', () => {
    const round = shrunk(draining);
    round.plan();
    const first = round.asked?.nodes.find(({ name }) => name === victim);
    assert.equal(first?.wanted, 'removed');
    assert.equal(first?.removalReason, 'replicas lowered');
    assert.equal(first?.removalSince, undefined);
    const since = round.now;
    round.now += 60_000;
    round.plan();
    const later = round.asked?.nodes.find(({ name }) => name === victim);
    assert.equal(later?.removalSince, since);
    assert.equal(later?.drain.timeoutMs, 600_000);
  });

  test('a disk without domain that nobody wants is deleted, its neighbour of another tool is not', () => {
    const round = shrunk(absent).without({ domain: victim });
    const other = { name: 'alpha-compute-1-deadbeef.qcow2', path: '/pool/x', capacityBytes: 1 };
    round.inventory.pool.volumes.push(other);
    assert.deepEqual(round.actions(), [`deleteVolume ${disk}`]);
  });

  test('a stranger’s volume of exactly that name is not deleted: it is no overlay of ours', () => {
    const round = shrunk(absent).without({ domain: victim });
    for (const volume of round.inventory.pool.volumes) {
      if (volume.name === disk) delete volume.backingPath;
    }
    assert.deepEqual(round.actions(), []);
  });

  test('a disk that a domain without our mark uses is left alone', () => {
    const round = shrunk(absent).off(victim);
    delete round.domain(victim).owner;
    assert.deepEqual(round.actions(), []);
  });

  test('with an inactive pool it stays defined, so that its disk is not forgotten', () => {
    const round = shrunk(absent).off(victim);
    round.inventory.pool.active = false;
    round.inventory.pool.volumes = [];
    assert.deepEqual(round.actions(), []);
    assert.deepEqual(round.phase(victim), ['Deleting', 'PoolInactive']);
  });
});

describe('the end of a cluster', () => {
  test('all nodes leave, the head among them, as the scheduler lets them', () => {
    const round = deleted();
    for (const { scope } of round.plan().nodes) round.verdicts.set(scope.name, draining);
    assert.deepEqual(round.actions(), []);
    round.verdicts.set(victim, drained);
    assert.deepEqual(round.actions(), [`destroy ${victim}`]);
    const reasons = round.asked?.nodes.map(({ removalReason }) => removalReason);
    assert.deepEqual(reasons, ['cluster deleted', 'cluster deleted', 'cluster deleted']);
  });

  test('its network is started again as long as machines need it to leave', () => {
    const round = deleted();
    for (const { scope } of round.plan().nodes) round.verdicts.set(scope.name, draining);
    Object.assign(round.inventory.networks[0] ?? {}, { active: false });
    assert.deepEqual(round.actions(), ['createNetwork bench-net']);
    for (const { name } of new PlanCase().cluster.nodes) round.off(name);
    assert.deepEqual(round.actions(), []);
  });

  test('a round of the VMs alone tells what it does, and else what was told before', () => {
    const round = deleted().off('alpha-head-0');
    for (const { scope } of round.plan().nodes) round.verdicts.set(scope.name, draining);
    round.verdicts.set('alpha-head-0', absent);
    const planned = round.plan();
    const { previous } = round.observed;
    const told = previous?.nodes.map((node) => ({ ...node, phase: 'Draining', reason: 'Old' }));
    const said = hostPlan(planned, ClusterStatus.parse({ ...previous, nodes: told }));
    assert.deepEqual(
      said.nodes.map(({ scope, outcome }) => [scope.name, outcome.reason, outcome.byHost]),
      [
        ['alpha-head-0', 'Removing', true],
        ['alpha-compute-0', 'Old', undefined],
        [victim, 'Old', undefined],
      ],
    );
  });

  test('of one that is wanted again the head without its disk goes on to go, and is made anew', () => {
    const name = 'alpha-head-0';
    const round = deleted().off(name);
    for (const { scope } of round.plan().nodes) round.verdicts.set(scope.name, absent);
    assert.ok(round.actions().some((action) => action.startsWith(`deleteVolume ${name}`)));
    round.without({ volume: new PlanCase().node(name).volume }).edit(recordOf());
    round.verdicts.clear();
    round.inventory.pool.active = false;
    assert.deepEqual(round.phase(name), ['Deleting', 'PoolInactive']);
    round.inventory.pool.active = true;
    assert.deepEqual(round.actions(), [`undefine ${name}`]);
    assert.deepEqual(round.phase(name), ['Deleting', 'Removing'], 'as long as it takes');
    round.without({ domain: name });
    assert.deepEqual(round.phase(name), ['Creating', 'CreatingVolume']);
  });

  test('of one that is wanted again the disk that is being deleted is waited for', () => {
    const name = 'alpha-head-0';
    const round = deleted();
    for (const { scope } of round.plan().nodes) round.verdicts.set(scope.name, draining);
    assert.deepEqual(round.phase(name), ['Draining', 'Jobs']);
    const { volume } = round.off(name).edit(recordOf()).node(name);
    round.verdicts.clear();
    const operations = [{ key: `rhodey/deleteVolume/${volume}`, progress: 'begun' }];
    round.observed = { ...round.observed, operations };
    assert.deepEqual(round.actions(), [], 'it is not started on it');
    assert.deepEqual(round.phase(name), ['Deleting', 'Removing']);
    round.observed.operations = [];
    assert.deepEqual(round.actions(), [`start ${name}`], 'when it could not be deleted');
    round.observed.operations = operations;
    round.plan();
    round.without({ volume }).observed.operations = [];
    assert.deepEqual(round.actions(), [`undefine ${name}`]);
  });

  test('then its network and images go, and then it is finished', () => {
    const round = emptied(deleted());
    assert.deepEqual(round.actions(), [
      'removeNetwork bench-net',
      'deleteVolume debian-aaaaaaaaaaaa.qcow2',
      'deleteVolume debian-aaaaaaaaaaaa.vmlinuz',
      'deleteVolume debian-aaaaaaaaaaaa.initrd',
    ]);
    assert.equal(round.plan().finished, false);
    round.inventory.networks = [];
    round.inventory.pool.volumes = [];
    const { finished, wakeAt } = round.plan();
    assert.deepEqual([finished, wakeAt - round.now], [true, 500], 'the next look makes it sure');
  });

  test('the images of its earlier specs go too', () => {
    const round = emptied(deleted());
    round.record = { ...round.record, images: [imageOf('debian', 'b')] };
    round.record.formerArtifacts = ['debian-aaaaaaaaaaaa.qcow2'];
    assert.ok(round.actions().includes('deleteVolume debian-aaaaaaaaaaaa.qcow2'));
  });

  test('what is left of an upload that was cut goes, unless it is under way', () => {
    const round = emptied(deleted());
    const name = 'debian-aaaaaaaaaaaa.qcow2';
    const partBy = (installation: string) => {
      const part = `${name}.${installation.slice(0, 8)}.part`;
      return { name: part, path: `${poolPath}/${part}`, capacityBytes: 1 };
    };
    round.inventory.pool.volumes = [partBy(identity.installation)];
    round.inventory.networks = [];
    assert.deepEqual(round.actions(), [`deleteVolume ${name}`]);
    round.observed = { operations: [{ key: `rhodey/upload/${name}`, progress: '43 %' }] };
    assert.deepEqual(round.actions(), []);
    round.observed = {};
    round.inventory.pool.volumes = [partBy('0a0b0c0d-0000-4000-8000-000000000000')];
    assert.deepEqual(round.actions(), [], 'it is the upload of another installation');
  });

  test('what another cluster wants stays', () => {
    const round = emptied(deleted());
    const artifacts = new Set(round.cluster.artifacts);
    round.observed = { others: { networks: new Set(['bench-net']), artifacts } };
    assert.deepEqual(round.actions(), []);
    assert.equal(round.plan().finished, true);
  });

  test('what a foreign domain or overlay uses stays', () => {
    const round = emptied(deleted());
    const { domains, pool } = round.inventory;
    const kernel = `${poolPath}/debian-aaaaaaaaaaaa.vmlinuz`;
    domains.push({
      ...{ name: 'other', uuid: 'o', state: 'shutoff', reason: '', persistent: true, id: -1 },
      connection: 1,
      ...{ macs: [], networks: ['bench-net'], files: [kernel], agentConnected: false },
    });
    const backingPath = `${poolPath}/debian-aaaaaaaaaaaa.qcow2`;
    pool.volumes.push({ name: 'x', path: '/pool/x', capacityBytes: 1, backingPath });
    assert.deepEqual(round.actions(), ['deleteVolume debian-aaaaaaaaaaaa.initrd']);
  });

  test('it waits for a disk of ours that is left on its image, and only for one that goes', () => {
    const round = emptied(deleted());
    const { volumes } = round.inventory.pool;
    const [image] = volumes;
    const left = (node: string) => {
      const uuid = nodeUuid(clusterUid(identity.installation, 'default', 'beta'), node);
      const name = nodeVolume(node, uuid);
      return {
        name,
        path: `${poolPath}/${name}`,
        capacityBytes: 1,
        backingPath: image?.path ?? '',
      };
    };
    const [worker, head] = [left('beta-compute-0'), left('beta-head-0')];
    round.inventory.networks = [];
    round.inventory.pool.volumes = volumes.slice(0, 1).concat(worker);
    assert.deepEqual(round.actions(), []);
    const waiting = round.plan();
    assert.equal(waiting.finished, false);
    assert.match(waiting.blockers[0]?.message ?? '', /waits for beta-compute-0-.*default\/beta/);
    round.inventory.pool.volumes = volumes.slice(0, 1);
    assert.deepEqual(round.actions(), ['deleteVolume debian-aaaaaaaaaaaa.qcow2']);
    round.inventory.pool.volumes = volumes.slice(0, 1).concat(head);
    assert.equal(round.plan().finished, true, 'a head stays until a person has looked');
  });

  test('a network of its name that is not ours stays', () => {
    const round = emptied(deleted());
    Object.assign(round.inventory.networks[0] ?? {}, { uuid: 'foreign' });
    assert.ok(!round.actions().some((action) => action.startsWith('removeNetwork')));
  });

  test('an inactive pool hides what is left: it is not finished', () => {
    const round = emptied(deleted());
    round.inventory.networks = [];
    round.inventory.pool.volumes = [];
    round.inventory.pool.active = false;
    assert.equal(round.plan().finished, false);
  });

  test('a deletion under way is not begun again', () => {
    const round = emptied(deleted());
    const operations = round
      .plan()
      .actions.map(({ action }) => ({ key: actionKey(action), progress: 'begun' }));
    round.observed = { operations };
    const again = round.actions().filter((action) => action.startsWith('deleteVolume'));
    assert.deepEqual(again, []);
  });
});
