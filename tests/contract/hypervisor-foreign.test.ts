/**
 * On real libvirt: what other people made stays as it is, to the byte, and what we make is what
 * libvirt's own schemas allow.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { domainSpec, installation, networkSpec } from '../drivers/libvirt/specs.ts';
import { type HypervisorLab, needsRoot, openHypervisorLab } from './hypervisor-lab.ts';
import { fails } from './hypervisor-suite.ts';

const volumeCreate = ['vol-create', 'default'];
const golden = fileURLToPath(new URL('../drivers/libvirt/golden/', import.meta.url));
const signal = (): AbortSignal => AbortSignal.timeout(60_000);

describe('strangers on a real host', { skip: needsRoot, timeout: 240_000 }, () => {
  let host: HypervisorLab;
  before(async () => {
    host = await openHypervisorLab();
  });
  after(() => host?.close());

  test('every rendered text is valid for libvirt', async () => {
    const { virsh, define } = host;
    const attempt = async (command: string[], xml: string): Promise<string> => {
      try {
        await define(command, xml);
        return '';
      } catch (error) {
        return String(error);
      }
    };
    for (const name of readdirSync(golden)) {
      const xml = readFileSync(golden + name, 'utf8');
      if (name.startsWith('volume')) {
        // libvirt 9.0 refuses its own flag for validating volumes; making one has to do.
        const text = xml.replace('/pool/b.qcow2', host.file('backing', 0).sourcePath);
        assert.equal(await attempt(volumeCreate, text), '', name);
        continue;
      }
      const command = [name.startsWith('domain') ? 'define' : 'net-define', '--validate'];
      // Where there is no KVM the daemon says so after it has checked the text.
      const allowed = name === 'domain-kvm.xml' ? /^$|virt type 'kvm'/ : /^$/;
      assert.match(await attempt(command, xml), allowed, name);
      const broken = xml.replace(/^<\w+/, (open) => `${open} nonsense="1"`);
      assert.match(await attempt(command, broken), /failed to validate against schema/i, name);
    }
    await virsh('undefine', domainSpec(0).uuid);
    await virsh('net-undefine', networkSpec().name);
  });

  test('domains, volumes and networks of others stay equal to the byte', async () => {
    const { hypervisor, virsh, define, file, lab } = host;
    const spec = domainSpec(1, { network: 'net-strange' });
    const network = networkSpec({ name: 'net-strange', cidr: '10.91.0.0/24' });
    const image = file('image', 2 ** 20);
    await hypervisor.uploadArtifact(image, () => undefined, signal());
    await define(
      ['define'],
      `<domain type='qemu'><name>${spec.name}</name><memory>65536</memory>
        <metadata><a:b xmlns:a='https://example.org/'/></metadata>
        <os><type>hvm</type></os></domain>`,
    );
    await define(
      ['net-define'],
      `<network><name>${network.name}</name><ip address='10.90.0.1' prefix='24'/></network>`,
    );
    await define(
      volumeCreate,
      `<volume><name>${spec.volume}</name><capacity>1048576</capacity>
        <target><format type='raw'/></target></volume>`,
    );
    const digest = async (): Promise<string> => {
      const path = (await virsh('vol-path', spec.volume, '--pool', 'default')).trim();
      const sum = await lab.exec(['sh', '-c', `sha256sum '${path}'; stat -c '%i %s %Y' '${path}'`]);
      return sum.stdout;
    };
    const state = async (): Promise<string[]> => [
      await virsh('dumpxml', spec.name),
      await virsh('net-dumpxml', network.name),
      await digest(),
      await virsh('list', '--all'),
      await virsh('net-list', '--all'),
    ];
    const was = await state();
    const { uuid: strangersUuid } =
      (await hypervisor.inventory(signal())).domains.find(({ name }) => name === spec.name) ?? {};
    assert.ok(strangersUuid);
    const overlay = { name: spec.volume, capacityBytes: 2 ** 24, backingVolume: image.volume };
    await fails('conflict', hypervisor.createVolume(overlay, signal()));
    await fails('conflict', hypervisor.defineDomain(spec, signal()));
    for (const change of ['start', 'resume', 'destroy', 'undefine'] as const) {
      const target = { uuid: strangersUuid, owner: spec.owner };
      await fails('conflict', hypervisor.changeDomain(change, target, signal()));
    }
    const message = await fails('conflict', hypervisor.createNetwork(network, signal()));
    assert.match(message.message, /net-strange/);
    const { networks } = await hypervisor.inventory(signal());
    const uuid = networks.find(({ name }) => name === network.name)?.uuid ?? '';
    const target = { name: network.name, uuid, owner: { installation } };
    await fails('conflict', hypervisor.removeNetwork(target, signal()));
    assert.deepEqual(await state(), was);
  });

  test('a mark stripped by hand makes the domain a stranger', async () => {
    const { hypervisor, virsh, file } = host;
    const spec = domainSpec(2);
    const image = file('image', 2 ** 20);
    await hypervisor.uploadArtifact(image, () => undefined, signal());
    const overlay = { name: spec.volume, capacityBytes: 2 ** 24, backingVolume: image.volume };
    await hypervisor.createVolume(overlay, signal());
    await hypervisor.defineDomain(spec, signal());
    const uri = 'https://benchcluster.io/xmlns/v1';
    await virsh('metadata', spec.name, uri, '--remove', '--config');
    const view = (await hypervisor.inventory(signal())).domains.find(
      ({ uuid }) => uuid === spec.uuid,
    );
    assert.equal(view?.owner, undefined);
    await fails('conflict', hypervisor.changeDomain('undefine', spec, signal()));
    await fails('conflict', hypervisor.defineDomain(spec, signal()));
  });

  test('odd things in the pool hide nothing else, and what may need an image keeps it', async () => {
    const { hypervisor, virsh, lab, file } = host;
    const pool = '/var/lib/libvirt/images';
    const image = file('odd', 5 * 2 ** 20);
    await hypervisor.uploadArtifact(image, () => undefined, signal());
    const make = `cd ${pool} && mkdir folder && : >'a b;$(id)' && : >removed.img && : >blind.img &&
      head -c 3000 /dev/urandom >noise.qcow2 && mkfifo pipe && ln -s nowhere link`;
    await lab.exec(['sh', '-c', make]);
    await virsh('pool-refresh', 'default');
    await lab.exec(['sh', '-c', `cd ${pool} && rm removed.img && rm blind.img && mkdir blind.img`]);
    const volumes = async (): Promise<string[]> =>
      (await hypervisor.inventory(signal())).pool.volumes.map(({ name }) => name);
    const seen = await volumes();
    for (const name of ['a b;$(id)', 'noise.qcow2', image.volume]) {
      assert.ok(seen.includes(name), name);
    }
    assert.ok(!seen.includes('removed.img'));
    await lab.exec(['sh', '-c', `cd ${pool} && rm -r blind.img`]);
    await virsh('pool-refresh', 'default');
    await hypervisor.deleteVolume(image.volume, undefined, signal());
    assert.ok(!(await volumes()).includes(image.volume));
  });

  test('a disk whose name is no UTF-8 is seen, and the image below it is kept', async () => {
    const { hypervisor, virsh, lab, file } = host;
    const image = file('latin', 3 * 2 ** 20);
    await hypervisor.uploadArtifact(image, () => undefined, signal());
    const base = `-b ${image.volume} -F qcow2`;
    const make = `cd /var/lib/libvirt/images && name="$(printf 'd\\377nn.qcow2')" &&`;
    await lab.exec(['sh', '-c', `${make} qemu-img create -q -f qcow2 ${base} "$name"`]);
    await virsh('pool-refresh', 'default');
    const { volumes } = (await hypervisor.inventory(signal())).pool;
    assert.ok(volumes.some(({ name }) => name === 'd\u{fffd}nn.qcow2'));
    const kept = hypervisor.deleteVolume(image.volume, undefined, signal());
    assert.match((await fails('conflict', kept)).message, /cannot be read; it may need/);
    await lab.exec(['sh', '-c', `${make} rm "$name"`]);
    await virsh('pool-refresh', 'default');
    await hypervisor.deleteVolume(image.volume, undefined, signal());
  });

  test('an image is kept for those who write its path in their own way', async () => {
    const { hypervisor, virsh, define, lab, file } = host;
    const image = file('ways', 7 * 2 ** 20);
    await hypervisor.uploadArtifact(image, () => undefined, signal());
    const remove = () => hypervisor.deleteVolume(image.volume, undefined, signal());
    const make = `qemu-img create -q -f qcow2 -b ./${image.volume} -F qcow2 over.qcow2`;
    await lab.exec(['sh', '-c', `cd /var/lib/libvirt/images && ${make}`]);
    await virsh('pool-refresh', 'default');
    assert.match((await fails('conflict', remove())).message, /base of volume over/);
    await virsh('vol-delete', 'over.qcow2', 'default');
    await define(
      ['define'],
      `<domain type='qemu'><name>ways</name><memory>65536</memory><os><type>hvm</type></os>
        <devices><disk type='file'><source file='/var/lib/libvirt//images/./${image.volume}'/>
        <target dev='vda'/><readonly/></disk></devices></domain>`,
    );
    assert.match((await fails('conflict', remove())).message, /used by domain ways/);
    await virsh('undefine', 'ways');
    await remove();
  });

  test('a pool that is missing or stopped is named with the command that mends it', async () => {
    const missing = host.another('nowhere');
    const absent = await fails('rejected', missing.inventory(signal()));
    assert.match(absent.message, /virsh pool-define-as nowhere dir --target/);
    await missing.close();
    await host.virsh('pool-destroy', 'default');
    const stopped = await fails('rejected', host.hypervisor.inventory(signal()));
    assert.match(stopped.message, /virsh pool-start default/);
    await host.virsh('pool-start', 'default');
    assert.equal((await host.hypervisor.inventory(signal())).pool.active, true);
  });
});
