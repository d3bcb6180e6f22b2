/** Reading what hosts say: strict, bounded, and a mark that is not exactly ours is no mark. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { networkOf } from '../../../src/crd/subnet.ts';
import { renderDomain } from '../../../src/drivers/libvirt/domain-xml.ts';
import { ownerNamespace } from '../../../src/drivers/libvirt/owner-metadata.ts';
import { readDomain } from '../../../src/drivers/libvirt/read-domain.ts';
import {
  readDomainTypes,
  readNetwork,
  readPoolPath,
  readVolume,
} from '../../../src/drivers/libvirt/read-host.ts';
import { parseXml, XmlFault } from '../../../src/drivers/libvirt/xml.ts';
import { domainSpec, installation, ownerOf } from './specs.ts';

function domainWith(metadata: string, devices = ''): string {
  return `<domain><name>d</name><uuid>A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11</uuid>
    ${metadata}<devices>${devices}</devices></domain>`;
}

const node = `clusterUid="u" namespace="n" cluster="c" pool="p" index="0" specHash="h" image="i"`;

function mark(inside: string, namespace = ownerNamespace): string {
  return `<metadata><bench:owner xmlns:bench="${namespace}" installation="x">${inside}</bench:owner></metadata>`;
}

test('malformed and hostile documents are refused', () => {
  const bomb = '<!DOCTYPE a [<!ENTITY b "bbbb"><!ENTITY c "&b;&b;">]><a>&c;</a>';
  const bad: Record<string, string> = {
    'mismatched tags': '<a><b></a></b>',
    entities: bomb,
    'unknown entity': '<a>&nbsp;</a>',
    'external entity': '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
    'unbound prefix': '<x:a/>',
    'two roots': '<a/><b/>',
    nothing: '',
    'control character': '<a>\u0001</a>',
    'duplicate attribute': '<a b="1" b="2"/>',
    depth: '<a>'.repeat(100) + '</a>'.repeat(100),
    elements: `<a>${'<b/>'.repeat(60_000)}</a>`,
    size: `<a>${'x'.repeat(5_000_000)}</a>`,
  };
  for (const [what, text] of Object.entries(bad))
    assert.throws(() => parseXml(text), XmlFault, what);
});

test('no text makes the parser throw anything else', () => {
  const whole = renderDomain(domainSpec(0), { disk: '/a', consoleLog: '/b' });
  const cut = fc.nat(whole.length).map((at) => whole.slice(0, at));
  const spliced = fc
    .tuple(fc.nat(whole.length), fc.string({ unit: 'binary', maxLength: 5 }))
    .map(([at, text]) => whole.slice(0, at) + text + whole.slice(at));
  const property = fc.property(fc.oneof(cut, spliced), (text) => {
    try {
      readDomain(text);
    } catch (error) {
      assert.ok(error instanceof XmlFault, String(error));
    }
  });
  fc.assert(property, { numRuns: 1000 });
});

test('the mark of a node', () => {
  const { owner, uuid } = readDomain(domainWith(mark(`<bench:node ${node}/>`)));
  assert.equal(owner?.installation, 'x');
  assert.equal(owner?.node?.index, 0);
  assert.equal(uuid, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11');
  const spec = domainSpec(7);
  const rendered = readDomain(renderDomain(spec, { disk: '/a', consoleLog: '/b' }));
  assert.deepEqual(rendered.owner, ownerOf('compute', 7));
});

test('sizes are told in bytes, and what makes no sense is left out', () => {
  const spec = domainSpec(7);
  const rendered = readDomain(renderDomain(spec, { disk: '/a', consoleLog: '/b' }));
  assert.deepEqual([rendered.cpus, rendered.memoryBytes], [spec.cpus, spec.memoryBytes]);
  const sized = (text: string) => {
    const { cpus, memoryBytes } = readDomain(domainWith(text));
    return [cpus, memoryBytes];
  };
  assert.deepEqual(sized('<memory unit="KiB">1024</memory><vcpu>2</vcpu>'), [2, 2 ** 20]);
  assert.deepEqual(sized('<memory>1024</memory>'), [undefined, 2 ** 20]);
  assert.deepEqual(sized('<memory unit="x">1</memory><vcpu>-1</vcpu>'), [undefined, undefined]);
  assert.deepEqual(sized('<memory>1e99</memory><vcpu>x</vcpu>'), [undefined, undefined]);
});

test('a mark that is not exactly ours is no mark', () => {
  const good = `<bench:node ${node}/>`;
  const foreign: Record<string, string> = {
    none: '',
    'another namespace': mark(good, 'https://example.org/v1'),
    'no namespace': `<metadata><owner installation="x"/></metadata>`,
    twice: mark(good).replace('</metadata>', '') + mark(good).replace('<metadata>', ''),
    'two nodes': mark(good + good),
    'two metadata': mark(good) + mark(good),
    'an empty value': mark(good.replace('pool="p"', 'pool=""')),
    'a missing value': mark(good.replace('pool="p"', '')),
    'an index that is no number': mark(good.replace('index="0"', 'index="1e3"')),
    children: mark(`<bench:node ${node}><x/></bench:node>`),
    deeper: `<description>${mark(good)}</description>`,
    'a forged node outside': mark(`<node ${node}/>`),
  };
  for (const [what, metadata] of Object.entries(foreign)) {
    assert.equal(readDomain(domainWith(metadata)).owner, undefined, what);
  }
});

test('a text tells which run it is of', () => {
  const text = domainWith('');
  assert.equal(readDomain(text).id, undefined);
  assert.equal(readDomain(text.replace(/<domain/, "<domain id='7'")).id, 7);
});

test('a network that shares no node has a mark without one', () => {
  const xml = `<network><name>n</name><uuid>U</uuid>${mark('')}</network>`;
  assert.deepEqual(readNetwork(xml).owner, { installation: 'x' });
});

test('subnets of a network, however libvirt writes them', () => {
  const subnetsOf = (ip: string) =>
    readNetwork(`<network><name>n</name><uuid>U</uuid>${ip}</network>`).subnets.map(networkOf);
  assert.deepEqual(subnetsOf("<ip address='10.1.2.1' netmask='255.255.252.0'/>"), ['10.1.0.0/22']);
  assert.deepEqual(subnetsOf("<ip family='ipv4' address='10.1.2.1' prefix='24'/>"), [
    '10.1.2.0/24',
  ]);
  const classes = ['10.1.2.3', '172.16.2.3', '192.168.2.3'].map((at) => `<ip address='${at}'/>`);
  const bare = ['10.0.0.0/8', '172.16.0.0/16', '192.168.2.0/24'];
  assert.deepEqual(subnetsOf(classes.join('')), bare);
  assert.deepEqual(subnetsOf("<ip family='ipv6' address='fd00::1' prefix='64'/>"), []);
});

test('every file that a domain names is found', () => {
  const devices = `
    <disk type='file' device='disk'><source file='/p/top.qcow2'/>
      <backingStore type='file'><format type='qcow2'/><source file='/p/mid.qcow2'/>
        <backingStore type='file'><source file='/p/base.qcow2'/><backingStore/></backingStore>
      </backingStore><mirror><source file='/p/mirror.raw'/></mirror></disk>
    <disk type='block'><source dev='/dev/sdb'/></disk>
    <disk type='volume'><source pool='default' volume='v.qcow2'/></disk>
    <serial type='pty'><log file='/p/log'/></serial>
    <interface type='network'><mac address='52:54:00:AA:BB:CC'/><source network='n1'/></interface>
    <interface type='bridge'><mac address='52:54:00:aa:bb:dd'/><source bridge='br0'/></interface>
    <channel type='unix'><source mode='bind' path='/run/x'/>
      <target type='virtio' name='org.qemu.guest_agent.0' state='connected'/></channel>`;
  const os = '<os><kernel>/p/k</kernel><initrd>/p/i</initrd><nvram>/n</nvram></os>';
  const domain = readDomain(domainWith(os, devices));
  assert.deepEqual(domain.files.toSorted(), [
    '/dev/sdb',
    '/n',
    '/p/base.qcow2',
    '/p/i',
    '/p/k',
    '/p/log',
    '/p/mid.qcow2',
    '/p/mirror.raw',
    '/p/top.qcow2',
  ]);
  assert.deepEqual(domain.volumes, [{ pool: 'default', volume: 'v.qcow2' }]);
  assert.deepEqual(domain.macs, ['52:54:00:aa:bb:cc', '52:54:00:aa:bb:dd']);
  assert.deepEqual(domain.networks, ['n1']);
  assert.equal(domain.agentConnected, true);
});

test('volumes, pools and capabilities', () => {
  const volume = readVolume(`<volume type='file'><name>a</name>
    <capacity unit='KiB'>2</capacity><physical unit='bytes'>77</physical>
    <target><path>/p/a</path><format type='qcow2'/><timestamps><mtime>1.5</mtime></timestamps></target>
    <backingStore><path>/p/b</path></backingStore></volume>`);
  assert.deepEqual(volume, {
    ...{ name: 'a', path: '/p/a', capacityBytes: 2048, backingPath: '/p/b' },
    ...{ format: 'qcow2', fileBytes: 77, modified: '1.5' },
  });
  assert.throws(() => readVolume('<volume><name>a</name></volume>'), XmlFault);
  assert.equal(readPoolPath('<pool><target><path>/p/</path></target></pool>'), '/p');
  const guest = (arch: string, types: string): string =>
    `<guest><os_type>hvm</os_type><arch name='${arch}'>${types}</arch></guest>`;
  const both = `<domain type='qemu'/><domain type='kvm'/>`;
  const capabilities = (text: string): string => `<capabilities>${text}</capabilities>`;
  assert.deepEqual(readDomainTypes(capabilities(guest('x86_64', both))), ['kvm', 'qemu']);
  assert.deepEqual(readDomainTypes(capabilities(guest('aarch64', both))), []);
  assert.equal(installation.length, 36);
});
