/**
 * The users' real case: a hypervisor that is reached only over SSH, by a user in the group libvirt
 * without root or sudo, with the guests behind its NAT. The connection is cut in the middle of an
 * upload and in the middle of a join; the cluster becomes ready all the same.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  type Bench,
  clusterManifest,
  createBench,
  imageManifestOf,
  isReady,
  worldOf,
} from './test-bench.ts';

const name = 'far';

describe('a Slurm cluster on a remote host', { timeout: 1_800_000 }, () => {
  let bench: Bench;
  let emptyWorld: string;
  /** Ends the processes that serve the controller's connection, as a broken line would. */
  const cut = () => bench.inside('pkill', '-KILL', '-f', '^sshd: bench');

  before(async () => {
    bench = await createBench({ remote: true });
    emptyWorld = await worldOf(bench);
    await bench.write('image.yaml', await imageManifestOf('debian-slurm'));
  });
  after(async () => {
    await bench?.[Symbol.asyncDispose]();
  });

  it('becomes ready although its connection is cut in an upload and in a join', async () => {
    bench.startController();
    await bench.write('far.yaml', clusterManifest({ name, workers: 1 }));
    await bench.untilLog(/upload image \S+\.qcow2[^\n]*action started/);
    await cut();
    await bench.untilLog(/run unit benchcluster-slurm-join-\w+[^\n]*action started/, 400_000);
    await cut();
    await bench.until(name, 'it is ready', isReady(1), 400_000);
    const output = await bench.benchctl('ssh', 'far-head-0', '--', 'srun', 'hostname');
    assert.equal(output.trim(), 'far-compute-0');
    assert.doesNotMatch(await bench.virsh('vol-list', 'default'), /\.part/);
  });

  it('reaches its guests through the host and in no other way', async () => {
    const status = await bench.status(name);
    const address = status?.endpoint ?? '';
    assert.match(address, /^192\.168\.150\./);
    assert.match(await bench.direct('ip', 'route', 'get', '10.77.0.1'), /dev wire1/);
    await assert.rejects(bench.direct('ip', 'route', 'get', address), /unreachable/);
  });

  it('goes away without a trace', async () => {
    await bench.remove('far.yaml');
    await bench.until(name, 'it is gone', (status) => status === undefined);
    assert.equal(await worldOf(bench), emptyWorld);
  });
});
