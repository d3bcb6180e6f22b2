/**
 * The text of what we hand to libvirt, held by golden files. A wanted change is written with
 * UPDATE_GOLDEN=1 and reviewed; that libvirt accepts each text is proven by the contract tests.
 */
import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseSubnet } from '../../../src/crd/subnet.ts';
import { renderDomain } from '../../../src/drivers/libvirt/domain-xml.ts';
import { renderNetwork, subnetOf } from '../../../src/drivers/libvirt/network-xml.ts';
import { isSameOwner } from '../../../src/drivers/libvirt/owner-metadata.ts';
import { readDomain } from '../../../src/drivers/libvirt/read-domain.ts';
import { readNetwork } from '../../../src/drivers/libvirt/read-host.ts';
import { renderOverlay, renderRawVolume } from '../../../src/drivers/libvirt/volume-xml.ts';
import { parseXml, XmlFault } from '../../../src/drivers/libvirt/xml.ts';
import { domainSpec, networkSpec, ownerOf } from './specs.ts';

const files = {
  disk: '/pool/slurm-a-compute-0.qcow2',
  consoleLog: '/pool/slurm-a-compute-0.console.log',
};
const bootFiles = { ...files, kernel: '/pool/debian.vmlinuz', initrd: '/pool/debian.initrd' };
const boot = {
  kernel: 'debian.vmlinuz',
  initrd: 'debian.initrd',
  cmdline: 'console=ttyS0 root=/dev/vda rw net.ifnames=0 a="<&>"',
};

function isGolden(name: string, text: string): void {
  const file = new URL(`golden/${name}`, import.meta.url);
  if (process.env.UPDATE_GOLDEN === '1') writeFileSync(file, `${text}\n`);
  assert.equal(`${text}\n`, readFileSync(file, 'utf8'));
}

test('a domain in software emulation', () => {
  isGolden('domain-qemu.xml', renderDomain(domainSpec(0), files));
  isGolden('domain-qemu-kernel.xml', renderDomain(domainSpec(0, { boot }), bootFiles));
});

test('a domain in software emulation on a libvirt that has no CPU mode maximum', () => {
  const [older, newer] = [7_000_000, 7_001_000].map((it) => renderDomain(domainSpec(0), files, it));
  isGolden('domain-qemu-7.0.xml', older ?? '');
  assert.equal(newer, renderDomain(domainSpec(0), files));
});

test('a KVM domain', () => {
  isGolden('domain-kvm.xml', renderDomain(domainSpec(1, { type: 'kvm', cpus: 4 }), files));
});

test('networks', () => {
  isGolden('network-isolated.xml', renderNetwork(networkSpec()));
  const nat = networkSpec({ forward: 'nat', cidr: '10.9.8.7/22' });
  isGolden('network-nat.xml', renderNetwork(nat));
});

test('volumes', () => {
  const overlay = { name: 'a.qcow2', capacityBytes: 8 * 2 ** 30, backingPath: '/pool/b.qcow2' };
  isGolden('volume-overlay.xml', renderOverlay(overlay));
  isGolden('volume-raw.xml', renderRawVolume({ name: 'b.qcow2.part', bytes: 123_456_789 }));
});

test('what is rendered reads back equal, whatever the names hold', () => {
  const text = fc.string({ unit: 'binary', minLength: 1, maxLength: 40 });
  const property = fc.property(text, text, text, (name, cmdline, cluster) => {
    const owner = ownerOf('compute', 3);
    if (owner.node) owner.node.cluster = cluster;
    const spec = domainSpec(3, { name, owner, boot: { ...boot, cmdline } });
    let xml: string;
    try {
      xml = renderDomain(spec, bootFiles);
    } catch (error) {
      // XML cannot say this at all; then it is refused and never sent.
      return error instanceof XmlFault;
    }
    const domain = readDomain(xml.replace(/<name>[^<]*<\/name>/, '<name>n</name>'));
    assert.deepEqual(domain.files, [
      bootFiles.kernel,
      bootFiles.initrd,
      files.disk,
      files.consoleLog,
    ]);
    assert.deepEqual(domain.macs, [spec.mac]);
    return isSameOwner(domain.owner, owner) && domain.owner?.node?.specHash === 'c0ffee00c0ffee00';
  });
  fc.assert(property, { numRuns: 500 });
});

test('a network reads back with its owner', () => {
  const spec = networkSpec();
  const { name, uuid, owner } = spec;
  const subnets = [parseSubnet('192.168.150.1/24')];
  assert.deepEqual(readNetwork(renderNetwork(spec)), { name, uuid, owner, subnets });
});

test('the credential holds the keys, one a line', () => {
  const xml = renderDomain(domainSpec(0), files);
  const encoded = /ssh\.authorized_keys\.root=([A-Za-z0-9+/=]+)/.exec(xml)?.[1] ?? '';
  const keys = Buffer.from(encoded, 'base64').toString('utf8');
  assert.equal(keys, `${domainSpec(0).authorizedKeys.join('\n')}\n`);
});

test('subnets', () => {
  const size24 = { gateway: '192.168.150.1', prefix: 24, first: '192.168.150.2' };
  assert.deepEqual(subnetOf('192.168.150.0/24'), { ...size24, last: '192.168.150.254' });
  const small = { gateway: '10.0.0.9', prefix: 29, first: '10.0.0.10', last: '10.0.0.14' };
  assert.deepEqual(subnetOf('10.0.0.8/29'), small);
  for (const bad of ['10.0.0.0/30', '10.0.0.0', '10.0.0.256/24', '::/64', '10.0.0.0/7', 'x']) {
    assert.equal(subnetOf(bad), undefined, bad);
  }
  assert.throws(() => renderNetwork(networkSpec({ cidr: 'x' })), RangeError);
});

test('rendered text has no document type and parses strictly', () => {
  assert.equal(parseXml(renderDomain(domainSpec(0), files)).name, 'domain');
});
