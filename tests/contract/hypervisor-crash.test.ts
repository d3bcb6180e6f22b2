/**
 * On real libvirt: uploads that are cut, a daemon that is killed, changes made by hand. Whatever
 * was left behind, the next call sees the truth, and a final name is never given to half a file.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type { Artifact, Hypervisor } from '../../src/controllers/ports.ts';
import { createHypervisor } from '../../src/drivers/libvirt/hypervisor.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { createLog } from '../../src/lib/log.ts';
import { dialUnix } from '../../src/libvirt/dial.ts';
import { domainSpec, installation, networkSpec } from '../drivers/libvirt/specs.ts';
import {
  type HypervisorLab,
  needsRoot,
  openHypervisorLab,
  untilReachable,
  withoutConnection,
} from './hypervisor-lab.ts';
import { fails } from './hypervisor-suite.ts';

const pool = '/var/lib/libvirt/images';
/** After the name of an image, what an upload of this installation writes to. */
const ownPart = `.${installation.slice(0, 8)}.part`;
const big = 128 * 2 ** 20;
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

describe('crashes on a real host', { skip: needsRoot, timeout: 300_000 }, () => {
  let host: HypervisorLab;
  let hypervisor: Hypervisor;
  before(async () => {
    host = await openHypervisorLab();
    hypervisor = host.hypervisor;
  });
  after(() => host?.close());

  const upload = (artifact: Artifact, by = hypervisor): Promise<void> =>
    by.uploadArtifact(artifact, () => undefined, signal());
  const volumes = async (): Promise<string[]> =>
    (await hypervisor.inventory(signal())).pool.volumes.map(({ name }) => name);
  const sum = async (name: string): Promise<string> =>
    (await host.lab.exec(['sha256sum', `${pool}/${name}`])).stdout.slice(0, 64);
  const filesOf = async (artifact: Artifact): Promise<string[]> => {
    const { stdout } = await host.lab.exec(['sh', '-c', `ls ${pool} | grep ${artifact.volume}`]);
    return stdout.trim().split('\n');
  };
  const isWhole = async (artifact: Artifact): Promise<void> => {
    assert.equal(await sum(artifact.volume), artifact.sha256);
    assert.deepEqual(await filesOf(artifact), [artifact.volume]);
    assert.ok((await volumes()).includes(artifact.volume));
  };
  const partOf = ({ volume }: Artifact): string => volume + ownPart;
  /** Calls `act` once when so many bytes have been sent. */
  const cut = (artifact: Artifact, atBytes: number, act: () => void, by = signal()) => {
    let done = false;
    const progress = (sent: number): void => {
      if (done || sent < atBytes) return;
      done = true;
      act();
    };
    return hypervisor.uploadArtifact(artifact, progress, by);
  };

  test('an uploaded file is the source, byte for byte', async () => {
    for (const bytes of [0, 2 ** 20, big]) {
      const artifact = host.file(`whole-${bytes}`, bytes);
      await upload(artifact);
      await isWhole(artifact);
    }
  });

  test('a cancelled upload leaves nothing', async () => {
    const artifact = host.file('cancelled', big + 65_536);
    const stop = new AbortController();
    await fails(
      'cancelled',
      cut(artifact, big / 2, () => stop.abort(), stop.signal),
    );
    const { stdout } = await host.lab.exec(['ls', pool]);
    assert.ok(!stdout.includes(artifact.volume), stdout);
    await upload(artifact);
    await isWhole(artifact);
  });

  test('libvirtd killed in the middle of an upload', async () => {
    const artifact = host.file('killed', big + 2 * 65_536);
    let killed: Promise<void> | undefined;
    const error = await cut(artifact, big / 4, () => {
      killed = host.lab.killDaemon({ kill: true });
    }).catch((thrown: unknown) => thrown);
    assert.ok(error instanceof Error);
    await killed;
    await fails('unreachable', hypervisor.inventory(AbortSignal.timeout(10_000)));
    await host.lab.startDaemon();
    await untilReachable(hypervisor);
    assert.ok(!(await volumes()).includes(artifact.volume));
    assert.deepEqual(await filesOf(artifact), [partOf(artifact)]);
    await upload(artifact);
    await isWhole(artifact);
  });

  test('whatever a crash left under both names is not used and is made again', async () => {
    const half = `<capacity>4096</capacity><target><format type='raw'/></target></volume>`;
    const left: Record<string, string[]> = {
      'part only': [ownPart],
      'part and half a clone': ['', ownPart],
    };
    for (const [index, suffixes] of Object.values(left).entries()) {
      const artifact = host.file(`left-${index}`, (index + 1) * 2 ** 20);
      for (const suffix of suffixes) {
        const name = artifact.volume + suffix;
        await host.define(['vol-create', 'default'], `<volume><name>${name}</name>${half}`);
      }
      assert.ok(!(await volumes()).includes(artifact.volume));
      const request = { name: 'x.qcow2', capacityBytes: big, backingVolume: artifact.volume };
      await fails('failed', hypervisor.createVolume(request, signal()));
      await upload(artifact);
      await isWhole(artifact);
    }
  });

  test('an unfinished volume that a domain uses is left alone', async () => {
    const artifact = host.file('used', 7 * 2 ** 20);
    await upload(artifact);
    await host.virsh('vol-create-as', 'default', partOf(artifact), '4096');
    await host.define(
      ['define'],
      `<domain type='qemu'><name>user</name><memory>65536</memory><os><type>hvm</type></os>
        <devices><disk type='volume'><source pool='default' volume='${artifact.volume}'/>
        <target dev='sda'/></disk></devices></domain>`,
    );
    await fails('conflict', upload(artifact));
    assert.equal(await sum(artifact.volume), artifact.sha256);
    await host.virsh('undefine', 'user');
  });

  test('another file under the final name is a conflict and stays', async () => {
    const artifact = host.file('taken', 3 * 2 ** 20 + 65_536);
    await host.virsh('vol-create-as', 'default', artifact.volume, '5000');
    const was = await sum(artifact.volume);
    await fails('conflict', upload(artifact));
    assert.equal(await sum(artifact.volume), was);
  });

  test('two controllers upload the same file at once', async () => {
    const artifact = host.file('twice', big + 3 * 65_536);
    const other = host.another();
    const retried = async (by: Hypervisor): Promise<void> => {
      for (let tries = 0; tries < 40; tries += 1) {
        const error = await upload(artifact, by).catch((thrown: unknown) => thrown);
        if (error === undefined) return;
        assert.match(String(error), /Another controller/);
        await new Promise((resolve) => setTimeout(resolve, 200));
      }
      assert.fail('neither finished');
    };
    await Promise.all([retried(hypervisor), retried(other), upload(artifact).catch(() => {})]);
    await other.close();
    await isWhole(artifact);
  });

  test('guests outlive the daemon, and the connection comes back by itself', async () => {
    const spec = domainSpec(1, { network: 'net-crash' });
    const network = networkSpec({ name: 'net-crash', cidr: '10.93.0.0/24' });
    const image = host.file('base', 2 ** 20);
    await upload(image);
    const overlay = { name: spec.volume, capacityBytes: 2 ** 24, backingVolume: image.volume };
    await hypervisor.createNetwork(network, signal());
    await hypervisor.createVolume(overlay, signal());
    await hypervisor.defineDomain(spec, signal());
    await hypervisor.changeDomain('start', spec, signal());
    const was = (await hypervisor.inventory(signal())).domains;
    const woken = Promise.withResolvers<void>();
    const stop = hypervisor.onChange(() => woken.resolve());
    for (const kill of [true, false]) {
      await host.restartDaemon({ kill });
      const { domains } = await hypervisor.inventory(signal());
      assert.deepEqual(withoutConnection(domains), withoutConnection(was));
      assert.ok(domains.every(({ connection }) => connection > (was[0]?.connection ?? 0)));
    }
    await woken.promise;
    stop();
    const log = spec.volume.replace('.qcow2', '.console.log');
    await host.lab.exec(['sh', '-c', `seq 20000 > ${pool}/${log}`]);
    assert.match(await hypervisor.consoleLog(spec.volume, 20, signal()), /^\d*\n(\d+\n)+20000\n$/);
  });

  test('a network starts although a daemon that died has left its bridge behind', async () => {
    const network = networkSpec({ name: 'net-left', cidr: '10.94.0.0/24' });
    const active = async () => {
      const { networks } = await hypervisor.inventory(signal());
      return networks.find(({ name }) => name === network.name)?.active;
    };
    const bridge = async () => {
      const xml = await host.virsh('net-dumpxml', network.name);
      return /bridge name='(\w+)'/.exec(xml)?.[1] ?? assert.fail(xml);
    };
    await hypervisor.createNetwork(network, signal());
    const left = await bridge();
    await host.virsh('net-destroy', network.name);
    await host.lab.exec(['ip', 'link', 'add', left, 'type', 'bridge']);
    await hypervisor.createNetwork(network, signal());
    assert.equal(await active(), true);
    assert.notEqual(await bridge(), left);
    // It is not known to be ours, so a person takes it away.
    await host.lab.exec(['ip', 'link', 'delete', left]);
    await hypervisor.removeNetwork(network, signal());
  });

  test('a subnet that a bridge left behind has is told with the way out', async () => {
    const network = networkSpec({ name: 'net-held', cidr: '10.95.0.0/24' });
    const { lab } = host;
    await lab.exec(['ip', 'link', 'add', 'virbr77', 'type', 'bridge']);
    await lab.exec(['ip', 'address', 'add', '10.95.0.1/24', 'dev', 'virbr77']);
    await lab.exec(['ip', 'link', 'set', 'virbr77', 'up']);
    await assert.rejects(hypervisor.createNetwork(network, signal()), {
      code: 'conflict',
      message: /net-held is in use by interface virbr77 .*as root, ip link delete virbr77$/,
    });
    await lab.exec(['ip', 'link', 'delete', 'virbr77']);
    await hypervisor.createNetwork(network, signal());
    await hypervisor.removeNetwork(network, signal());
  });

  test('a power cut by hand is told within a second', async () => {
    const spec = domainSpec(1);
    const told = Promise.withResolvers<number>();
    const stop = hypervisor.onChange(({ domain }) => {
      if (domain === spec.uuid) told.resolve(Date.now());
    });
    const destroyed = host.virsh('destroy', spec.name).then(() => Date.now());
    assert.ok((await told.promise) - (await destroyed) < 1000);
    stop();
    const { domains } = await hypervisor.inventory(signal());
    const view = domains.find(({ uuid }) => uuid === spec.uuid);
    assert.deepEqual([view?.state, view?.reason, view?.id], ['shutoff', 'destroyed', -1]);
  });

  test('a listing at rest costs a handful of calls, however many domains there are', async () => {
    const frames = { sent: 0 };
    const dial = dialUnix(host.lab.socket);
    const counting = createHypervisor({
      dial: async (by) => {
        const socket = await dial(by);
        const write = socket.write.bind(socket);
        socket.write = (chunk: Buffer): boolean => {
          for (let at = 0; at < chunk.length; at += chunk.readUInt32BE(at)) frames.sent += 1;
          return write(chunk);
        };
        return socket;
      },
      ...{ poolName: 'default', installation, clock: systemClock, log: createLog('silent') },
      reuseMs: 0,
    });
    for (let index = 20; index < 60; index += 1) {
      await counting.defineDomain(domainSpec(index), signal());
    }
    assert.equal((await counting.inventory(signal())).domains.length > 40, true);
    await counting.inventory(signal());
    const before = frames.sent;
    await counting.inventory(signal());
    const cost = frames.sent - before;
    assert.ok(cost > 0 && cost <= 10, `${cost} calls`);
    await counting.close();
  });

  test('a restarted daemon keeps the ids of what runs, and gives others again', async () => {
    const [other, own] = ['ids-other', 'ids-own'] as const;
    for (const name of [other, own]) {
      const type = '<os><type>hvm</type></os>';
      const xml = `<domain type='qemu'><name>${name}</name><memory>65536</memory>${type}</domain>`;
      await host.define(['define'], xml);
    }
    const running = async () => {
      const { domains } = await hypervisor.inventory(signal());
      return Object.fromEntries(
        domains.filter(({ id }) => id !== -1).map(({ name, id }) => [name, id] as const),
      );
    };
    for (const kill of [true, false]) {
      // With none that runs ids begin again.
      await host.restartDaemon({ kill });
      await host.virsh('start', other);
      await host.virsh('start', own);
      await host.virsh('destroy', own);
      await host.virsh('start', own);
      assert.deepEqual(await running(), { [other]: 1, [own]: 3 });
      await host.restartDaemon({ kill });
      assert.deepEqual(await running(), { [other]: 1, [own]: 3 });
      await host.virsh('destroy', own);
      await host.restartDaemon({ kill });
      await host.virsh('start', own);
      assert.deepEqual(await running(), { [other]: 1, [own]: 2 }, 'its first run had 2 as well');
      await host.virsh('destroy', own);
      await host.virsh('start', own);
      assert.deepEqual(await running(), { [other]: 1, [own]: 3 }, 'its second run had 3 as well');
      for (const name of [other, own]) await host.virsh('destroy', name);
    }
  });
});
