/**
 * DomainSpec → libvirt domain XML. Pure; golden tests hold the text.
 * A benchmark node has what it needs and nothing else: virtio disk, network, random numbers and
 * the guest-agent channel, one serial console that is also kept in a log file.
 * Public keys travel as a systemd credential in an SMBIOS string; secrets never do, because any
 * user of libvirt may read this text.
 */
import type { DomainSpec } from '../../controllers/ports.ts';
import { ownerMetadata } from './owner-metadata.ts';
import type { XmlNode } from './xml.ts';
import { node, renderXml } from './xml.ts';

export const agentChannel = 'org.qemu.guest_agent.0';

/** Where the volumes that the domain refers to are; directories have one path per volume. */
export interface DomainFiles {
  disk: string;
  kernel?: string;
  initrd?: string;
  consoleLog: string;
}

/** The first libvirt that knows CPU mode `maximum`. */
const maximumSince = 7_001_000;

/** `libvirt` is the version of the host's daemon, in its own form: 7001000 is 7.1.0. */
export function renderDomain(
  spec: DomainSpec,
  files: DomainFiles,
  libvirt: number = maximumSince,
): string {
  return renderXml(
    node('domain', { type: spec.type }, [
      node('name', {}, spec.name),
      node('uuid', {}, spec.uuid),
      ownerMetadata(spec.owner),
      node('memory', { unit: 'b' }, spec.memoryBytes),
      node('vcpu', { placement: 'static' }, spec.cpus),
      node('sysinfo', { type: 'smbios' }, [
        node('oemStrings', {}, [node('entry', {}, accessCredential(spec.authorizedKeys))]),
      ]),
      operatingSystem(spec, files),
      node('features', {}, [node('acpi'), node('apic')]),
      spec.type === 'kvm'
        ? node('cpu', { mode: 'host-passthrough', check: 'none' })
        : emulatedCpu(libvirt),
      clock(),
      node('on_poweroff', {}, 'destroy'),
      node('on_reboot', {}, 'restart'),
      node('on_crash', {}, 'restart'),
      node('devices', {}, devices(spec, files)),
    ]),
  );
}

function accessCredential(keys: readonly string[]): string {
  const text = keys.map((key) => `${key.trim()}\n`).join('');
  const encoded = Buffer.from(text, 'utf8').toString('base64');
  return `io.systemd.credential.binary:ssh.authorized_keys.root=${encoded}`;
}

function operatingSystem(spec: DomainSpec, files: DomainFiles): XmlNode {
  const direct = spec.boot && [
    node('kernel', {}, files.kernel),
    files.initrd === undefined ? undefined : node('initrd', {}, files.initrd),
    node('cmdline', {}, spec.boot.cmdline),
  ];
  return node('os', {}, [
    node('type', { arch: 'x86_64', machine: 'q35' }, 'hvm'),
    ...(direct ?? [node('boot', { dev: 'hd' })]),
    node('smbios', { mode: 'sysinfo' }),
  ]);
}

/**
 * All that QEMU can emulate. Before there was a word for it: the oldest model that is x86-64-v2,
 * which today's distributions ask for; QEMU's own default is less.
 */
function emulatedCpu(libvirt: number): XmlNode {
  if (libvirt >= maximumSince) return node('cpu', { mode: 'maximum' });
  return node('cpu', { mode: 'custom', match: 'exact', check: 'none' }, [
    node('model', { fallback: 'forbid' }, 'Nehalem'),
  ]);
}

/** What virt-install writes too; with HPET the guest takes the slowest of its clocks. */
function clock(): XmlNode {
  return node('clock', { offset: 'utc' }, [
    node('timer', { name: 'rtc', tickpolicy: 'catchup' }),
    node('timer', { name: 'pit', tickpolicy: 'delay' }),
    node('timer', { name: 'hpet', present: 'no' }),
  ]);
}

function devices(spec: DomainSpec, files: DomainFiles): XmlNode[] {
  return [
    node('disk', { type: 'file', device: 'disk' }, [
      // The format is said, never probed: a guest can write any header into its own disk.
      node('driver', { name: 'qemu', type: 'qcow2', discard: 'unmap' }),
      node('source', { file: files.disk }),
      node('target', { dev: 'vda', bus: 'virtio' }),
      onRootBus(4),
    ]),
    node('interface', { type: 'network' }, [
      node('mac', { address: spec.mac }),
      node('source', { network: spec.network }),
      node('model', { type: 'virtio' }),
      node('rom', { enabled: 'no' }),
      onRootBus(5),
    ]),
    node('serial', { type: 'pty' }, [
      node('log', { file: files.consoleLog, append: 'on' }),
      node('target', { type: 'isa-serial', port: 0 }),
    ]),
    node('console', { type: 'pty' }, [node('target', { type: 'serial', port: 0 })]),
    node('controller', { type: 'virtio-serial', index: 0 }, [onRootBus(6)]),
    node('channel', { type: 'unix' }, [node('target', { type: 'virtio', name: agentChannel })]),
    node('controller', { type: 'usb', index: 0, model: 'none' }),
    node('memballoon', { model: 'none' }),
    node('rng', { model: 'virtio' }, [
      node('backend', { model: 'random' }, '/dev/urandom'),
      onRootBus(7),
    ]),
  ];
}

/** libvirt would give each device a PCIe port of its own, five bridges for a guest to look behind. */
function onRootBus(slot: number): XmlNode {
  return node('address', { type: 'pci', domain: 0, bus: 0, slot, function: 0 });
}
