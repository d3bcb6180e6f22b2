import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../../src/controllers/schedulers/slurm/plan.ts';
import * as a from './builders.ts';
import { type Case, check } from './plan-check.ts';

const { record, worker, view, ours, job } = a;
const usable = view([record()]);
const longTold = { removalTold: a.now - 10_000_000 };
const human = { text: 'disk smells', user: 'root', at: a.viewClock - 86_400 };
const join = /^start slurm-join-/;
const forget = /scontrol delete nodename=a-w-0/;
const drain = /state=drain reason='benchcluster: replicas lowered'/;

const { daemons } = a.slurmFacts();
const { address: _unproven, ...unproven } = worker();

const lowCpus = { text: 'Low CPUs', user: 'slurm', at: a.viewClock - 60 };
const withOrphan = (state: string, reason = lowCpus) =>
  view([record(), record({ name: 'a-w-7', state, reason })]);

const present: Case[] = [
  { name: 'a usable record is ready without a visit', node: worker(), view: usable, is: 'ready' },
  {
    name: 'what left no VM is forgotten, though Slurm had refused a registration and drained it',
    node: worker(),
    view: withOrphan('DOWN+DRAIN+INVALID_REG'),
    is: 'ready',
    does: [/scontrol delete nodename=a-w-7/],
  },
  {
    name: 'what a person has drained is kept, also when it left no VM',
    node: worker(),
    view: withOrphan('DOWN+DRAIN', human),
    is: 'ready',
  },
  {
    name: 'a joined worker that was visited is ready too',
    node: worker({}, a.joinedFacts()),
    view: view([record({ state: 'MIXED+COMPLETING' })]),
    is: 'ready',
  },
  {
    name: 'a worker joins as soon as slurmctld answers',
    node: worker({}, a.slurmFacts()),
    view: view([]),
    is: 'configuring Joining',
    does: [join],
  },
  {
    name: 'it is configured beside a head that is being formed',
    node: worker({}, a.slurmFacts()),
    head: a.head({}, a.slurmFacts(), [a.unit('slurm-head-1', { activeState: 'activating' })]),
    is: 'configuring Joining',
    does: [join],
  },
  {
    name: 'so it is while the unit runs that forms the head, by what the head told before',
    node: worker({}, a.slurmFacts()),
    head: a.forming(a.slurmFacts()),
    is: 'configuring Joining',
    does: [join],
  },
  {
    name: 'it waits while a unit runs in a head that was formed before',
    node: worker({}, a.slurmFacts()),
    head: a.forming(a.formedFacts()),
    is: 'configuring WaitingForHead',
  },
  {
    name: 'it waits for a head that could not be formed',
    node: worker({}, a.slurmFacts()),
    head: a.head({}, a.slurmFacts(), [a.unit('slurm-head-1', { activeState: 'failed' })]),
    is: 'configuring WaitingForHead',
    does: [/^start slurm-head-/],
  },
  {
    name: 'it waits for a head that nothing is known of: records of its name may be there',
    node: worker({}, a.slurmFacts()),
    head: worker({ name: a.headName, role: 'controlPlane' }),
    is: 'configuring WaitingForHead',
  },
  {
    name: 'one that has joined before is not joined again beside the head',
    node: worker({}, a.joinedFacts()),
    head: a.head({}, a.slurmFacts()),
    is: 'notReady SchedulerUnreachable',
    does: [/^start slurm-head-/],
  },
  {
    name: 'it waits for facts when Slurm does not know it',
    node: worker(),
    view: view([]),
    is: 'configuring WaitingForFacts',
  },
  {
    name: 'without a view a formed cluster is not ready, and nothing is done',
    node: worker({}, a.joinedFacts()),
    is: 'notReady SchedulerUnreachable',
  },
  {
    name: 'a guest without proven address is not ready, whatever the record says',
    node: unproven,
    view: usable,
    is: 'configuring WaitingForGuest',
  },
  {
    name: 'a join that runs is waited for',
    node: worker({}, a.slurmFacts(), [a.unit('slurm-join-x', { activeState: 'activating' })]),
    view: view([]),
    is: 'configuring Joining',
  },
  {
    name: 'a record without registration is not ready: slurmctld was restarted and has not asked',
    node: worker({}, a.joinedFacts()),
    view: view([a.record({ state: 'IDLE' })].map(({ bootTime: _, ...rest }) => rest)),
    is: 'configuring Registering',
  },
  {
    name: 'a guest that never joined is not the node of a usable record',
    node: worker({}, a.slurmFacts()),
    view: usable,
    is: 'configuring StaleRecord',
    does: [forget],
  },
  {
    name: 'a human drain outlives the VM: the new one joins beside its record',
    node: worker({}, a.slurmFacts()),
    view: view([record({ state: 'DOWN+DRAIN', reason: human })]),
    is: 'configuring Joining',
    does: [join],
  },
  {
    name: 'a VM smaller than its refused record gets a new one',
    node: worker({}, a.joinedFacts()),
    view: view([record({ state: 'IDLE+DRAIN+INVALID_REG', realMemoryMib: 2000 })]),
    is: 'configuring StaleRecord',
    does: [forget],
  },
  {
    name: 'a refused registration that the VM does not explain is left to a person',
    node: worker({}, a.joinedFacts()),
    view: view([record({ state: 'IDLE+DRAIN+INVALID_REG' })]),
    is: 'notReady InvalidRegistration',
  },
  {
    name: 'a VM that is larger than when its disk joined joins anew',
    node: worker({}, a.joinedFacts({ joinHardware: { cpus: 1, memoryMiB: 448 } })),
    view: view([record({ state: 'IDLE+DRAIN+INVALID_REG' })]),
    is: 'configuring Joining',
    does: [join],
  },
  {
    name: 'a VM that is smaller than when its disk joined joins before its record is made anew',
    node: worker({}, a.joinedFacts({ joinHardware: { cpus: 1, memoryMiB: 1984 } })),
    view: view([record({ state: 'IDLE+DRAIN+INVALID_REG', realMemoryMib: 1984 })]),
    is: 'configuring Joining',
    does: [join],
  },
  {
    name: 'a kernel that has a little less memory than when it joined is the same machine',
    node: worker({}, a.joinedFacts({ joinHardware: { cpus: 1, memoryMiB: 1024 } })),
    view: usable,
    is: 'ready',
  },
  {
    name: 'slurmd that does not run is started again',
    node: worker({}, a.joinedFacts({ daemons: { ...daemons, slurmd: a.daemon('failed') } })),
    view: view([record({ state: 'DOWN+NOT_RESPONDING' })]),
    is: 'configuring Joining',
    does: [join],
  },
  {
    name: 'a record that slurmctld lost is made again',
    node: worker({}, a.joinedFacts()),
    view: view([]),
    is: 'configuring Joining',
    does: [join],
  },
  {
    name: 'a changed address is told to slurmctld, which keeps the first one',
    node: worker(),
    view: view([record({ address: '10.0.0.77' })]),
    is: 'configuring AddressChanged',
    does: [/update nodename=a-w-0 nodeaddr=10\.0\.0\.2/],
  },
  {
    name: 'a slurmd that runs since before settings of its start is restarted on its node',
    node: worker(),
    view: view([record({ state: 'ALLOCATED', isOlder: true })], [job('7')]),
    is: 'configuring RestartingSlurmd',
    does: [/systemctl restart slurmd\.service/],
  },
  {
    name: 'a drain of a person is said and left',
    node: worker({}, a.joinedFacts()),
    view: view([record({ state: 'IDLE+DRAIN', reason: human })]),
    is: 'notReady DrainedByOthers',
  },
  {
    name: 'our drain of a node that is wanted again is undone',
    node: worker({}, a.joinedFacts()),
    view: view([record({ state: 'ALLOCATED+DRAIN', reason: ours('replicas lowered') })]),
    is: 'configuring Resuming',
    does: [/state=undrain/],
  },
  {
    name: 'a node that does not answer is not ready',
    node: worker({}, a.joinedFacts()),
    view: view([record({ state: 'IDLE+NOT_RESPONDING' })]),
    is: 'notReady NotUsable',
  },
  {
    name: 'a wanted node whose VM is off is called down at once',
    node: worker(a.off),
    view: usable,
    is: 'configuring PoweredOff',
    does: [/state=down reason='benchcluster: the VM is off'/],
  },
  {
    name: 'a human drain of a node that is off keeps its reason',
    node: worker(a.off),
    view: view([record({ state: 'IDLE+DRAIN', reason: human })]),
    is: 'configuring PoweredOff',
  },
];

const failedJoin = {
  activeState: 'failed',
  result: 'exit-code',
  exitStatus: 1,
  journalTail: 'slurmd did not register',
};

const leaving: Case[] = [
  {
    name: 'one that Slurm does not know may go',
    node: worker(
      a.removed,
      a.slurmFacts({ daemons: { ...daemons, slurmd: a.daemon('inactive') } }),
    ),
    view: view([]),
    is: 'drained',
  },
  {
    name: 'unless a unit of ours may make it known at any moment',
    node: worker({ ...a.removed, unitRuns: true }),
    view: view([]),
    is: 'draining Joining',
  },
  {
    name: 'so one of an earlier process',
    node: worker(a.removed, a.slurmFacts(), [
      a.unit('slurm-join-1', { activeState: 'activating' }),
    ]),
    view: view([]),
    is: 'draining Joining',
  },
  {
    name: 'a node to be removed is drained with our reason',
    node: worker({ ...a.removed, removalSince: a.now }),
    view: usable,
    is: 'draining Draining',
    does: [drain],
    deadline: a.now + 600_000,
  },
  {
    name: 'our drain is not repeated while jobs run; its age is the head’s to tell',
    node: worker({ ...a.removed, ...longTold, removalSince: a.now }),
    view: view(
      [record({ state: 'ALLOCATED+DRAIN', reason: ours('replicas lowered', 60) })],
      [job('7')],
    ),
    is: 'draining WaitingForJobs',
    deadline: a.now + 540_000,
  },
  {
    name: 'a head’s clock that went back gives no more than the whole time',
    node: worker(a.removed),
    view: view([record({ state: 'MIXED+DRAIN', reason: ours('x', -9_000) })]),
    is: 'draining WaitingForJobs',
    deadline: a.now + 600_000,
  },
  {
    name: 'drained is what this view calls drained and empty',
    node: worker(a.removed),
    view: view(
      [record({ state: 'IDLE+DRAIN', reason: ours('replicas lowered') })],
      [job('8', 'PENDING', [])],
    ),
    is: 'drained',
  },
  {
    name: 'completing is not empty',
    node: worker(a.removed),
    view: view([record({ state: 'IDLE+DRAIN+COMPLETING', reason: ours('x') })]),
    is: 'draining WaitingForJobs',
  },
  {
    name: 'a job on an idle record is not empty',
    node: worker(a.removed),
    view: view([record({ state: 'IDLE+DRAIN', reason: ours('x') })], [job('9', 'COMPLETING')]),
    is: 'draining WaitingForJobs',
  },
  {
    name: 'a lost or undone drain is made again',
    node: worker(a.removed),
    view: view([record({ state: 'ALLOCATED' })], [job('7')]),
    is: 'draining Draining',
    does: [drain],
  },
  {
    name: 'an empty node that is not closed is not drained',
    node: worker(a.removed),
    view: view([record({ state: 'DOWN' })]),
    is: 'draining Draining',
    does: [drain],
  },
  {
    name: 'a drain of a person serves as well, when the node is empty',
    node: worker(a.removed),
    view: view([record({ state: 'IDLE+DRAIN', reason: human })]),
    is: 'drained',
  },
  {
    name: 'a drain of a person is waited for from when the removal began, however old it is',
    node: worker({
      ...a.removed,
      removalSince: a.now - 1,
      drain: { timeoutMs: 10, onTimeout: 'Force' },
    }),
    view: view([record({ state: 'ALLOCATED+DRAIN', reason: human })], [job('7')]),
    is: 'draining WaitingForJobs',
    deadline: a.now + 9,
  },
  {
    name: 'Wait goes on waiting after the deadline, and says so',
    node: worker({ ...a.removed, ...longTold }),
    view: view([record({ state: 'ALLOCATED+DRAIN', reason: ours('x', 601) })], [job('7')]),
    is: 'draining DrainDeadlinePassed',
  },
  {
    name: 'Force ends the drain after the deadline',
    node: worker({ ...a.removed, ...longTold, drain: { timeoutMs: 600_000, onTimeout: 'Force' } }),
    view: view([record({ state: 'ALLOCATED+DRAIN', reason: ours('x', 600) })], [job('7')]),
    is: 'drained JobsLost',
  },
  {
    name: 'and not a second before',
    node: worker({ ...a.removed, ...longTold, drain: { timeoutMs: 600_000, onTimeout: 'Force' } }),
    view: view([record({ state: 'ALLOCATED+DRAIN', reason: ours('x', 599) })], [job('7')]),
    is: 'draining WaitingForJobs',
  },
  {
    name: 'time that nobody was told of counts for nothing',
    node: worker({
      ...{ ...a.removed, removalTold: a.now - 1000 },
      drain: { timeoutMs: 600_000, onTimeout: 'Force' },
    }),
    view: view([record({ state: 'ALLOCATED+DRAIN', reason: ours('x', 7200) })], [job('7')]),
    is: 'draining WaitingForJobs',
    deadline: a.now + 599_000,
  },
  {
    name: 'what cannot be asked is not empty',
    node: worker({ ...a.removed, removalSince: a.now - 10_000_000 }),
    is: 'draining SchedulerUnreachable',
  },
  {
    name: 'what a head told before its unit is no reason to call the scheduler gone',
    node: worker(a.removed, a.slurmFacts()),
    head: { ...a.forming(a.slurmFacts()), ...a.removed },
    is: 'draining SchedulerUnreachable',
  },
  {
    name: 'unless Force and the deadline say so',
    node: worker({
      ...a.removed,
      removalSince: a.now - 600_000,
      drain: { timeoutMs: 600_000, onTimeout: 'Force' },
    }),
    is: 'drained',
  },
  {
    name: 'Force without a known beginning forces nothing',
    node: worker({ ...a.removed, drain: { timeoutMs: 0, onTimeout: 'Force' } }),
    is: 'draining SchedulerUnreachable',
  },
  {
    name: 'a node that is off is deleted from Slurm',
    node: worker({ ...a.removed, ...a.off }),
    view: view([record({ state: 'DOWN+DRAIN', reason: ours('x') })]),
    is: 'drained',
    does: [forget],
  },
  {
    name: 'off and unknown to Slurm is absent',
    node: worker({ ...a.removed, ...a.off }),
    view: view([]),
    is: 'absent',
  },
  {
    name: 'off without a view may still have a record',
    node: worker({ ...a.removed, ...a.off }),
    is: 'drained',
  },
  {
    name: 'running and unknown to Slurm is powered off first',
    node: worker(a.removed),
    view: view([]),
    is: 'drained',
  },
  {
    name: 'a cluster that is removed while its head is off goes on',
    node: worker(a.removed),
    head: a.head({ ...a.removed, ...a.off }, undefined),
    is: 'drained',
  },
  {
    name: 'and its workers that are off vanish',
    node: worker({ ...a.removed, ...a.off }),
    head: a.head({ ...a.removed, ...a.off }, undefined),
    is: 'absent',
  },
  {
    name: 'a head that was reached and never formed leaves nobody to ask either',
    node: worker(a.removed),
    head: a.head(a.removed, a.slurmFacts()),
    is: 'drained',
  },
  {
    name: 'a head that was not reached may have been formed',
    node: worker(a.removed),
    head: { ...worker({ name: a.headName, role: 'controlPlane', ...a.removed }) },
    is: 'draining SchedulerUnreachable',
  },
  {
    name: 'a formed head that does not answer still counts',
    node: worker(a.removed),
    head: a.head(a.removed),
    is: 'draining SchedulerUnreachable',
  },
  {
    name: 'a head that is off but wanted comes back',
    node: worker(a.removed),
    head: a.head(a.off, undefined),
    is: 'draining SchedulerUnreachable',
  },
];

for (const one of [...present, ...leaving]) check(one);

test('a failed join tells its journal and rests, longer each time, then runs again', () => {
  const first = plan(a.scope([a.head(), worker({}, a.slurmFacts())], view([])));
  const action = first.actions[0]?.action;
  assert.ok(action?.kind === 'startUnit');
  const at = (attempts: number, endedSecondsAgo: number) => {
    const units = [a.unit(action.unit, { ...failedJoin, attempts, endedSecondsAgo })];
    return plan(a.scope([a.head(), worker({}, a.slurmFacts(), units)], view([])));
  };
  const resting = at(3, 4).verdicts.get(a.workerName);
  assert.deepEqual(resting, {
    kind: 'failed',
    reason: 'JoinFailed',
    message: 'slurmd did not register',
    retryAt: a.now + 16_000,
  });
  assert.deepEqual(at(3, 4).actions, []);
  assert.equal(at(3, 20).actions.length, 1);
  assert.equal(at(3, 20).verdicts.get(a.workerName)?.kind, 'failed');
});

test('a record of ours without a VM is forgotten, others are not', () => {
  const lost = record({ name: 'a-w-9', state: 'DOWN' });
  const records = [
    record(),
    lost,
    { ...lost, name: 'b-w-9' },
    { ...lost, name: 'a-w-8', base: 'IDLE' },
    { ...lost, name: 'a-w-7', flags: [...lost.flags, 'DRAIN'], reason: human },
  ];
  const { actions } = plan(a.scope([a.head(), worker()], view(records, [])));
  assert.deepEqual(
    actions.map(({ action }) => /delete nodename=(\S+)/.exec(JSON.stringify(action))?.[1]),
    ['a-w-9'],
  );
});

test('the head is formed first, and only a few workers are configured beside it', () => {
  const names = ['a-w-0', 'a-w-1', 'a-w-2', 'a-w-3', 'a-w-4', 'a-w-5'];
  const workers = names.map((name) => worker({ name }, a.slurmFacts()));
  const { actions } = plan(a.scope([a.head({}, a.slurmFacts()), ...workers]));
  assert.deepEqual(
    actions.map(({ node }) => node),
    [a.headName, ...names.slice(0, 4)],
  );
});
