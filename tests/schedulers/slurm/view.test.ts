/**
 * The view's script runs for real in sh and awk over recorded output of Slurm 22.05; only the
 * programs that would ask slurmctld are stand-ins that print the record.
 */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { confPath, olderSlurmdsPath } from '../../../src/controllers/schedulers/slurm/facts.ts';
import { isUsable, jobsOn } from '../../../src/controllers/schedulers/slurm/node-state.ts';
import { parseView, viewScript } from '../../../src/controllers/schedulers/slurm/view.ts';

const recorded = readFileSync(new URL('fixtures/scontrol-nodes.txt', import.meta.url), 'utf8');
const dir = mkdtempSync(join(tmpdir(), 'slurm-view-'));
after(() => rmSync(dir, { recursive: true }));

interface Stand {
  nodes?: string;
  jobs?: string;
  nodesExit?: number;
  jobsExit?: number;
  conf?: string;
  /** Nodes whose slurmd is to be restarted, with the start that it had. */
  older?: string;
}

function run(stand: Stand) {
  const { nodes = recorded, jobs = '', nodesExit = 0, jobsExit = 0, conf = 'slurm.conf' } = stand;
  writeFileSync(join(dir, 'nodes'), nodes);
  writeFileSync(join(dir, 'jobs'), jobs);
  const program = (name: string, file: string, exit: number) =>
    writeFileSync(join(dir, name), `#!/bin/sh\ncat ${dir}/${file}\nexit ${exit}\n`, {
      mode: 0o755,
    });
  program('scontrol', 'nodes', nodesExit);
  program('squeue', 'jobs', jobsExit);
  const env = { PATH: `${dir}:/usr/bin:/bin` };
  const options = { env, encoding: 'utf8', maxBuffer: 8 << 20 } as const;
  writeFileSync(join(dir, 'slurm.conf'), '');
  writeFileSync(join(dir, 'older'), stand.older ?? '');
  const script = viewScript
    .replaceAll(confPath, join(dir, conf))
    .replaceAll(olderSlurmdsPath, join(dir, 'older'));
  const { stdout, status } = spawnSync('/bin/sh', ['-c', script], options);
  return { stdout, status };
}

const jobs = '2|RUNNING|slurm-a-compute-[0-1]\n3|PENDING|\n';

test('recorded output is understood', () => {
  const view = parseView(run({ jobs }).stdout);
  assert.deepEqual([...view.nodes.keys()].sort(), [
    'slurm-a-big-0',
    'slurm-a-compute-0',
    'slurm-a-compute-1',
  ]);
  assert.deepEqual(view.nodes.get('slurm-a-compute-1'), {
    name: 'slurm-a-compute-1',
    address: '10.77.0.3',
    cpus: 1,
    realMemoryMib: 900,
    base: 'ALLOCATED',
    flags: ['DRAIN', 'DYNAMIC_NORM'],
    reason: { text: 'benchcluster: replicas lowered', user: 'root', at: 1795246440 },
  });
  assert.ok(view.nodes.get('slurm-a-big-0')?.flags.includes('INVALID_REG'));
  assert.deepEqual(
    jobsOn(view, 'slurm-a-compute-0').map(({ id }) => id),
    ['2'],
  );
  assert.deepEqual(jobsOn(view, 'slurm-a-big-0'), []);
  assert.equal(view.jobs.length, 2);
});

test('free text of people forges no state, reason or node', () => {
  const node = parseView(run({}).stdout).nodes.get('slurm-a-compute-0');
  assert.deepEqual(node?.flags, ['DRAIN', 'DYNAMIC_NORM']);
  assert.deepEqual(node?.reason, { text: 'hostile', user: 'root', at: 1795246343 });
});

test('a head that was never formed is asked nothing', () => {
  const { stdout, status } = run({ conf: 'not-there' });
  assert.equal(status, 1);
  assert.throws(() => parseView(stdout), /not-there is not there/);
});

test('a comment that looks like a reason is none', () => {
  const [, second = ''] = recorded.split('\n');
  const line = second.replace(/Reason=.*/, 'Comment=x Reason=benchcluster: y [root@1]');
  assert.equal(
    parseView(run({ nodes: `${line}\n` }).stdout).nodes.get('slurm-a-compute-1')?.reason,
    undefined,
  );
});

test('a comment that breaks the line into another node makes the view untrusted, not shorter', () => {
  const nodes = `${recorded.trimEnd()} Comment=x\nNodeName=evil State=IDLE\n`;
  assert.throws(() => parseView(run({ nodes }).stdout), { code: 'SLURM_OUTPUT_UNTRUSTED' });
});

test('a node told twice makes the view untrusted', () => {
  assert.throws(() => parseView(run({ nodes: recorded + recorded }).stdout), {
    code: 'SLURM_OUTPUT_UNTRUSTED',
  });
});

test('no nodes is an empty cluster only when Slurm says so with success', () => {
  const empty = { nodes: 'No nodes in the system\n' };
  assert.equal(parseView(run(empty).stdout).nodes.size, 0);
  const failed = run({ ...empty, nodesExit: 1 });
  assert.equal(failed.status, 1);
  assert.throws(() => parseView(failed.stdout), /scontrol: No nodes in the system/);
});

test('jobs that cannot be asked make the view untrusted', () => {
  const failed = run({ jobsExit: 1 });
  assert.equal(failed.status, 1);
  assert.throws(() => parseView(failed.stdout), { code: 'SLURM_OUTPUT_UNTRUSTED' });
});

test('a job that names no known shape of nodes makes the view untrusted', () => {
  assert.throws(() => parseView(run({ jobs: '4|RUNNING|a-[0-\n' }).stdout), RangeError);
});

test('output that is cut anywhere is refused', () => {
  const { stdout } = run({ jobs });
  const whole = stdout.trimEnd();
  assert.ok(parseView(whole).nodes.size === 3);
  for (let length = 0; length < whole.length; length += 1) {
    assert.throws(() => parseView(whole.slice(0, length)), `cut at ${length}`);
  }
});

test('a lost line is noticed by the counts', () => {
  const lines = run({ jobs }).stdout.trimEnd().split('\n');
  for (let index = 0; index < lines.length; index += 1) {
    const cut = lines.filter((_, other) => other !== index).join('\n');
    assert.throws(
      () => parseView(cut),
      { code: 'SLURM_OUTPUT_UNTRUSTED' },
      `without line ${index}`,
    );
  }
});

test('jobs that name more nodes than there can be make the view untrusted, whatever each names', () => {
  const many = (count: number) => '5|RUNNING|a-[0-19999]\n'.repeat(count);
  assert.equal(parseView(run({ jobs: many(15) }).stdout).jobs.length, 15);
  assert.throws(() => parseView(run({ jobs: many(16) }).stdout), /name too many nodes/);
});

test('ten thousand nodes fit into two megabytes', () => {
  const [, second = ''] = recorded.split('\n');
  const nodes = Array.from({ length: 10_000 }, (_, index) =>
    second.replaceAll('compute-1', `c-${index}`),
  );
  const { stdout } = run({ nodes: nodes.join('\n') });
  assert.equal(parseView(stdout).nodes.size, 10_000);
  assert.ok(stdout.length < 2_000_000, `${stdout.length}`);
});

test('every state but a good registered one is unusable', () => {
  const state = (text: string, boot = '1795244467') =>
    recorded
      .split('\n')[2]
      ?.replace(/State=\S+/, `State=${text}`)
      .replace(/BootTime=\S+/, `BootTime=${boot}`) ?? '';
  const usable = (text: string, boot?: string) => {
    const record = parseView(run({ nodes: state(text, boot) }).stdout).nodes.get('slurm-a-big-0');
    return record !== undefined && isUsable(record);
  };
  for (const good of ['IDLE+DYNAMIC_NORM', 'MIXED', 'ALLOCATED+COMPLETING', 'IDLE+PLANNED']) {
    assert.equal(usable(good), true, good);
  }
  const bad = [
    'DOWN',
    'IDLE+DRAIN',
    'IDLE+NOT_RESPONDING',
    'IDLE*',
    'IDLE+INVALID_REG',
    'UNKNOWN',
    'FUTURE',
    'IDLE+FAIL',
  ];
  for (const text of bad) assert.equal(usable(text), false, text);
  assert.equal(usable('IDLE', 'None'), false, 'not registered');
});

test('a slurmd that is still the one of before a change is told by its start', () => {
  const start = parseView(run({ jobs }).stdout).nodes.get('slurm-a-big-0')?.slurmdStartTime;
  const older = `slurm-a-big-0 ${start}\nslurm-a-compute-0 12\nslurm-a-gone-0 13\n`;
  const { nodes } = parseView(run({ jobs, older }).stdout);
  assert.deepEqual(
    [...nodes.values()].filter(({ isOlder }) => isOlder).map(({ name }) => name),
    ['slurm-a-big-0'],
  );
});
