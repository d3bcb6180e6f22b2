import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../../src/controllers/schedulers/slurm/plan.ts';
import type { SlurmScope } from '../../../src/controllers/schedulers/slurm/scope.ts';
import * as a from './builders.ts';

function headOf(scope: SlurmScope) {
  const { verdicts, actions } = plan(scope);
  const verdict = verdicts.get(a.headName);
  const reason = verdict && 'reason' in verdict ? ` ${verdict.reason}` : '';
  const own = actions.filter(
    ({ node, action }) => node === a.headName && action.kind === 'startUnit',
  );
  const [start] = own.map(({ action }) => (action.kind === 'startUnit' ? action : assert.fail()));
  return { is: `${verdict?.kind}${reason}`, verdict, start, count: own.length };
}

const empty = a.view([]);
const stopped = { ...a.slurmFacts().daemons, slurmctld: a.daemon('failed') };

test('a fresh head is formed: the key as a secret, everything else as text', () => {
  const { is, start } = headOf(a.scope([a.head({}, a.slurmFacts()), a.worker()]));
  assert.equal(is, 'configuring FormingCluster');
  const key = start?.files.find(({ path }) => path === '/etc/munge/munge.key');
  assert.deepEqual(key, {
    path: '/etc/munge/munge.key',
    mode: '0400',
    owner: 'munge:munge',
    content: { secret: 'munge.key' },
  });
  const conf = start?.files.find(({ path }) => path.endsWith('slurm.conf'));
  assert.match(JSON.stringify(conf?.content), /SlurmctldParameters=enable_configless/);
});

test('a formed head that answers is ready and left alone', () => {
  assert.deepEqual(headOf(a.scope([a.head(), a.worker()], a.view([a.record()]))), {
    is: 'ready',
    verdict: { kind: 'ready' },
    start: undefined,
    count: 0,
  });
});

test('a formed head that does not answer is said to be so', () => {
  assert.equal(headOf(a.scope([a.head(), a.worker()])).is, 'notReady SlurmctldNotAnswering');
});

test('while workers leave, a formed head that does not answer is kept at work', () => {
  const moved = { ...a.removed, address: '10.0.0.9' };
  const leaving = a.worker({ ...a.removed }, a.joinedFacts());
  const { is, start } = headOf(a.scope([a.head(moved), leaving]));
  assert.equal(is, 'draining WorkersFirst');
  const conf = start?.files.find(({ path }) => path.endsWith('slurm.conf'));
  assert.match(JSON.stringify(conf?.content), /SlurmctldHost=a-head-0\(10\.0\.0\.9\)/);
  const answering = a.view([a.record()]);
  assert.equal(headOf(a.scope([a.head(moved), leaving], answering)).count, 0, 'it answers');
  assert.equal(headOf(a.scope([a.head(a.removed), leaving])).count, 0, 'nothing is to be mended');
  assert.equal(headOf(a.scope([a.head(moved, a.slurmFacts()), leaving])).count, 0, 'never formed');
  assert.equal(headOf(a.scope([a.head(moved)])).count, 0, 'all have left');
});

test('the same inputs name the same unit, another config names another', () => {
  const fresh = a.scope([a.head({}, a.slurmFacts()), a.worker()], empty);
  const changed = { ...fresh, config: { config: { KillWait: 60 } } };
  const unit = headOf(fresh).start?.unit;
  assert.match(unit ?? '', /^slurm-head-[0-9a-f]{12}$/);
  assert.equal(headOf(fresh).start?.unit, unit);
  assert.notEqual(headOf(changed).start?.unit, unit);
});

test('a new config on a formed head is applied while the workers go on', () => {
  const changed = { ...a.scope([a.head(), a.worker()], a.view([a.record()])) };
  changed.config = { config: { KillWait: 60 } };
  const { is, count } = headOf(changed);
  assert.equal(is, 'configuring ApplyingConfig');
  assert.equal(count, 1);
  assert.equal(plan(changed).verdicts.get(a.workerName)?.kind, 'ready');
});

test('a new pool changes the config, a new worker of a known pool does not', () => {
  const nodes = [a.head(), a.worker(), a.worker({ name: 'a-w-1' })];
  assert.equal(headOf(a.scope(nodes, empty)).count, 0);
  const other = [...nodes, a.worker({ name: 'a-big-0', pool: 'big' })];
  assert.equal(headOf(a.scope(other, empty)).count, 1);
});

test('work that has succeeded runs again under another name when the world contradicts it', () => {
  const fresh = headOf(a.scope([a.head({}, a.slurmFacts()), a.worker()]));
  const done = [a.unit(fresh.start?.unit ?? '')];
  const facts = a.formedFacts({ daemons: stopped });
  const again = headOf(a.scope([a.head({}, facts, done), a.worker()]));
  assert.match(again.start?.unit ?? '', new RegExp(`^${fresh.start?.unit}-[0-9a-f]{8}$`));
  const later = a.formedFacts({ daemons: stopped, appliedSerial: '2' });
  const third = headOf(a.scope([a.head({}, later, done), a.worker()]));
  assert.notEqual(third.start?.unit, again.start?.unit);
});

test('work that runs is not started twice, even under another name', () => {
  const running = [a.unit('slurm-head-other', { activeState: 'activating' })];
  const { is, count } = headOf(a.scope([a.head({}, a.slurmFacts(), running), a.worker()]));
  assert.equal(is, 'configuring FormingCluster');
  assert.equal(count, 0);
});

test('a faulty config touches nothing', () => {
  const faulty = {
    ...a.scope([a.head(), a.worker()], empty),
    config: { config: { NodeName: 'x' } },
  };
  const { is, count, verdict } = headOf(faulty);
  assert.equal(is, 'stalled InvalidConfig');
  assert.match(JSON.stringify(verdict), /spec\.scheduler\.slurm\.config\.NodeName/);
  assert.equal(count, 0);
});

test('a setting that Slurm refused is for a person to mend, with the name that was meant', () => {
  const changed = { ...a.scope([a.head(), a.worker()], empty), config: { config: { KilWait: 1 } } };
  const unit = headOf(changed).start?.unit ?? '';
  const journalTail =
    'slurm.conf is faulty, nothing was changed: error: unrecognized key: KilWait\nfatal: no';
  const failed = a.unit(unit, { activeState: 'failed', exitStatus: 1, journalTail });
  const done = { ...failed, endedSecondsAgo: 1 };
  const { is, verdict, count } = headOf({
    ...changed,
    nodes: [a.head({}, a.formedFacts(), [done]), a.worker()],
  });
  assert.equal(is, 'stalled InvalidConfig');
  assert.match(JSON.stringify(verdict), /did you mean \\"KillWait\\"\?/);
  assert.equal(count, 0);
});

test('a pool without nodes has its partition', () => {
  const { start } = headOf({ ...a.scope([a.head({}, a.slurmFacts())]), pools: ['w', 'spare'] });
  const conf = start?.files.find(({ path }) => path.endsWith('slurm.conf'));
  assert.match(JSON.stringify(conf?.content), /PartitionName=spare Nodes=pool-spare/);
  assert.match(JSON.stringify(conf?.content), /PartitionName=w /);
});

test('a head without a visit waits, and one that is off as well', () => {
  const unvisited = a.worker({ name: a.headName, role: 'controlPlane' });
  assert.equal(headOf(a.scope([unvisited])).is, 'configuring WaitingForGuest');
  assert.equal(headOf(a.scope([{ ...unvisited, ...a.off }])).is, 'configuring PoweredOff');
});

const leaving = a.head(a.removed);

test('workers leave before the head', () => {
  const nodes = [leaving, a.worker(a.removed)];
  assert.equal(headOf(a.scope(nodes, a.view([a.record()]))).is, 'draining WorkersFirst');
  const empty = a.view([a.record({ state: 'IDLE+DRAIN', reason: a.ours('x') })]);
  assert.equal(headOf(a.scope(nodes, empty)).is, 'draining WorkersFirst');
});

test('the head leaves when all workers are absent, and vanishes when it is off', () => {
  const gone = a.worker({ ...a.removed, ...a.off });
  assert.equal(headOf(a.scope([leaving, gone], empty)).is, 'drained');
  assert.equal(headOf(a.scope([leaving], empty)).is, 'drained');
  assert.equal(headOf(a.scope([{ ...leaving, ...a.off }, gone])).is, 'absent');
});

test('a formed head that does not answer is not powered off while workers may run jobs', () => {
  assert.equal(headOf(a.scope([leaving, a.worker(a.removed)])).is, 'draining WorkersFirst');
});

test('a head alone to be removed goes only with an empty queue', () => {
  const jobs = [a.job('1', 'PENDING', [])];
  assert.equal(
    headOf(a.scope([leaving, a.worker()], a.view([a.record()], jobs))).is,
    'draining HeadHasJobs',
  );
  assert.equal(headOf(a.scope([leaving, a.worker()], a.view([a.record()]))).is, 'drained');
  assert.equal(headOf(a.scope([leaving, a.worker()])).is, 'draining HeadHasJobs');
  assert.equal(headOf(a.scope([{ ...leaving, ...a.off }, a.worker()])).is, 'draining HeadHasJobs');
});
