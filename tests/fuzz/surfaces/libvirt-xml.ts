/** XML that a host prints: names and descriptions in it are written by strangers. */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import type { OwnerMark } from '../../../src/controllers/ports.ts';
import { ownerMetadata, ownerNamespace } from '../../../src/drivers/libvirt/owner-metadata.ts';
import { readDomain } from '../../../src/drivers/libvirt/read-domain.ts';
import {
  readDomainTypes,
  readNetwork,
  readPoolPath,
  readVolume,
} from '../../../src/drivers/libvirt/read-host.ts';
import { node, parseXml, renderXml, XmlFault } from '../../../src/drivers/libvirt/xml.ts';
import { bytesOf, type Surface, textOf, valueOr } from '../surface.ts';

const golden = new URL('../../drivers/libvirt/golden/', import.meta.url);

const texts = [
  `<capabilities><host/><guest><os_type>hvm</os_type><arch name="x86_64"><domain type="qemu"/>
<domain type="kvm"/></arch></guest></capabilities>`,
  '<pool type="dir"><name>p</name><target><path>/var/lib/libvirt/images/</path></target></pool>',
  `<volume type="file"><name>a.qcow2</name><key>/p/a</key><capacity unit="bytes">4096</capacity>
<allocation unit="bytes">0</allocation><physical unit="KiB">4</physical><target><path>/p/a</path>
<format type="qcow2"/><timestamps><mtime>1.2</mtime></timestamps></target>
<backingStore><path>/p/b</path></backingStore></volume>`,
  `<domain type="kvm" id="3"><name>theirs</name><uuid>A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11</uuid>
<memory unit="GiB">1</memory><vcpu current="1">2</vcpu><os><loader>/l</loader><nvram>/n</nvram></os>
<devices><disk><source file="/a"/><backingStore><source file="/b"/></backingStore></disk>
<disk><source pool="p" volume="v"/></disk><interface type="network"><mac address="52:54:00:AA"/>
<source network="n"/></interface><channel><target name="org.qemu.guest_agent.0"
state="connected"/></channel><hostdev/></devices></domain>`,
];

const roots: Record<string, (xml: string) => unknown> = {
  domain: readDomain,
  volume: readVolume,
  pool: readPoolPath,
  network: readNetwork,
  capabilities: readDomainTypes,
};

const isFault = (error: unknown) => error instanceof XmlFault;

export const libvirtXml: Surface = {
  name: 'libvirt-xml',
  property: 'a value of sane numbers or an XmlFault; a mark only where exactly ours is written',
  covers: ['drivers/libvirt/'],
  tokens: [
    ...['<', '>', '/>', '</', '="', "'", '&amp;', '&#104;', '&#x0;', '&b;', '<![CDATA[', ']]>'],
    ...['<!--', '-->', '<?xml version="1.0"?>', '<!DOCTYPE a [<!ENTITY b "bb">]>', 'xmlns:bench='],
    ...[
      'xmlns=""',
      `"${ownerNamespace}"`,
      'bench:owner',
      'bench:node',
      '<metadata>',
      '</metadata>',
    ],
    ...['installation="x"', 'index="1e3"', 'unit="constructor"', 'unit="TiB"', 'unit="KiB"', '<a>'],
    ...['<name>', '</name>', '<uuid>', '__proto__', '9999999999999999', '\ufffe', ' id="-1"'],
    ...['clusterUid', 'namespace', 'cluster', 'pool', 'index', 'specHash', 'image'],
  ],
  maxBytes: 4 * 1024,
  limitMs: 50,
  seeds: () => [
    ...texts.map(bytesOf),
    ...readdirSync(golden).map((name) => readFileSync(new URL(name, golden))),
  ],
  check(bytes) {
    const text = textOf(bytes);
    const name = /<([a-z]+)/.exec(text)?.[1] ?? '';
    const read = Object.hasOwn(roots, name) ? roots[name] : undefined;
    if (read === undefined) return void valueOr(() => parseXml(text), isFault);
    const value = valueOr(() => read(text), isFault);
    if (typeof value !== 'object' || value === null) return;
    for (const [key, item] of Object.entries(value)) {
      if (typeof item === 'number') assert(Number.isSafeInteger(item) && item >= 0, key);
      if (key === 'name' || key === 'uuid' || key === 'path') assert(item !== '', key);
    }
    if ('owner' in value) checkMark(text, value.owner as OwnerMark);
  },
};

/** Whatever reads as a mark is written again as the same mark, and its words stand in the text. */
function checkMark(text: string, owner: OwnerMark): void {
  const xml = valueOr(() => renderXml(node('network', {}, [ownerMetadata(owner)])), isFault);
  if (xml !== undefined) {
    const named = xml.replace('<metadata', '<name>n</name><uuid>u</uuid><metadata');
    assert.deepEqual(readNetwork(named).owner, owner);
  }
  // Where nothing is escaped, what was read is what is written.
  if (/[&\r\n\t]|<!/.test(text)) return;
  for (const word of [ownerNamespace, owner.installation, ...Object.values(owner.node ?? {})]) {
    assert(text.includes(String(word)), `the mark says ${word}, which is not written there`);
  }
  assert(/owner[\s>/]/.test(text), 'a mark without an element of its name');
}
