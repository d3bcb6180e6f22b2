/**
 * One throw-away guest on a private network of a hypervisor, booted from an image to look at it.
 * Everything it makes has a name with a random part, is transient where libvirt allows it, and is
 * removed by `remove`, also when the boot failed half-way.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageError } from './image-error.ts';
import type { BuiltImage } from './manifest.ts';
import type { TrialHost } from './trial-host.ts';

export type TrialOptions = {
  memoryMiB: number;
  diskBytes: number;
  signal?: AbortSignal | undefined;
};

export type TrialGuest = {
  name: string;
  uuid: string;
  mac: string;
  /** Address and client id of the guest's lease, once there is one. */
  lease(): Promise<{ address: string; clientId: string } | undefined>;
  agent(command: object): Promise<unknown>;
  readFileByAgent(path: string): Promise<string>;
  /** Throws when something could not be removed, and names it. */
  remove(): Promise<void>;
};

export async function bootTrialGuest(
  host: TrialHost,
  image: BuiltImage,
  options: TrialOptions,
): Promise<TrialGuest> {
  const name = `image-verify-${randomBytes(4).toString('hex')}`;
  const uuid = randomUUID();
  const mac = `52:54:00:${randomBytes(3)
    .toString('hex')
    .replace(/(..)(..)(..)/, '$1:$2:$3')}`;
  const { signal } = options;
  const undo = new Undo();
  try {
    undo.add(`network ${name}`, () => host.removeNetwork(name));
    await createNetwork(name, host, signal);
    const files = await createVolumes(name, image, host, options, undo);
    const type = await host.domainType(signal);
    const { memoryMiB } = options;
    const { publicKey } = host;
    undo.add(`domain ${name}`, () => host.removeDomain(uuid));
    await host.createDomain(
      domainXml({ name, uuid, mac, files, image, type, memoryMiB, publicKey }),
      signal,
    );
  } catch (error) {
    await undo.run().catch(() => {});
    throw error;
  }
  const agent = (command: object): Promise<unknown> => host.agent(uuid, command, signal);
  return {
    name,
    uuid,
    mac,
    lease: () => host.lease(name, mac, signal),
    agent,
    readFileByAgent: fileReader(agent),
    remove: () => undo.run(),
  };
}

/** Removals, each noted before its object is made: an answer that is lost may mean it was. */
class Undo {
  readonly #steps: { what: string; remove: () => Promise<void> }[] = [];

  add(what: string, remove: () => Promise<void>): void {
    this.#steps.unshift({ what, remove });
  }

  async run(): Promise<void> {
    const left: string[] = [];
    let last: unknown;
    for (const { what, remove } of this.#steps) {
      try {
        await remove();
      } catch (error) {
        left.push(what);
        last = error;
      }
    }
    if (left.length === 0) return;
    const message = `Left on the host, please remove: ${left.join(', ')}`;
    throw new ImageError('NOT_REMOVED', message, { left }, last);
  }
}

type GuestFiles = { base: string; kernel: string; initrd: string; disk: string };

/** Uploads the image and makes the guest's own disk over it. */
async function createVolumes(
  name: string,
  image: BuiltImage,
  host: TrialHost,
  { diskBytes, signal }: TrialOptions,
  undo: Undo,
): Promise<GuestFiles> {
  const volume = (part: string): string => {
    const whole = `${name}-${part}`;
    undo.add(`volume ${whole}`, () => host.removeVolume(whole));
    return whole;
  };
  const base = await host.upload(volume('base.qcow2'), image.disk, signal);
  const kernel = await host.upload(volume('kernel'), image.kernel, signal);
  const initrd = await host.upload(volume('initrd'), image.initrd, signal);
  const overlay = { bytes: diskBytes, backingPath: base };
  const disk = await host.createDisk(volume('disk'), overlay, signal);
  return { base, kernel, initrd, disk };
}

function fileReader(agent: TrialGuest['agent']): TrialGuest['readFileByAgent'] {
  return async (path) => {
    const handle = await agent({ execute: 'guest-file-open', arguments: { path, mode: 'r' } });
    const answer = await agent({ execute: 'guest-file-read', arguments: { handle, count: 65536 } });
    await agent({ execute: 'guest-file-close', arguments: { handle } });
    if (typeof answer !== 'object' || answer === null || !('buf-b64' in answer)) return '';
    return Buffer.from(`${answer['buf-b64']}`, 'base64').toString('utf8');
  };
}

/** An isolated network on the first subnet that nothing on the host uses. */
async function createNetwork(
  name: string,
  host: TrialHost,
  signal: AbortSignal | undefined,
): Promise<void> {
  let last: unknown;
  for (let attempt = 0; attempt < 8; attempt++) {
    signal?.throwIfAborted();
    const subnet = `10.${200 + ((randomBytes(1)[0] ?? 0) % 50)}.${randomBytes(1)[0] ?? 0}`;
    const range = `<range start='${subnet}.10' end='${subnet}.99'/>`;
    const ip = `<ip address='${subnet}.1' netmask='255.255.255.0'><dhcp>${range}</dhcp></ip>`;
    const space = `xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'`;
    // dnsmasq would look for 3 s whether somebody has the address: here is nobody else.
    const noPing = `<dnsmasq:options><dnsmasq:option value='no-ping'/></dnsmasq:options>`;
    try {
      const xml = `<network ${space}><name>${name}</name>${ip}${noPing}</network>`;
      await host.createNetwork(xml, signal);
      return;
    } catch (error) {
      last = error;
      await sleep(50);
    }
  }
  const why = last instanceof Error ? last.message : `${last}`;
  throw new ImageError('COMMAND_FAILED', `No network could be made: ${why}`, {}, last);
}

function domainXml(it: {
  name: string;
  uuid: string;
  mac: string;
  files: GuestFiles;
  image: BuiltImage;
  type: 'kvm' | 'qemu';
  memoryMiB: number;
  publicKey: string;
}): string {
  const { files } = it;
  const key = Buffer.from(`${it.publicKey}\n`).toString('base64');
  const credential = `io.systemd.credential.binary:ssh.authorized_keys.root=${key}`;
  const cpu = it.type === 'kvm' ? 'host-passthrough' : 'maximum';
  const disk = (path: string, device: string, more: string): string =>
    `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>` +
    `<source file='${escapeXml(path)}'/><target dev='${device}' bus='virtio'/>${more}</disk>`;
  return `<domain type='${it.type}'>
<name>${it.name}</name><uuid>${it.uuid}</uuid>
<memory unit='MiB'>${it.memoryMiB}</memory><vcpu>1</vcpu>
<sysinfo type='smbios'><oemStrings><entry>${credential}</entry></oemStrings></sysinfo>
<os><type arch='x86_64' machine='pc'>hvm</type><kernel>${escapeXml(files.kernel)}</kernel>
<initrd>${escapeXml(files.initrd)}</initrd>
<cmdline>${escapeXml(it.image.manifest.cmdline)}</cmdline><smbios mode='sysinfo'/></os>
<features><acpi/><apic/></features><cpu mode='${cpu}'/>
<on_poweroff>destroy</on_poweroff><on_reboot>restart</on_reboot><on_crash>destroy</on_crash>
<devices>
${disk(files.disk, 'vda', '')}
${disk(files.base, 'vdb', '<readonly/>')}
<interface type='network'><source network='${it.name}'/><mac address='${it.mac}'/>
<model type='virtio'/><rom enabled='no'/></interface>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<controller type='usb' model='none'/><memballoon model='none'/>
</devices></domain>`;
}

function escapeXml(text: string): string {
  const names: Record<string, string> = {
    '&': 'amp',
    '<': 'lt',
    '>': 'gt',
    "'": 'apos',
    '"': 'quot',
  };
  return text.replace(/[&<>'"]/g, (character) => `&${names[character]};`);
}
