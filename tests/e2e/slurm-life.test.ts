/**
 * The life of Slurm clusters on real libvirt, real VMs and real Slurm, from the first manifest to
 * the last trace, with what people and machines do to them on the way. The steps build on each
 * other; every claim is asked of virsh and of Slurm, not of our own status.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isDeepStrictEqual } from 'node:util';
import type { ClusterStatus } from '../../src/crd/status.ts';
import {
  type Bench,
  clusterManifest,
  createBench,
  eventually,
  imageManifestOf,
  isReady,
  worldOf,
} from './test-bench.ts';

const name = 'one';
const file = 'one.yaml';
const head = `${name}-head-0`;
const worker = (index: number) => `${name}-compute-${index}`;

describe('a Slurm cluster', { timeout: 2_400_000 }, () => {
  let bench: Bench;
  let emptyWorld: string;

  before(async () => {
    bench = await createBench();
    emptyWorld = await worldOf(bench);
    await bench.write('image.yaml', await imageManifestOf('debian-slurm'));
  });
  after(async () => {
    await bench?.[Symbol.asyncDispose]();
  });

  const onHead = (...command: string[]) => bench.benchctl('ssh', head, '--', ...command);
  let slurm = '{}';
  const write = (workers: number, memory?: string) => {
    const text = clusterManifest({ name, workers, ...(memory && { memory }) });
    return bench.write(file, text.replace('slurm: {}', `slurm: ${slurm}`));
  };
  const ready = (workers: number, timeoutMs?: number) =>
    bench.until(name, `${workers} workers ready`, isReady(workers), timeoutMs);

  /** Domain UUIDs and boot ids: equal before and after means that the VM was left alone. */
  async function identity(node: string): Promise<string> {
    const uuid = await bench.virsh('domuuid', node);
    const boot = await bench.benchctl('ssh', node, '--', 'cat', '/proc/sys/kernel/random/boot_id');
    return `${uuid.trim()} ${boot.trim()}`;
  }

  it('becomes ready, and srun answers from both workers', async () => {
    bench.startController();
    await write(2);
    await ready(2);
    const output = await onHead('srun', '-N2', 'hostname');
    assert.deepEqual(output.trim().split('\n').sort(), [worker(0), worker(1)]);
  });

  it('grows by one node and leaves the others alone', async () => {
    const before = await Promise.all([head, worker(0), worker(1)].map(identity));
    await write(3);
    await ready(3);
    assert.deepEqual(await Promise.all([head, worker(0), worker(1)].map(identity)), before);
  });

  it('shrinks only after the job on a victim has ended', async () => {
    const before = await Promise.all([head, worker(0)].map(identity));
    const submitted = await onHead('sbatch', '--parsable', '-w', worker(2), '--wrap', "'sleep 25'");
    const job = submitted.trim();
    const state = () => onHead('squeue', '-h', '-j', job, '-o', '%T');
    await eventually('the job runs', state, (text) => text.trim() === 'RUNNING');
    await write(1);
    await bench.until(
      name,
      'the victim drains',
      (status) => phase(status, worker(2)) === 'Draining',
    );
    assert.match(await bench.virsh('list', '--name'), new RegExp(worker(2)));
    await ready(1);
    const end = await onHead('scontrol', '-o', 'show', 'job', job);
    assert.match(end, /JobState=COMPLETED/);
    assert.doesNotMatch(await bench.virsh('list', '--all', '--name'), /compute-[12]/);
    assert.doesNotMatch(await bench.virsh('vol-list', 'default'), /compute-[12]/);
    assert.doesNotMatch(await onHead('sinfo', '-h', '-N', '-o', '%N'), /compute-[12]/);
    assert.deepEqual(await Promise.all([head, worker(0)].map(identity)), before);
  });

  it('repairs a destroyed worker and an undefined one', async () => {
    await write(2);
    await ready(2);
    const started = Date.now();
    await bench.virsh('destroy', worker(0));
    await bench.virsh('undefine', worker(1));
    const seen = await bench.until(
      name,
      'the loss is seen',
      (status) => !isReady(2)(status),
      10_000,
    );
    assert.ok(Date.now() - started < 5_000, 'it was seen by events, not by a poll');
    assert.ok(seen);
    await ready(2);
    assert.match(await bench.virsh('dominfo', worker(1)), /Persistent:\s+yes/);
    await onHead('srun', '-N2', 'hostname');
  });

  it('takes a live change of slurm.conf, down to every slurmd, without losing a job', async () => {
    const before = await Promise.all([head, worker(0), worker(1)].map(identity));
    const submitted = await onHead(
      'sbatch',
      '--parsable',
      '-w',
      worker(0),
      '--wrap',
      "'sleep 600'",
    );
    const job = submitted.trim();
    const state = () => onHead('squeue', '-h', '-j', job, '-o', '%T');
    await eventually('the job runs', state, (text) => text.trim() === 'RUNNING');
    const slurmd = () =>
      bench.benchctl('ssh', worker(0), '--', 'systemctl', 'show', '-p', 'MainPID', 'slurmd');
    const pid = await slurmd();
    const generation = (await bench.status(name))?.observedGeneration ?? 0;
    slurm = '{config: {KillWait: 41, ProctrackType: proctrack/pgid}}';
    await write(2);
    await bench.until(
      name,
      'the change is in force',
      (status) => (status?.observedGeneration ?? 0) > generation && isReady(2)(status),
    );
    const config = await onHead('scontrol', 'show', 'config');
    assert.match(config, /KillWait\s*= 41 sec/);
    assert.match(config, /ProctrackType\s*= proctrack\/pgid/);
    assert.notEqual(await slurmd(), pid);
    assert.equal((await state()).trim(), 'RUNNING');
    await onHead('scancel', job);
    assert.deepEqual(await Promise.all([head, worker(0), worker(1)].map(identity)), before);
  });

  it('loses and doubles nothing when libvirtd is killed', async () => {
    const before = await Promise.all([head, worker(0), worker(1)].map(identity));
    await bench.restartLibvirtd();
    // The guest agents connect to the new daemon one by one.
    const same = async () => {
      const now = Promise.all([head, worker(0), worker(1)].map(identity));
      return isDeepStrictEqual(await now.catch((error) => [String(error)]), before);
    };
    await eventually('the same VMs answer', same, (yes) => yes);
    await ready(2);
    assert.equal((await bench.virsh('list', '--all', '--name')).trim().split('\n').length, 3);
  });

  it('changes nothing for a broken manifest and says what is wrong with it', async () => {
    const good = await bench.read(file);
    const world = await worldOf(bench);
    const broken: [string, string, RegExp][] = [
      [
        'a bad edit',
        good.replace('replicas: 2', 'replicas: two'),
        /one\.yaml:21.*replicas.*not text/,
      ],
      ['cut in a line', good.slice(0, good.indexOf('workers:') + 4), /:1[0-9]:.*half written/],
      ['cut at a line', good.slice(0, good.indexOf('  controlPlane:')), /one\.yaml.*workers/],
      ['a number cut short', good.replace('replicas: 2\n', 'replicas: 1'), /half written/],
      ['emptied', '', /one\.yaml.*empty/],
    ];
    for (const [what, text, expected] of broken) {
      await bench.write(file, text);
      await bench.until(name, what, (now) => expected.test(stalledBy(now) ?? ''), 20_000);
      assert.equal(await worldOf(bench), world, what);
    }
    await bench.write(file, good);
    await bench.until(name, 'the fault is gone', (now) => stalledBy(now) === undefined, 20_000);
    await ready(2);
  });

  it('rolls a change of memory through the pool, one by one', async () => {
    const before = await identity(head);
    await write(2, '704Mi');
    const generation = (await bench.status(name))?.observedGeneration ?? 0;
    let atOnce = 0;
    await bench.until(name, 'both are new', (status) => {
      const down = status?.nodes.filter((node) => node.phase !== 'Ready').length ?? 0;
      atOnce = Math.max(atOnce, down);
      const taken = (status?.observedGeneration ?? 0) > generation;
      return taken && isReady(2)(status) && status?.workers[0]?.upToDate === 2;
    });
    assert.equal(atOnce, 1);
    assert.match(await bench.virsh('dominfo', worker(0)), /Max memory:\s+720896 KiB/);
    assert.equal(await identity(head), before);
  });

  it('goes away without a trace when its manifest is deleted', async () => {
    await bench.remove(file);
    await bench.until(name, 'it is gone', (status) => status === undefined);
    assert.equal(await worldOf(bench), emptyWorld);
    await bench.stopController('SIGTERM');
  });
});

function phase(status: ClusterStatus | undefined, node: string): string | undefined {
  return status?.nodes.find((item) => item.name === node)?.phase;
}

function stalledBy(status: ClusterStatus | undefined): string | undefined {
  const source = status?.conditions.find(({ type }) => type === 'SourceValid');
  return source?.status === 'False' ? source.message : undefined;
}
