/**
 * XML of volumes, pools, networks and capabilities, as libvirt prints it, → plain values. Pure.
 * Each reader takes only what is needed; what is not there, or not a number, is an XmlFault.
 */
import type { NetworkView, VolumeView } from '../../controllers/ports.ts';
import { parseSubnet, type Subnet } from '../../crd/subnet.ts';
import { readOwner } from './owner-metadata.ts';
import { bytesOf } from './sizes.ts';
import type { XmlElement } from './xml.ts';
import { childrenOf, find, parseRoot, textAt, XmlFault } from './xml.ts';

export interface VolumeConfig extends VolumeView {
  format: string;
  /** Size of the file; a qcow2 file's capacity is that of the disk inside. */
  fileBytes: number;
  /** Modification time as libvirt prints it: only good for noticing a change. */
  modified: string;
  /** libvirt lists it and cannot read it (a broken disk, a stranger's file): nothing else is known. */
  unreadable?: true;
}

/** So that the volume is not missing in a list, which would be worse. */
export function unreadableVolume(name: string, path: string): VolumeConfig {
  const unknown = { capacityBytes: 0, fileBytes: 0, format: 'unknown', modified: '' };
  return { name, path, ...unknown, unreadable: true };
}

export function readVolume(xml: string): VolumeConfig {
  const root = parseRoot(xml, 'volume');
  const backingPath = textAt(root, 'backingStore', 'path');
  return {
    name: required(root, 'name'),
    path: required(root, 'target', 'path'),
    capacityBytes: bytesAt(root, 'capacity'),
    ...(backingPath !== undefined && { backingPath }),
    format: find(root, 'target', 'format')?.attributes.get('type') ?? 'raw',
    fileBytes: bytesAt(root, find(root, 'physical') === undefined ? 'capacity' : 'physical'),
    modified: textAt(root, 'target', 'timestamps', 'mtime') ?? '',
  };
}

/** The directory of a pool. */
export function readPoolPath(xml: string): string {
  return required(parseRoot(xml, 'pool'), 'target', 'path').replace(/\/+$/, '');
}

export type NetworkConfig = Pick<NetworkView, 'name' | 'uuid' | 'owner'> & {
  /** Of IPv4. */
  subnets: Subnet[];
  /** The network interface that it has on the host. */
  bridge?: string;
};

export function readNetwork(xml: string): NetworkConfig {
  const root = parseRoot(xml, 'network');
  const owner = readOwner(root);
  const bridge = find(root, 'bridge')?.attributes.get('name');
  return {
    name: required(root, 'name'),
    uuid: required(root, 'uuid').toLowerCase(),
    ...(owner && { owner }),
    ...(bridge !== undefined && { bridge }),
    subnets: childrenOf(root, 'ip').flatMap((ip) => subnetOf(ip) ?? []),
  };
}

function subnetOf({ attributes }: XmlElement): Subnet | undefined {
  const address = attributes.get('address') ?? '';
  const netmask = parseSubnet(`${attributes.get('netmask')}/32`);
  const prefix = netmask ? Math.clz32(~netmask.address) : attributes.get('prefix');
  return parseSubnet(`${address}/${prefix ?? classPrefix(address)}`);
}

/** What libvirt takes for the prefix where none is written. */
function classPrefix(address: string): number {
  const first = Number(address.split('.')[0]);
  return first < 128 ? 8 : first < 192 ? 16 : 24;
}

/** Hypervisor types that run x86-64 full virtualisation here, best first. */
export function readDomainTypes(xml: string): ('kvm' | 'qemu')[] {
  const types = new Set<string | undefined>();
  for (const guest of childrenOf(parseRoot(xml, 'capabilities'), 'guest')) {
    const arch = find(guest, 'arch');
    if (textAt(guest, 'os_type') !== 'hvm' || arch?.attributes.get('name') !== 'x86_64') continue;
    for (const domain of childrenOf(arch, 'domain')) types.add(domain.attributes.get('type'));
  }
  return (['kvm', 'qemu'] as const).filter((type) => types.has(type));
}

function required(root: XmlElement, ...path: string[]): string {
  const text = textAt(root, ...path);
  if (text === undefined) throw new XmlFault(`<${root.name}> without <${path.join('/')}>`);
  return text;
}

function bytesAt(root: XmlElement, name: string): number {
  const element = find(root, name);
  const bytes = bytesOf(element?.text ?? '', element?.attributes.get('unit') ?? 'bytes');
  if (bytes === undefined) throw new XmlFault(`<${root.name}> without a size in <${name}>`);
  return bytes;
}
