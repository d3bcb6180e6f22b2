/**
 * What every Hypervisor must do, run on the fake and on real libvirt, which keeps the fake honest.
 * It looks at the resulting world only. Each test has domains, volumes and networks of its own, so
 * that they share one host.
 */
import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import type {
  Artifact,
  DomainSpec,
  HostInventory,
  Hypervisor,
  OwnerMark,
  PortErrorCode,
} from '../../src/controllers/ports.ts';
import { PortError } from '../../src/controllers/ports.ts';
import { domainSpec, installation, networkSpec, ownerOf } from '../drivers/libvirt/specs.ts';

export interface Subject {
  hypervisor: Hypervisor;
  /** An image of 8 MiB virtual size; the name is free for each caller. */
  image: (name: string) => Artifact;
  /** Things that another tool made on the host. */
  foreignDomain(domain: { name: string; uuid: string; files: string[] }): Promise<void>;
  undefineByHand(uuid: string): Promise<void>;
  /** The host's daemon is killed and started again; resolves when it can be asked. */
  restartDaemon(): Promise<void>;
  foreignNetwork(network: { name: string; uuid: string }): Promise<void>;
  close(): Promise<void>;
}

const strangersUuid = '99999999-0000-4000-8000-00000000000';
const diskBytes = 16 * 2 ** 20;

export function hypervisorConformance(
  label: string,
  open: () => Promise<Subject>,
  options: { skip?: string | false } = {},
): void {
  describe(label, { skip: options.skip ?? false, timeout: 240_000 }, () => {
    let subject: Subject;
    let host: Hypervisor;
    const signal = (): AbortSignal => AbortSignal.timeout(60_000);
    const look = (): Promise<HostInventory> => host.inventory(signal());
    before(async () => {
      subject = await open();
      host = subject.hypervisor;
    });
    after(async () => {
      await host?.close();
      await subject?.close();
    });

    const domainOf = async (uuid: string) =>
      (await look()).domains.find((domain) => domain.uuid === uuid);
    const seenOf = async (spec: DomainSpec) => {
      const { id, connection } = (await domainOf(spec.uuid)) ?? assert.fail(spec.name);
      assert.notEqual(id, -1);
      return { ...spec, id, connection };
    };
    const volumeOf = async (name: string) =>
      (await look()).pool.volumes.find((volume) => volume.name === name);
    const image = async (name: string): Promise<string> => {
      const artifact = subject.image(name);
      await host.uploadArtifact(artifact, () => undefined, signal());
      return artifact.volume;
    };
    const createDisk = async (spec: DomainSpec, backingVolume: string): Promise<void> => {
      const request = { name: spec.volume, capacityBytes: diskBytes, backingVolume };
      await host.createVolume(request, signal());
    };
    /** A defined domain with its disk on a network of its own. */
    const machine = async (index: number): Promise<DomainSpec> => {
      const network = networkSpec({
        name: `net-${index}`,
        uuid: `00000000-0000-4000-8000-0000000000${index}`,
        cidr: `10.77.${index}.0/24`,
      });
      const spec = domainSpec(index, { network: network.name });
      await host.createNetwork(network, signal());
      await createDisk(spec, await image(`base-${index}.qcow2`));
      await host.defineDomain(spec, signal());
      return spec;
    };

    test('a fresh host says what it is', async () => {
      const { pool, domainTypes, cpus, memoryBytes, hostname, libvirtVersion } = await look();
      assert.equal(pool.active, true);
      assert.match(pool.path, /^\//);
      assert.ok(domainTypes.includes('qemu'));
      assert.ok(cpus > 0 && memoryBytes > 2 ** 28 && pool.availableBytes > 2 ** 28);
      assert.notEqual(hostname, '');
      assert.match(libvirtVersion, /^\d+\.\d+\.\d+$/);
    });

    test('an artifact appears whole, and once', async () => {
      const artifact = subject.image('whole.qcow2');
      const seen: [number, number][] = [];
      await host.uploadArtifact(artifact, (sent, total) => seen.push([sent, total]), signal());
      const [sent, total] = seen.at(-1) ?? [0, 1];
      assert.equal(sent, total);
      const volume = await volumeOf(artifact.volume);
      assert.equal(volume?.capacityBytes, 8 * 2 ** 20, 'the size of the disk inside');
      await host.uploadArtifact(artifact, () => undefined, signal());
      assert.deepEqual(await volumeOf(artifact.volume), volume);
    });

    test('an artifact of another digest, or no file, is rejected and leaves nothing', async () => {
      const wrong = { ...subject.image('wrong.qcow2'), sha256: '0'.repeat(64) };
      const absent = { ...subject.image('absent.qcow2'), sourcePath: '/nowhere/absent' };
      for (const artifact of [wrong, absent]) {
        await fails(
          'rejected',
          host.uploadArtifact(artifact, () => undefined, signal()),
        );
      }
      const names = (await look()).pool.volumes.map(({ name }) => name);
      assert.deepEqual(
        names.filter((name) => /wrong|absent/.test(name)),
        [],
      );
    });

    test('an overlay: repeated, different, too small, without base', async () => {
      const backingVolume = await image('base-a.qcow2');
      const overlay = { name: 'a.qcow2', capacityBytes: diskBytes, backingVolume };
      await host.createVolume(overlay, signal());
      await host.createVolume(overlay, signal());
      const made = await volumeOf('a.qcow2');
      assert.equal(made?.capacityBytes, diskBytes);
      assert.equal(made?.backingPath, (await volumeOf(backingVolume))?.path);
      const bigger = { ...overlay, capacityBytes: diskBytes * 2 };
      await fails('conflict', host.createVolume(bigger, signal()));
      assert.deepEqual(await volumeOf('a.qcow2'), made);
      const small = { ...overlay, name: 'b.qcow2', capacityBytes: 2 ** 20 };
      await fails('rejected', host.createVolume(small, signal()));
      const orphan = { ...overlay, name: 'c.qcow2', backingVolume: 'nothing.qcow2' };
      await fails('failed', host.createVolume(orphan, signal()));
    });

    test('a base image stays while an overlay needs it', async () => {
      const backingVolume = await image('base-b.qcow2');
      const name = 'needs-b.qcow2';
      await host.createVolume({ name, capacityBytes: diskBytes, backingVolume }, signal());
      await fails('conflict', host.deleteVolume(backingVolume, undefined, signal()));
      await host.deleteVolume(name, undefined, signal());
      await host.deleteVolume(name, undefined, signal());
      await host.deleteVolume(backingVolume, undefined, signal());
      assert.equal(await volumeOf(backingVolume), undefined);
    });

    test('a domain lives: define, start, power off, undefine, each twice', async () => {
      const spec = await machine(10);
      await host.defineDomain(spec, signal());
      const defined = await domainOf(spec.uuid);
      assert.equal(defined?.state, 'shutoff');
      assert.equal(defined?.id, -1);
      assert.equal(defined?.persistent, true);
      assert.deepEqual(defined?.owner, spec.owner);
      assert.deepEqual(defined?.macs, [spec.mac]);
      assert.deepEqual(defined?.networks, [spec.network]);
      assert.ok(defined?.files.some((file) => file.endsWith(`/${spec.volume}`)));
      for (const [change, state] of [
        ['start', 'running'],
        ['resume', 'running'],
        ['destroy', 'shutoff'],
      ] as const) {
        await host.changeDomain(change, spec, signal());
        await host.changeDomain(change, spec, signal());
        assert.equal((await domainOf(spec.uuid))?.state, state, change);
      }
      await host.changeDomain('undefine', spec, signal());
      assert.equal(await domainOf(spec.uuid), undefined);
      await host.changeDomain('undefine', spec, signal());
      await host.changeDomain('destroy', spec, signal());
      await fails('failed', host.changeDomain('start', spec, signal()));
    });

    test('a running domain is not undefined, nor its disk or network removed', async () => {
      const spec = await machine(11);
      const { network: name, uuid, volume } = spec;
      await host.changeDomain('start', spec, signal());
      await fails('conflict', host.changeDomain('undefine', spec, signal()));
      await fails('conflict', host.deleteVolume(volume, uuid, signal()));
      await host.changeDomain('destroy', spec, signal());
      await fails('conflict', host.deleteVolume(volume, undefined, signal()));
      await fails('conflict', host.deleteVolume(volume, ownerUuid(12), signal()));
      const { networks } = await look();
      const network = networks.find((item) => item.name === name);
      const target = { name, uuid: network?.uuid ?? '', owner: { installation } };
      await fails('conflict', host.removeNetwork(target, signal()));
      await host.changeDomain('undefine', spec, signal());
      await host.deleteVolume(volume, uuid, signal());
      await host.removeNetwork(target, signal());
      await host.removeNetwork(target, signal());
      const left = await look();
      assert.equal(
        left.networks.find((item) => item.name === name),
        undefined,
      );
      assert.deepEqual(
        left.pool.volumes.filter((item) => item.name.includes(uuid.slice(0, 8))),
        [],
      );
    });

    test('a domain that somebody undefined while it ran becomes persistent again', async () => {
      const spec = await machine(13);
      await host.changeDomain('start', spec, signal());
      const { id } = (await domainOf(spec.uuid)) ?? {};
      await subject.undefineByHand(spec.uuid);
      assert.equal((await domainOf(spec.uuid))?.persistent, false);
      await host.defineDomain(spec, signal());
      const again = await domainOf(spec.uuid);
      assert.deepEqual([again?.persistent, again?.state, again?.id], [true, 'running', id]);
      await host.changeDomain('destroy', spec, signal());
      assert.equal((await domainOf(spec.uuid))?.state, 'shutoff');
    });

    test('only the owner changes a domain', async () => {
      const spec = await machine(14);
      const others: OwnerMark[] = [
        ownerOf('compute', 15),
        { ...spec.owner, installation: 'another' },
        { installation },
      ];
      for (const owner of others) {
        for (const change of ['start', 'resume', 'destroy', 'undefine'] as const) {
          await fails('conflict', host.changeDomain(change, { uuid: spec.uuid, owner }, signal()));
        }
        await fails('conflict', host.defineDomain({ ...spec, owner }, signal()));
      }
      // A new specification is a new machine: what was looked at is not what is there any more.
      const drifted = { uuid: spec.uuid, owner: ownerOf('compute', 14, 'another-hash') };
      await fails('conflict', host.defineDomain({ ...spec, ...drifted }, signal()));
      for (const change of ['destroy', 'undefine'] as const) {
        await fails('conflict', host.changeDomain(change, drifted, signal()));
      }
      await host.changeDomain('start', drifted, signal());
      await host.changeDomain('destroy', spec, signal());
    });

    test('what was started anew since it was seen runs on', async () => {
      const spec = await machine(20);
      await host.changeDomain('start', spec, signal());
      const seen = await seenOf(spec);
      await host.changeDomain('destroy', seen, signal());
      await host.changeDomain('destroy', seen, signal());
      await host.changeDomain('start', seen, signal());
      const { id: again = -1 } = (await domainOf(spec.uuid)) ?? {};
      assert.ok(again !== -1 && again !== seen.id);
      for (const id of [seen.id, -1]) {
        for (const change of ['resume', 'destroy', 'undefine'] as const) {
          await fails('conflict', host.changeDomain(change, { ...seen, id }, signal()));
        }
        await host.changeDomain('start', { ...seen, id }, signal());
      }
      assert.equal((await domainOf(spec.uuid))?.id, again);
      await host.changeDomain('resume', { ...seen, id: again }, signal());
      await host.changeDomain('destroy', { ...seen, id: again }, signal());
      assert.equal((await domainOf(spec.uuid))?.state, 'shutoff');
    });

    test('what was started anew since it was seen runs on, though a new daemon gave it the same id', async () => {
      const spec = await machine(21);
      // From here on the only one that runs.
      await subject.restartDaemon();
      await host.changeDomain('start', spec, signal());
      const seen = await seenOf(spec);
      await host.changeDomain('destroy', seen, signal());
      await subject.restartDaemon();
      await host.changeDomain('start', seen, signal());
      const again = await seenOf(spec);
      assert.equal(again.id, seen.id);
      for (const change of ['resume', 'destroy', 'undefine'] as const) {
        await fails('failed', host.changeDomain(change, seen, signal()));
      }
      assert.deepEqual(await seenOf(spec), again);
      await host.changeDomain('destroy', again, signal());
      // That it is off is as true by either daemon.
      await host.changeDomain('undefine', seen, signal());
      assert.equal(await domainOf(spec.uuid), undefined);
    });

    test('a name or a UUID that is taken is a conflict', async () => {
      const spec = domainSpec(16);
      const uuid = `${strangersUuid}1`;
      const file = '/var/lib/libvirt/images/strangers.qcow2';
      await subject.foreignDomain({ name: spec.name, uuid, files: [file] });
      await fails('conflict', host.defineDomain(spec, signal()));
      const renamed = { ...spec, uuid, name: 'free-name' };
      await fails('conflict', host.defineDomain(renamed, signal()));
      await fails('conflict', host.changeDomain('undefine', { ...spec, uuid }, signal()));
      const stranger = await domainOf(uuid);
      assert.equal(stranger?.name, spec.name);
      assert.equal(stranger?.owner, undefined);
    });

    test("a volume that a stranger's domain names is not deleted", async () => {
      const volume = await image('borrowed.qcow2');
      const files = [(await volumeOf(volume))?.path ?? ''];
      await subject.foreignDomain({ name: 'borrower', uuid: `${strangersUuid}2`, files });
      await fails('conflict', host.deleteVolume(volume, undefined, signal()));
      assert.notEqual(await volumeOf(volume), undefined);
    });

    test('networks: made active again, and foreign ones left alone', async () => {
      const ours = networkSpec({ name: 'net-own', cidr: '10.78.1.0/24' });
      await host.createNetwork(ours, signal());
      await host.createNetwork(ours, signal());
      const made = (await look()).networks.find(({ name }) => name === ours.name);
      assert.deepEqual([made?.active, made?.uuid, made?.owner], [true, ours.uuid, ours.owner]);
      const uuid = `${strangersUuid}3`;
      await subject.foreignNetwork({ name: 'net-foreign', uuid });
      const sameName = networkSpec({ name: 'net-foreign', uuid: `${strangersUuid}4` });
      await fails('conflict', host.createNetwork({ ...sameName, cidr: '10.78.2.0/24' }, signal()));
      const target = { name: 'net-foreign', uuid, owner: { installation } };
      await fails('conflict', host.removeNetwork(target, signal()));
      const within = networkSpec({ name: 'net-within', cidr: '10.78.1.128/25' });
      await fails('conflict', host.createNetwork(within, signal()));
      await host.removeNetwork(ours, signal());
      const names = (await look()).networks.map(({ name }) => name);
      assert.ok(names.includes('net-foreign') && !names.includes('net-own'));
      const wrong = networkSpec({ name: 'net-wrong', cidr: '10.0.0.0/31' });
      await fails('rejected', host.createNetwork(wrong, signal()));
    });

    test('a change on the host is told', async () => {
      const spec = await machine(17);
      const { promise, resolve } = Promise.withResolvers<void>();
      const stop = host.onChange(({ domain }) => {
        if (domain === spec.uuid) resolve();
      });
      await host.changeDomain('start', spec, signal());
      await promise;
      stop();
      assert.equal((await domainOf(spec.uuid))?.state, 'running');
      await host.changeDomain('destroy', spec, signal());
    });

    test('an agent that is not there is a failure to be tried again', async () => {
      const spec = await machine(18);
      await fails('failed', host.hostKey(spec.uuid, signal()));
      assert.deepEqual(await host.guestAddresses(spec.uuid, signal()), []);
      assert.equal(await host.consoleLog(spec.volume, 100, signal()), '');
    });

    test('a cancelled call says so', async () => {
      const gone = AbortSignal.abort();
      await fails('cancelled', host.inventory(gone));
      await fails('cancelled', host.defineDomain(domainSpec(19), gone));
    });

    test('many ask at once and see the same host', async () => {
      const all = await Promise.all(Array.from({ length: 50 }, look));
      for (const one of all) assert.deepEqual(one.domains, all[0]?.domains);
    });
  });
}

function ownerUuid(index: number): string {
  return domainSpec(index).uuid;
}

export async function fails(code: PortErrorCode, call: Promise<unknown>): Promise<PortError> {
  try {
    await call;
  } catch (error) {
    assert.ok(error instanceof PortError, String(error));
    assert.equal(error.code, code, error.message);
    return error;
  }
  return assert.fail(`did not fail with ${code}`);
}
