/**
 * On real libvirt: two installations and one pool. Neither takes away what the other uploads, and
 * whatever becomes of an upload, the final name has the whole file.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Artifact, Hypervisor } from '../../src/controllers/ports.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { dialUnix } from '../../src/libvirt/dial.ts';
import { domainSpec, networkSpec } from '../drivers/libvirt/specs.ts';
import { type HypervisorLab, needsRoot, openHypervisorLab } from './hypervisor-lab.ts';
import { fails } from './hypervisor-suite.ts';

const pool = '/var/lib/libvirt/images';
const big = 48 * 2 ** 20;
const installation = '2b91e7d4-3b5a-4c7d-8e9f-000000000002';
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

/** Waits thirty times as short, so that an upload is soon taken for one that was cut. */
const hasty = {
  now: () => systemClock.now(),
  after: (ms: number, callback: () => void) => systemClock.after(ms / 30, callback),
};

describe('two installations on a real host', { skip: needsRoot, timeout: 300_000 }, () => {
  let host: HypervisorLab;
  let ours: Hypervisor;
  let theirs: Hypervisor;
  before(async () => {
    host = await openHypervisorLab();
    ours = host.hypervisor;
    theirs = host.another('default', { installation, clock: hasty });
  });
  after(async () => {
    await theirs?.close();
    await host?.close();
  });

  const upload = (artifact: Artifact, by: Hypervisor): Promise<void> =>
    by.uploadArtifact(artifact, () => undefined, signal());
  const files = async (artifact: Artifact): Promise<string[]> => {
    const { stdout } = await host.lab.exec(['sh', '-c', `ls ${pool} | grep ${artifact.volume}`]);
    return stdout.trim().split('\n');
  };
  const isWhole = async (artifact: Artifact): Promise<void> => {
    const { stdout } = await host.lab.exec(['sha256sum', `${pool}/${artifact.volume}`]);
    assert.equal(stdout.slice(0, 64), artifact.sha256);
    assert.deepEqual(await files(artifact), [artifact.volume]);
  };

  test('both upload the same file at once', async () => {
    const artifact = host.file('both', big + 65_536);
    const retried = async (by: Hypervisor): Promise<void> => {
      for (let tries = 0; tries < 40; tries += 1) {
        const error = await upload(artifact, by).catch((thrown: unknown) => thrown);
        if (error === undefined) return;
        assert.match(String(error), /Another controller/);
        await new Promise((resolve) => setTimeout(resolve, 100 + 100 * (tries % 7)));
      }
      assert.fail('it never finished');
    };
    await Promise.all([retried(ours), retried(theirs)]);
    await isWhole(artifact);
  });

  test('a part of the other one is not for us to delete, nor the image that is made of it', async () => {
    const artifact = host.file('others', 2 ** 20);
    const part = `${artifact.volume}.${installation.slice(0, 8)}.part`;
    for (const name of [artifact.volume, part]) {
      await host.virsh('vol-create-as', 'default', name, '4096');
    }
    for (const name of [artifact.volume, part]) {
      await fails('conflict', ours.deleteVolume(name, undefined, signal()));
    }
    assert.deepEqual(await files(artifact), [artifact.volume, part]);
    await theirs.deleteVolume(part, undefined, signal());
    const { volumes } = (await ours.inventory(signal())).pool;
    assert.deepEqual(
      volumes.filter(({ name }) => name.startsWith(artifact.volume)),
      [],
    );
  });

  test('what the other one left of an upload that was cut is taken away after a while', async () => {
    const artifact = host.file('left', 3 * 2 ** 20);
    const part = `${artifact.volume}.00000001.part`;
    for (const name of [artifact.volume, part]) {
      await host.virsh('vol-create-as', 'default', name, '4096');
    }
    await upload(artifact, theirs);
    await isWhole(artifact);
  });

  test('who waits to see whether an upload was cut leaves alone what it became meanwhile', async () => {
    const artifact = host.file('became', 2 ** 20 + 65_536);
    const part = `${artifact.volume}.00000001.part`;
    await host.virsh('vol-create-as', 'default', part, '4096');
    const waiting = upload(artifact, theirs).catch((thrown: unknown) => thrown);
    await new Promise((resolve) => setTimeout(resolve, 500));
    await host.virsh('vol-create-as', 'default', artifact.volume, '4096');
    await host.virsh('vol-delete', '--pool', 'default', part);
    assert.match(String(await waiting), /Another controller/);
    assert.deepEqual(await files(artifact), [artifact.volume]);
  });

  test('an upload that stood still and was taken over harms nothing when it goes on', async () => {
    const artifact = host.file('stalled', big + 2 * 65_536);
    const held: (() => void)[] = [];
    let holds = false;
    const dial = dialUnix(host.lab.socket);
    const stalled = host.another('default', {
      dial: async (by) => {
        const socket = await dial(by);
        const write = socket.write.bind(socket);
        socket.write = (chunk: Buffer): boolean => {
          if (!holds) return write(chunk);
          held.push(() => write(chunk));
          return true;
        };
        return socket;
      },
    });
    let stands = (): void => undefined;
    const standing = new Promise<void>((resolve) => {
      stands = resolve;
    });
    const progress = (sent: number): void => {
      if (holds || sent < big / 4) return;
      holds = true;
      stands();
    };
    const slow = stalled.uploadArtifact(artifact, progress, signal()).catch((thrown) => thrown);
    await standing;
    await upload(artifact, theirs);
    const disk = { name: 'over.qcow2', capacityBytes: 2 * big, backingVolume: artifact.volume };
    await theirs.createVolume(disk, signal());
    holds = false;
    for (const write of held) write();
    await slow;
    await stalled.close();
    await isWhole(artifact);
  });

  test('a disk whose image went in the moment when it was made works when the image is back', async () => {
    const artifact = host.file('gone', 2 ** 20);
    const spec = domainSpec(1, { network: 'net-gone' });
    const { volume: name } = spec;
    const disk = { name, capacityBytes: 2 ** 24, backingVolume: artifact.volume };
    await upload(artifact, theirs);
    await theirs.createVolume(disk, signal());
    await ours.createNetwork(networkSpec({ name: 'net-gone', cidr: '10.97.0.0/24' }), signal());
    await ours.defineDomain(spec, signal());
    // libvirt itself does not ask who uses it.
    await host.virsh('vol-delete', '--pool', 'default', artifact.volume);
    await host.virsh('pool-refresh', 'default');
    const { volumes } = (await theirs.inventory(signal())).pool;
    const left = volumes.find((volume) => volume.name === name);
    assert.equal(left?.backingPath, `${pool}/${artifact.volume}`);
    await fails('failed', ours.changeDomain('start', spec, signal()));
    await upload(artifact, theirs);
    await theirs.createVolume(disk, signal());
    await ours.changeDomain('start', spec, signal());
  });

  test('a network that overlaps with one of the other is refused, and theirs is as it was', async () => {
    const shared = networkSpec({ name: 'net-theirs', cidr: '10.98.0.0/16' });
    await theirs.createNetwork({ ...shared, owner: { installation } }, signal());
    const was = await host.virsh('net-dumpxml', 'net-theirs');
    for (const cidr of ['10.98.0.0/16', '10.98.7.0/24', '10.96.0.0/12']) {
      const network = networkSpec({ name: 'net-ours', cidr });
      await fails('conflict', ours.createNetwork(network, signal()));
    }
    assert.equal(await host.virsh('net-dumpxml', 'net-theirs'), was);
    const { networks } = await ours.inventory(signal());
    assert.deepEqual(
      networks.filter(({ name }) => name === 'net-ours'),
      [],
    );
    await ours.createNetwork(networkSpec({ name: 'net-ours', cidr: '10.99.0.0/16' }), signal());
  });
});
