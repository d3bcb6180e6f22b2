/**
 * Trouble on the real thing: a controller that is killed at bad moments, strangers that hold the
 * names we would use, and two clusters that share a network. Everything ends as if nothing had
 * happened, and what is not ours is the same to the byte.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { clusterUid, nodeUuid, nodeVolume } from '../../src/controllers/bench-cluster/desired.ts';
import { Canaries } from './drills/canaries.ts';
import { recordExecs } from './drills/exec-record.ts';
import {
  type Bench,
  clusterManifest,
  createBench,
  imageManifestOf,
  isReady,
  worldOf,
} from './test-bench.ts';

const programs = recordExecs();
const pool = '/var/lib/libvirt/images';

describe('trouble', { timeout: 2_400_000 }, () => {
  let bench: Bench;
  let strangers: string;
  let emptyWorld: string;
  let canaries: Canaries;

  before(async () => {
    bench = await createBench();
    canaries = new Canaries(programs);
    canaries.plant(bench, 'a');
    await bench.write('image.yaml', await imageManifestOf('debian-slurm'));
    // The first start makes the installation, from which the names of disks are derived.
    bench.startController();
    await bench.untilLog(/controller started/);
    canaries.learn(bench);
    await makeStrangers(bench);
    strangers = await describeStrangers(bench);
    emptyWorld = await worldOf(bench);
  });
  after(async () => {
    await bench?.[Symbol.asyncDispose]();
  });

  it('names the stranger that holds a name, and waits', async () => {
    await bench.write('c.yaml', clusterManifest({ name: 'c', workers: 0 }));
    await bench.write('d.yaml', clusterManifest({ name: 'd', workers: 0 }));
    await bench.write(
      'e.yaml',
      clusterManifest({ name: 'e', workers: 0, network: 'stranger-net' }),
    );
    const stalled = async (name: string, expected: RegExp) => {
      const says = (text: string | undefined) => expected.test(text ?? '');
      await bench.until(name, `it says ${expected}`, (status) =>
        says(status?.conditions.find(({ type }) => type === 'Stalled')?.message),
      );
    };
    await stalled('c', /c-head-0.*not ours/);
    await stalled('d', /d-head-0-[0-9a-f]{8}\.qcow2.*not ours/);
    await stalled('e', /stranger-net.*not ours/);
    // By name, so that they and the next cluster to go are not judged as one mass deletion.
    await bench.benchctl('delete', 'cluster/c', 'cluster/d', 'cluster/e');
    for (const name of ['c', 'd', 'e']) {
      await bench.until(name, 'it is gone', (status) => status === undefined);
    }
    assert.equal(await describeStrangers(bench), strangers);
  });

  it('makes two clusters on one network although it is killed four times meanwhile', async () => {
    await bench.write('a.yaml', clusterManifest({ name: 'a', workers: 1 }));
    await bench.write('b.yaml', clusterManifest({ name: 'b', workers: 0 }));
    const moments = [
      /upload image \S+qcow2[^\n]*action started/,
      /create volume a-head-0[^\n]*action started/,
      /start domain a-compute-0[^\n]*action started/,
      /run unit benchcluster-slurm-head-\w+ on a-head-0[^\n]*action started/,
    ];
    for (const moment of moments) {
      await bench.untilLog(moment);
      await bench.stopController('SIGKILL');
      bench.startController();
    }
    await bench.until('a', 'it is ready', isReady(1), 400_000);
    await bench.until('b', 'it is ready', isReady(0), 400_000);
    const names = await bench.virsh('list', '--name');
    assert.deepEqual(names.trim().split('\n').sort(), ['a-compute-0', 'a-head-0', 'b-head-0']);
    const volumes = await bench.virsh('vol-list', 'default');
    assert.equal(volumes.match(/^ [ab]-\S+\.qcow2/gm)?.length, 3);
    assert.doesNotMatch(volumes, /\.part/);
    const hosts = await bench.benchctl('ssh', 'a-head-0', '--', 'srun', 'hostname');
    assert.equal(hosts.trim(), 'a-compute-0');
  });

  it('B31: no secret was in an argument, an environment, a log, a status, a guest or libvirt', async (t) => {
    const digest = await bench.benchctl(
      'ssh',
      'a-compute-0',
      '--',
      'sha256sum',
      '/etc/munge/munge.key',
    );
    assert.equal(digest.slice(0, 64), canaries.digest(), 'the guests have the recognisable key');
    for (const node of ['a-head-0', 'a-compute-0', 'b-head-0']) {
      await canaries.lookAtGuest(bench, node);
    }
    await canaries.lookAtBench(bench, 'a');
    canaries.lookAtPrograms();
    t.diagnostic(`B31: ${canaries.report()}`);
    assert.deepEqual([...canaries.hits], []);
    assert.ok(canaries.programs > 200 && canaries.texts > 50, canaries.report());
  });

  it('deletes one cluster although it is killed, and leaves the other and the network', async () => {
    await bench.remove('a.yaml');
    await bench.untilLog(/power off domain a-compute-0[^\n]*action started/);
    await bench.stopController('SIGKILL');
    bench.startController();
    await bench.until('a', 'it is gone', (status) => status === undefined);
    assert.equal((await bench.virsh('list', '--all', '--name')).match(/^a-/gm), null);
    await bench.until('b', 'it is ready', isReady(0));
    assert.match(await bench.virsh('net-list', '--name'), /bench-e2e/);
    await bench.remove('b.yaml');
    await bench.until('b', 'it is gone', (status) => status === undefined);
    assert.equal(await worldOf(bench), emptyWorld);
    assert.equal(await describeStrangers(bench), strangers);
  });
});

/** A domain, a volume and a network of somebody else, each with a name that we would use. */
async function makeStrangers(bench: Bench): Promise<void> {
  const installation = (await bench.readState('installation')).trim();
  const uuid = nodeUuid(clusterUid(installation, 'default', 'd'), 'd-head-0');
  const volume = nodeVolume('d-head-0', uuid);
  await bench.virsh('vol-create-as', 'default', volume, '8M', '--format', 'raw');
  await bench.inside('sh', '-c', `echo precious > ${pool}/${volume}`);
  const domain = `<domain type='qemu'><name>c-head-0</name><memory unit='MiB'>64</memory>
    <os><type>hvm</type></os></domain>`;
  const network = `<network><name>stranger-net</name><bridge name='stranger0'/></network>`;
  await bench.inside('sh', '-c', `cat > /tmp/c.xml <<'E'\n${domain}\nE\nvirsh define /tmp/c.xml`);
  await bench.inside(
    'sh',
    '-c',
    `cat > /tmp/n.xml <<'E'\n${network}\nE\nvirsh net-define /tmp/n.xml`,
  );
}

async function describeStrangers(bench: Bench): Promise<string> {
  const all = await Promise.all([
    bench.virsh('dumpxml', 'c-head-0'),
    bench.virsh('net-dumpxml', 'stranger-net'),
    bench.inside('sh', '-c', `sha256sum ${pool}/d-head-0-*`),
  ]);
  return all.join('\n');
}
