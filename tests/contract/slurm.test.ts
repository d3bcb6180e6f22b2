/**
 * The Slurm module on real daemons: its scripts as they are, its plan in rounds, the machines in
 * namespaces. Not proven here, but in guests: systemd's own reading of drop-ins, its restarts, and
 * transient units.
 */
import assert from 'node:assert/strict';
import { after, afterEach, before, test } from 'node:test';
import { missingForLab, SlurmLab, until } from './slurm/lab.ts';
import { type Member, Rounds } from './slurm/rounds.ts';

const missing = missingForLab();
const options = { skip: missing ?? false, timeout: 120_000 };
const head = 'slurm-a-head-0';
const [first, second, big] = ['slurm-a-compute-0', 'slurm-a-compute-1', 'slurm-a-big-0'];

function member(machine: string, name: string, pool: string): Member {
  return { machine, name, pool, role: pool === 'head' ? 'controlPlane' : 'worker' };
}

let lab: SlurmLab;
let rounds: Rounds;

before(async () => {
  if (missing !== undefined) return;
  lab = await SlurmLab.start(['head', 'w0', 'w1', 'w2']);
  rounds = new Rounds(lab, [
    member('head', head, 'head'),
    member('w0', first, 'compute'),
    member('w1', second, 'compute'),
    member('w2', big, 'big'),
  ]);
  await Promise.all(rounds.members.map(({ name }) => rounds.powerOn(name)));
});

after(async () => {
  await lab?.stop();
});

afterEach(async () => {
  if (lab?.isOn('head')) await lab.run('head', 'scancel -u root');
});

async function submit(node: string): Promise<string> {
  const script = `cd /tmp && sbatch --parsable -w ${node} -o /dev/null --wrap 'sleep 600'`;
  const id = (await rounds.onHead(script)).trim();
  await until(`job ${id} runs`, async () => (await stateOf(id)) === 'RUNNING');
  return id;
}

/** slurmctld writes its state some seconds late; what it has not written dies with kill -9. */
async function untilSaved(id: string): Promise<void> {
  await rounds.onHead(`scontrol update jobid=${id} comment=saved-${id}`);
  const saved = `grep -q saved-${id} /var/lib/slurm/slurmctld/job_state && echo yes || :`;
  await until(`job ${id} is saved`, async () => (await rounds.onHead(saved)) !== '');
}

async function stateOf(id: string): Promise<string> {
  return (await rounds.onHead(`squeue -h -j ${id} -o %T`)).trim();
}

function remove(name: string, drain?: Member['drain']): void {
  const one = rounds.member(name);
  one.removal = { reason: 'replicas lowered', since: Date.now() };
  if (drain) one.drain = drain;
}

async function takeBack(name: string): Promise<void> {
  delete rounds.member(name).removal;
  delete rounds.member(name).drain;
  if (!lab.isOn(rounds.member(name).machine)) await rounds.powerOn(name);
  await rounds.untilAllReady();
}

test(
  'a head is formed, three workers join, and then there is nothing left to do',
  options,
  async () => {
    await rounds.untilAllReady();
    const { actions, view } = await rounds.round();
    assert.deepEqual(actions, []);
    assert.deepEqual([...(view?.nodes.keys() ?? [])].sort(), [big, first, second].sort());
    const answers = await rounds.onHead('srun -N3 hostname | sort');
    assert.deepEqual(answers.trim().split('\n'), [big, first, second].sort());
    const partitions = await rounds.onHead('sinfo -h -o "%R %D" | sort');
    assert.equal(partitions, 'all 3\nbig 1\ncompute 2\n');
    const key = await rounds.onHead('stat -c "%a %U" /etc/munge/munge.key');
    assert.equal(key, '400 munge\n');
  },
);

test('a victim with a job is drained, waited for, powered off and forgotten', options, async () => {
  const job = await submit(second);
  remove(second);
  await rounds.untilVerdict(second, 'draining', 'WaitingForJobs');
  const waiting = await rounds.round();
  assert.equal(waiting.actions.length, 0, 'a drain is not repeated');
  const record = waiting.view?.nodes.get(second);
  assert.equal(record?.reason?.text, 'benchcluster: replicas lowered');
  assert.equal(await stateOf(job), 'RUNNING');
  assert.equal(waiting.verdicts.get(first)?.kind, 'ready');
  await rounds.onHead(`scancel ${job}`);
  const { view } = await rounds.untilVerdict(second, 'drained');
  assert.deepEqual(view?.jobs, []);
  await rounds.wipe(second);
  const gone = await rounds.untilVerdict(second, 'absent');
  assert.equal(gone.view?.nodes.has(second), false);
  await takeBack(second);
});

test('a drain of a person is kept, said, and enough for a removal', options, async () => {
  await rounds.onHead(`scontrol update nodename=${first} state=drain reason="disk smells"`);
  const seen = await rounds.untilVerdict(first, 'notReady', 'DrainedByOthers');
  assert.deepEqual(seen.actions, []);
  assert.match(JSON.stringify(seen.verdicts.get(first)), /disk smells/);
  remove(first);
  const drained = await rounds.untilVerdict(first, 'drained');
  assert.equal(drained.view?.nodes.get(first)?.reason?.text, 'disk smells');
  delete rounds.member(first).removal;
  await rounds.powerOff(first);
  await rounds.untilVerdict(first, 'configuring', 'PoweredOff');
  await rounds.powerOn(first);
  await rounds.untilVerdict(first, 'notReady', 'DrainedByOthers');
  await rounds.onHead(`scontrol update nodename=${first} state=resume`);
  await rounds.untilAllReady();
});

test('a removal that is taken back resumes our drain', options, async () => {
  const job = await submit(first);
  remove(first);
  await rounds.untilVerdict(first, 'draining', 'WaitingForJobs');
  await takeBack(first);
  assert.equal(await stateOf(job), 'RUNNING');
  await rounds.onHead(`scancel ${job}`);
});

test('a drain that slurmctld lost by kill -9 is made again', options, async () => {
  const job = await submit(first);
  await untilSaved(job);
  remove(first);
  const { actions } = await rounds.round();
  assert.equal(actions.length, 1);
  await rounds.onHead('kill -9 "$(systemctl show -p MainPID slurmctld | cut -d= -f2)"');
  const down = await rounds.untilVerdict(first, 'draining', 'SchedulerUnreachable');
  assert.equal(down.verdicts.get(first)?.kind, 'draining');
  const draining = await rounds.untilVerdict(first, 'draining', 'WaitingForJobs');
  assert.ok(draining.view?.nodes.get(first)?.flags.includes('DRAIN'));
  await rounds.onHead(`scancel ${job}`);
  await rounds.untilVerdict(first, 'drained');
  await takeBack(first);
});

test('a change of configuration reaches all daemons and keeps jobs', options, async () => {
  const job = await submit(first);
  rounds.config = { config: { KillWait: 41 } };
  await rounds.untilAllReady();
  assert.match(await rounds.onHead('scontrol show config'), /KillWait\s*= 41 sec/);
  const pushed = await lab.run('w0', 'cat /run/slurm/conf/slurm.conf');
  assert.match(pushed.stdout, /^KillWait=41$/m, 'workers have it too');
  rounds.config = { config: { KillWait: 41, SelectTypeParameters: 'CR_CPU_Memory' } };
  await rounds.untilAllReady();
  assert.match(
    await rounds.onHead('scontrol show config'),
    /SelectTypeParameters\s*= CR_CPU_MEMORY/,
  );
  assert.equal(await stateOf(job), 'RUNNING');
  await rounds.onHead(`scancel ${job}`);
  await rounds.until(
    'the node is idle again',
    ({ view }) => view?.nodes.get(first)?.base === 'IDLE',
  );
});

test(
  'a change that slurmd reads only at its start restarts it and keeps jobs',
  options,
  async () => {
    const job = await submit(first);
    const pids = () =>
      Promise.all(
        ['w0', 'w1', 'w2'].map(async (machine) => {
          const { stdout } = await lab.run(machine, 'systemctl show -p MainPID slurmd');
          return stdout;
        }),
      );
    const before = await pids();
    rounds.config = { config: { ProctrackType: 'proctrack/pgid' } };
    await rounds.untilVerdict(first, 'configuring', 'RestartingSlurmd');
    await rounds.untilAllReady();
    const after = await pids();
    assert.ok(
      after.every((pid, index) => pid !== before[index]),
      'each slurmd is another',
    );
    const { actions } = await rounds.round();
    assert.deepEqual(actions, [], 'and none is restarted twice');
    assert.equal(await stateOf(job), 'RUNNING');
    await rounds.onHead(`scancel ${job}`);
    await rounds.until('the job has ended', ({ view }) => view?.nodes.get(first)?.base === 'IDLE');
    assert.deepEqual(await pids(), after);
    rounds.config = { config: {} };
    await rounds.untilAllReady();
  },
);

test('a pool without nodes has a partition', options, async () => {
  rounds.pools = ['spare'];
  await rounds.untilAllReady();
  assert.match(await rounds.onHead('sinfo -h -o "%R %D"'), /^spare 0$/m);
  rounds.pools = [];
  await rounds.untilAllReady();
});

test(
  'slurm.conf that slurmctld refuses is told, and the last good one serves on',
  options,
  async () => {
    const job = await submit(first);
    const good = rounds.config;
    const pid = () => rounds.onHead('systemctl show -p MainPID slurmctld');
    const before = await pid();
    rounds.config = { config: { KilWait: 1 } };
    const stalled = await rounds.untilVerdict(head, 'stalled', 'InvalidConfig');
    const verdict = stalled.verdicts.get(head);
    assert.match(JSON.stringify(verdict), /unrecognized key: KilWait.*did you mean \\"KillWait/);
    assert.ok(verdict?.kind === 'stalled' && (verdict.retryAt ?? 0) > Date.now());
    // These are found only by slurmctld itself, which ends over them.
    for (const config of [{ SchedulerType: 'sched/none-such' }, { PriorityType: 'priority/no' }]) {
      rounds.config = { config };
      const [value = ''] = Object.values(config);
      const refused = await rounds.until(`${value} is refused`, ({ verdicts }) =>
        JSON.stringify(verdicts.get(head)).includes(value),
      );
      assert.match(
        JSON.stringify(refused.verdicts.get(head)),
        /InvalidConfig.*nothing was changed/,
      );
      assert.notEqual(refused.view, undefined);
    }
    assert.equal(await pid(), before, 'the slurmctld that ran has gone on');
    assert.equal(await stateOf(job), 'RUNNING');
    rounds.config = good;
    await rounds.untilAllReady();
  },
);

test('a worker that was powered off comes back without a hand', options, async () => {
  const job = await submit(first);
  await rounds.powerOff(first);
  await rounds.until('Slurm calls it down', ({ view }) => view?.nodes.get(first)?.base === 'DOWN');
  assert.notEqual(await stateOf(job), 'RUNNING');
  await rounds.onHead(`scancel ${job}`);
  await rounds.powerOn(first);
  await rounds.untilAllReady();
});

test('a new VM is not taken for the node of the old record', options, async () => {
  // No round sees the node off, so Slurm still calls its record usable.
  await rounds.wipe(first);
  await rounds.powerOn(first);
  const { view, verdicts } = await rounds.round();
  assert.equal(view?.nodes.get(first)?.base, 'IDLE');
  assert.deepEqual(
    { kind: 'configuring', reason: 'StaleRecord' },
    {
      kind: verdicts.get(first)?.kind,
      reason: JSON.parse(JSON.stringify(verdicts.get(first))).reason,
    },
  );
  await rounds.untilAllReady();
  assert.equal((await rounds.onHead(`srun -w ${first} hostname`)).trim(), first);
});

test('Force ends a drain after its deadline, and the job is queued again', options, async () => {
  const job = await submit(big);
  remove(big, { timeoutMs: 1500, onTimeout: 'Force' });
  const waiting = await rounds.untilVerdict(big, 'draining', 'WaitingForJobs');
  assert.equal(waiting.verdicts.get(big)?.kind, 'draining');
  await rounds.untilVerdict(big, 'drained');
  assert.equal(await stateOf(job), 'RUNNING');
  await rounds.wipe(big);
  await rounds.untilVerdict(big, 'absent');
  assert.equal(await stateOf(job), 'PENDING');
  await rounds.onHead(`scancel ${job}`);
  await takeBack(big);
});

test('a head that lost its disk takes its workers back', options, async () => {
  await rounds.wipe(head);
  await rounds.untilVerdict(first, 'notReady', 'SchedulerUnreachable');
  await rounds.powerOn(head);
  await rounds.untilAllReady();
});

test('a cluster leaves workers first, then the head', options, async () => {
  const job = await submit(second);
  for (const { name } of rounds.members) remove(name);
  await rounds.untilVerdict(head, 'draining', 'WorkersFirst');
  await rounds.untilVerdict(second, 'draining', 'WaitingForJobs');
  await rounds.onHead(`scancel ${job}`);
  const workers = [first, second, big];
  for (const name of workers) {
    await rounds.untilVerdict(name, 'drained');
    await rounds.powerOff(name);
  }
  const last = await rounds.untilVerdict(head, 'drained');
  assert.deepEqual(
    workers.map((name) => last.verdicts.get(name)?.kind),
    ['absent', 'absent', 'absent'],
  );
  await rounds.powerOff(head);
  await rounds.untilVerdict(head, 'absent');
});
