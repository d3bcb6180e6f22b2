/**
 * One throw-away guest on a private network of a libvirt, booted from an image to look at it.
 * Everything it makes has a name with a random part, is transient where libvirt allows it, and is
 * removed by `remove`, also when the boot failed half-way. It speaks to libvirt by virsh.
 */

import { randomBytes, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageError } from './image-error.ts';
import type { BuiltImage } from './manifest.ts';

/** Where virsh and ssh run: this machine, or the inside of a lab. */
export type TrialHost = {
  exec(
    argv: readonly string[],
    options?: { input?: string; timeoutMs?: number; check?: boolean; signal?: AbortSignal },
  ): Promise<{ status: number; stdout: string; stderr: string }>;
};

export type TrialOptions = {
  uri: string;
  pool: string;
  domainType: 'kvm' | 'qemu';
  memoryMiB: number;
  diskBytes: number;
  publicKey: string;
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
  const virsh: Virsh = async (argv, more = {}) => {
    const { signal } = options;
    const command = ['virsh', '-q', '-c', options.uri, ...argv];
    const result = await host.exec(command, {
      ...more,
      ...(signal === undefined ? {} : { signal }),
    });
    return result.stdout;
  };
  const undo: string[][] = [];
  const remove = async (): Promise<void> => {
    for (const argv of undo.reverse()) {
      // Not by the caller's signal: what was made is removed also when the check was cancelled.
      await host.exec(['virsh', '-q', '-c', options.uri, ...argv], { check: false });
    }
    undo.length = 0;
  };
  const create = (kind: string, xml: string): Promise<unknown> => {
    // virsh reads XML from a file only; a shell's pipe is one, wherever the host is.
    const script = 'cat | virsh -q -c "$0" "$1" /dev/stdin';
    return host.exec(['sh', '-c', script, options.uri, kind], { input: xml });
  };
  try {
    await createNetwork(name, create);
    undo.push(['net-destroy', name]);
    const files = await createVolumes(name, image, options, virsh, undo);
    await create('create', domainXml({ name, uuid, mac, files, image, options }));
    undo.push(['destroy', name]);
  } catch (error) {
    await remove();
    throw error;
  }
  const agent = async (command: object): Promise<unknown> => {
    const answer = await virsh(['qemu-agent-command', name, JSON.stringify(command)]);
    return JSON.parse(answer).return;
  };
  const lease: TrialGuest['lease'] = async () => {
    const line = await virsh(['net-dhcp-leases', name, '--mac', mac]);
    const match = /ipv4\s+([0-9.]+)\/\d+\s+\S+\s+(\S+)/.exec(line);
    const [, address, clientId] = match ?? [];
    if (address === undefined || clientId === undefined) return undefined;
    return { address, clientId };
  };
  return { name, uuid, mac, lease, agent, readFileByAgent: fileReader(agent), remove };
}

type Virsh = (
  argv: readonly string[],
  more?: { timeoutMs?: number; check?: boolean },
) => Promise<string>;

type GuestFiles = { base: string; kernel: string; initrd: string; disk: string };

/** Uploads the image and makes the guest's own disk over it; `undo` learns of each volume at once. */
async function createVolumes(
  name: string,
  image: BuiltImage,
  options: TrialOptions,
  virsh: Virsh,
  undo: string[][],
): Promise<GuestFiles> {
  const at = ['--pool', options.pool];
  const create = async (part: string, more: readonly string[]): Promise<string> => {
    await virsh(['vol-create-as', ...at, `${name}-${part}`, ...more]);
    undo.push(['vol-delete', ...at, `${name}-${part}`]);
    return (await virsh(['vol-path', ...at, `${name}-${part}`])).trim();
  };
  const upload = async (part: string, file: string): Promise<string> => {
    const path = await create(part, ['0', '--format', 'raw']);
    await virsh(['vol-upload', ...at, `${name}-${part}`, file], { timeoutMs: 300_000 });
    return path;
  };
  const base = await upload('base.qcow2', image.disk);
  const kernel = await upload('kernel', image.kernel);
  const initrd = await upload('initrd', image.initrd);
  await virsh(['pool-refresh', options.pool]);
  const backing = ['--backing-vol', base, '--backing-vol-format', 'qcow2'];
  const disk = await create('disk', [`${options.diskBytes}`, '--format', 'qcow2', ...backing]);
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
  create: (kind: string, xml: string) => Promise<unknown>,
): Promise<void> {
  let last: unknown;
  for (let attempt = 0; attempt < 8; attempt++) {
    const subnet = `10.${200 + ((randomBytes(1)[0] ?? 0) % 50)}.${randomBytes(1)[0] ?? 0}`;
    const range = `<range start='${subnet}.10' end='${subnet}.99'/>`;
    const ip = `<ip address='${subnet}.1' netmask='255.255.255.0'><dhcp>${range}</dhcp></ip>`;
    const space = `xmlns:dnsmasq='http://libvirt.org/schemas/network/dnsmasq/1.0'`;
    // dnsmasq would look for 3 s whether somebody has the address: here is nobody else.
    const noPing = `<dnsmasq:options><dnsmasq:option value='no-ping'/></dnsmasq:options>`;
    try {
      await create('net-create', `<network ${space}><name>${name}</name>${ip}${noPing}</network>`);
      return;
    } catch (error) {
      last = error;
      await sleep(50);
    }
  }
  throw new ImageError('COMMAND_FAILED', 'No network could be made for the check', {}, last);
}

function domainXml(it: {
  name: string;
  uuid: string;
  mac: string;
  files: GuestFiles;
  image: BuiltImage;
  options: TrialOptions;
}): string {
  const { files, options } = it;
  const key = Buffer.from(`${options.publicKey}\n`).toString('base64');
  const credential = `io.systemd.credential.binary:ssh.authorized_keys.root=${key}`;
  const cpu = options.domainType === 'kvm' ? 'host-passthrough' : 'maximum';
  const disk = (path: string, device: string, more: string): string =>
    `<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>` +
    `<source file='${escapeXml(path)}'/><target dev='${device}' bus='virtio'/>${more}</disk>`;
  return `<domain type='${options.domainType}'>
<name>${it.name}</name><uuid>${it.uuid}</uuid>
<memory unit='MiB'>${options.memoryMiB}</memory><vcpu>1</vcpu>
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
