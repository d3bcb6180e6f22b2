import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import * as commands from '../../../src/controllers/schedulers/slurm/commands.ts';
import { checkConfig, mergedParameters } from '../../../src/controllers/schedulers/slurm/config.ts';
import { factsScript, parseFacts } from '../../../src/controllers/schedulers/slurm/facts.ts';
import { headScript } from '../../../src/controllers/schedulers/slurm/head-script.ts';
import { expandHostlist } from '../../../src/controllers/schedulers/slurm/hostlist.ts';
import { joinScript } from '../../../src/controllers/schedulers/slurm/join-script.ts';
import {
  partitionOf,
  renderHead,
  startDigests,
} from '../../../src/controllers/schedulers/slurm/render.ts';
import { slurm } from '../../../src/controllers/schedulers/slurm/slurm.ts';
import * as a from './builders.ts';

const headInput = {
  cluster: 'slurm-a',
  name: 'slurm-a-head-0',
  address: '10.0.0.1',
  pools: ['big', 'compute'],
  config: { config: {} },
};

test('slurm.conf without settings of the user', () => {
  assert.equal(
    renderHead(headInput).conf,
    `# Written by the BenchCluster controller; other changes are undone.
ClusterName=slurm-a
SlurmctldHost=slurm-a-head-0(10.0.0.1)
AuthType=auth/munge
CredType=cred/munge
InactiveLimit=300
JobCompType=jobcomp/none
KillWait=30
MailProg=/bin/true
MaxNodeCount=4096
MpiDefault=none
ProctrackType=proctrack/linuxproc
ReturnToService=2
SchedulerType=sched/backfill
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
SlurmUser=slurm
SlurmctldParameters=enable_configless
SlurmctldPidFile=/run/slurmctld.pid
SlurmctldPort=6817
SlurmctldTimeout=60
SlurmdPidFile=/run/slurmd.pid
SlurmdPort=6818
SlurmdSpoolDir=/var/lib/slurm/slurmd
SlurmdTimeout=120
SlurmdUser=root
StateSaveLocation=/var/lib/slurm/slurmctld
TaskPlugin=task/none
TreeWidth=65533
NodeSet=pool-big Feature=big
NodeSet=pool-compute Feature=compute
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
PartitionName=big Nodes=pool-big MaxTime=INFINITE State=UP
PartitionName=compute Nodes=pool-compute MaxTime=INFINITE State=UP
`,
  );
});

test('settings of the user replace defaults without regard to case, and none twice', () => {
  const merged = new Map(
    mergedParameters({
      config: {
        killwait: 60,
        SlurmctldParameters: 'cloud_dns,enable_configless',
        Epilog: '/etc/e',
      },
    }),
  );
  assert.equal(merged.get('KillWait'), '60');
  assert.equal(merged.has('killwait'), false);
  assert.equal(merged.get('SlurmctldParameters'), 'enable_configless,cloud_dns');
  assert.equal(merged.get('Epilog'), '/etc/e');
});

const faulty: [
  name: string,
  config: Record<string, string | number>,
  path: string,
  says: RegExp,
][] = [
  ['a parameter of the controller', { NodeName: 'x' }, 'config.NodeName', /set by the controller/],
  ['whatever its case', { returntoservice: 0 }, 'config.returntoservice', /ReturnToService is set/],
  ['another file', { Include: '/etc/shadow' }, 'config.Include', /set by the controller/],
  [
    'one parameter twice',
    { KillWait: 1, KILLWAIT: 2 },
    'config.KILLWAIT',
    /same parameter as KillWait/,
  ],
  ['a second line', { Epilog: '/e\nNodeName=x' }, 'config.Epilog', /control characters/],
  ['a second parameter', { Epilog: '/e NodeName=x' }, 'config.Epilog', /spaces/],
  ['a comment', { Epilog: '/e#' }, 'config.Epilog', /"#"/],
  ['a joined line', { Epilog: '/e\\' }, 'config.Epilog', /backslash/],
  ['nothing', { Epilog: ' ' }, 'config.Epilog', /empty/],
  ['too much', { Epilog: 'e'.repeat(2000) }, 'config.Epilog', /longer/],
  ['no number', { KillWait: Number.NaN }, 'config.KillWait', /finite/],
];
for (const [name, config, path, says] of faulty) {
  test(`refused in the user's settings: ${name}`, () => {
    const faults = checkConfig({ config });
    assert.equal(faults.length, 1);
    assert.equal(faults[0]?.path, path);
    assert.match(faults[0]?.message ?? '', says);
    assert.throws(() => mergedParameters({ config }), RangeError);
  });
}

test('only parameters that need it ask for a restart', () => {
  const digest = (config: Record<string, string | number>) =>
    startDigests({ ...headInput, config: { config } }).slurmctld;
  assert.equal(digest({}), digest({ KillWait: 99 }));
  assert.notEqual(digest({}), digest({ SchedulerType: 'sched/builtin' }));
  assert.notEqual(
    startDigests(headInput).slurmctld,
    startDigests({ ...headInput, address: '10.9.9.9' }).slurmctld,
  );
  assert.equal(
    startDigests(headInput).slurmctld,
    startDigests({ ...headInput, pools: [] }).slurmctld,
  );
});

test('only what slurmd reads at its start asks for its restart', () => {
  const digest = (config: Record<string, string | number>) =>
    startDigests({ ...headInput, config: { config } }).slurmd;
  assert.equal(digest({}), digest({ KillWait: 99, SchedulerType: 'sched/builtin' }));
  assert.notEqual(digest({}), digest({ TaskPlugin: 'task/affinity' }));
  assert.notEqual(digest({}), digest({ proctracktype: 'proctrack/pgid' }));
});

test('pools may have the names of keywords', () => {
  assert.deepEqual(['default', 'all', 'gpu'].map(partitionOf), ['default-pool', 'all-pool', 'gpu']);
});

test('every script is one that sh can read', () => {
  const record = a.record();
  const scripts = [
    headScript(headInput, renderHead(headInput)),
    joinScript(a.input),
    slurm.factsScript,
    slurm.viewScript,
    commands.drainScript('n', 'why'),
    commands.resumeScript('n'),
    commands.downScript('n', 'why'),
    commands.forgetScript(record, 'why'),
    commands.deleteScript('n', 'why'),
    commands.addressScript('n', '10.0.0.1'),
    commands.restartSlurmdScript(record),
  ];
  for (const script of scripts) {
    const { status, stderr } = spawnSync('/bin/sh', ['-n'], { input: script, encoding: 'utf8' });
    assert.equal(status, 0, `${stderr}\n${script}`);
  }
});

test('a reason is one plain line that Slurm gives back as it was', () => {
  assert.equal(
    commands.ourReason("a'b\n$(id) [x] State=IDLE"),
    'benchcluster: a b id x State IDLE',
  );
  assert.ok(commands.ourReason('x'.repeat(500)).length < 150);
});

test('the munge key is random and long enough', async () => {
  const make = slurm.secrets['munge.key'] ?? assert.fail();
  const [one, other] = await Promise.all([make(), make()]);
  assert.equal(one.length, 128);
  assert.notDeepEqual(one, other);
});

const hostlists: [string, string[]][] = [
  ['a', ['a']],
  ['a,b', ['a', 'b']],
  ['a-[0-2]', ['a-0', 'a-1', 'a-2']],
  ['a-[08-10,12],b-1', ['a-08', 'a-09', 'a-10', 'a-12', 'b-1']],
  ['r[1-2]n[3-4]', ['r1n3', 'r1n4', 'r2n3', 'r2n4']],
];
for (const [text, hosts] of hostlists) {
  test(`host list ${text}`, () => assert.deepEqual(expandHostlist(text), hosts));
}

for (const text of [
  'a-[',
  'a-[0-',
  'a]',
  'a-[x]',
  'a-[1-999999999]',
  ',a',
  'a,',
  '[0-9999][0-9999]',
]) {
  test(`not a host list: ${text}`, () => assert.throws(() => expandHostlist(text), RangeError));
}

const facts = `slurm-facts 1
daemon munge ActiveState active
daemon munge UnitFileState enabled
daemon munge MainPID 12
daemon munge ActiveEnterTimestampMonotonic 17
daemon munge InactiveEnterTimestampMonotonic 0
daemon slurmctld ActiveState inactive
daemon slurmctld UnitFileState disabled
daemon slurmd ActiveState activating
conf ${'a'.repeat(64)}
applied ${'b'.repeat(64)} 123
join 2 960 ${'c'.repeat(32)}
slurm-facts end`;

test('facts are read', () => {
  const { daemons, ...rest } = parseFacts(facts);
  assert.deepEqual(daemons.munge, { active: 'active', enabled: true, incarnation: '12/17/0' });
  assert.deepEqual(daemons.slurmd, { active: 'activating', enabled: false, incarnation: '//' });
  assert.deepEqual(rest, {
    confDigest: 'a'.repeat(64),
    appliedDigest: 'b'.repeat(64),
    appliedSerial: '123',
    joinDigest: 'c'.repeat(32),
    joinHardware: { cpus: 2, memoryMiB: 960 },
  });
});

test('a join of an earlier release told no hardware', () => {
  const { joinDigest, joinHardware } = parseFacts(facts.replace('join 2 960 ', 'join '));
  assert.deepEqual([joinDigest, joinHardware], ['c'.repeat(32), undefined]);
});

test('facts that are cut anywhere are refused', () => {
  for (let length = 0; length < facts.length; length += 1) {
    assert.throws(() => parseFacts(facts.slice(0, length)), { code: 'SLURM_OUTPUT_UNTRUSTED' });
  }
});

test('the facts of a machine that never met Slurm are whole and empty', () => {
  const { stdout } = spawnSync('/bin/sh', ['-c', factsScript], {
    encoding: 'utf8',
    env: { PATH: '/nonexistent:/usr/bin:/bin' },
  });
  const { appliedDigest, joinDigest } = parseFacts(stdout);
  assert.deepEqual(
    { appliedDigest, joinDigest },
    { appliedDigest: undefined, joinDigest: undefined },
  );
});
