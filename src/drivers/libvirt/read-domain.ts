/**
 * Domain XML as libvirt prints it → what we need to know of it. Pure.
 * Files are collected from everywhere a domain can name one, because a file that any domain uses
 * is never removed; too many names is safe, one too few is not.
 */
import type { OwnerMark } from '../../controllers/ports.ts';
import { agentChannel } from './domain-xml.ts';
import { readOwner } from './owner-metadata.ts';
import { bytesOf } from './sizes.ts';
import type { XmlElement } from './xml.ts';
import { childrenOf, descendants, find, parseRoot, textAt, XmlFault } from './xml.ts';

export interface DomainConfig {
  name: string;
  uuid: string;
  /** Of its run, in the text of one that runs. */
  id?: number;
  owner?: OwnerMark;
  macs: string[];
  networks: string[];
  files: string[];
  /** Disks given as a volume of a pool instead of a path. */
  volumes: { pool: string; volume: string }[];
  cpus?: number;
  memoryBytes?: number;
  agentConnected: boolean;
}

export function readDomain(xml: string): DomainConfig {
  const root = parseRoot(xml, 'domain');
  const name = textAt(root, 'name');
  const uuid = textAt(root, 'uuid');
  if (name === undefined || uuid === undefined) throw new XmlFault('Domain without name or UUID');
  const owner = readOwner(root);
  const devices = find(root, 'devices');
  const interfaces = devices === undefined ? [] : childrenOf(devices, 'interface');
  return {
    name,
    uuid: uuid.toLowerCase(),
    ...readRun(root),
    ...(owner && { owner }),
    macs: defined(interfaces.map((item) => attributeAt(item, 'mac', 'address')?.toLowerCase())),
    networks: unique(defined(interfaces.map((item) => attributeAt(item, 'source', 'network')))),
    files: readFiles(root, devices),
    volumes: readVolumes(devices),
    ...readSizes(root),
    agentConnected:
      devices !== undefined && childrenOf(devices, 'channel').some((item) => isOpenAgent(item)),
  };
}

function readRun({ attributes }: XmlElement): Pick<DomainConfig, 'id'> {
  const id = Number(attributes.get('id') ?? '-1');
  return Number.isSafeInteger(id) && id >= 0 ? { id } : {};
}

/** What cannot be read is left out: it is of no consequence for whose the domain is. */
function readSizes(root: XmlElement): Pick<DomainConfig, 'cpus' | 'memoryBytes'> {
  const cpus = Number(textAt(root, 'vcpu'));
  const unit = attributeAt(root, 'memory', 'unit') ?? 'KiB';
  const bytes = bytesOf(textAt(root, 'memory') ?? '', unit) ?? 0;
  return {
    ...(Number.isSafeInteger(cpus) && cpus > 0 && { cpus }),
    ...(bytes > 0 && { memoryBytes: bytes }),
  };
}

function isOpenAgent(channel: XmlElement): boolean {
  const target = find(channel, 'target');
  return (
    target?.attributes.get('name') === agentChannel &&
    target.attributes.get('state') === 'connected'
  );
}

function readFiles(root: XmlElement, devices: XmlElement | undefined): string[] {
  const boot = ['kernel', 'initrd', 'loader', 'nvram', 'dtb'].map((name) =>
    textAt(root, 'os', name),
  );
  const sources: (string | undefined)[] = [];
  for (const element of devices === undefined ? [] : descendants(devices)) {
    // <source file= dev= dir=>, also inside of <backingStore> and <mirror>, and <log file=>.
    for (const key of ['file', 'dev', 'dir']) {
      const value = element.attributes.get(key);
      if (value?.startsWith('/')) sources.push(value);
    }
  }
  return unique(defined([...boot, ...sources]));
}

function readVolumes(devices: XmlElement | undefined): DomainConfig['volumes'] {
  return [...(devices === undefined ? [] : descendants(devices))].flatMap((element) => {
    const pool = element.attributes.get('pool');
    const volume = element.attributes.get('volume');
    return element.name === 'source' && pool && volume ? [{ pool, volume }] : [];
  });
}

function attributeAt(element: XmlElement, child: string, key: string): string | undefined {
  return find(element, child)?.attributes.get(key);
}

function defined<T>(values: readonly (T | undefined)[]): T[] {
  return values.filter((value) => value !== undefined);
}

function unique(values: readonly string[]): string[] {
  return [...new Set(values)];
}
