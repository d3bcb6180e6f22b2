/** Judgement of a hypervisor's listing against what its clusters ask for. Pure. */
import type { HostInventory } from '../../controllers/ports.ts';
import { quote } from '../../lib/quote.ts';
import { printBytes } from '../view/bytes.ts';
import { type Check, fail, ok, warn } from './check.ts';
import type { HostProbe } from './probes.ts';

/** What our client speaks and our tests cover. */
const oldestLibvirt = [6, 0] as const;
const newestLibvirt = 11;

/** Below this a pool fills up while guests write. */
const spareBytes = 5 * 1024 ** 3;

export type HostFacts = Omit<HostProbe, 'inventory'>;

export function isLocal({ uri }: Pick<HostProbe, 'uri'>): boolean {
  return /^qemu(\+unix)?:\/\/\//.test(uri);
}

export function judgeUnreachable(host: HostFacts, why: string): Check {
  const mend = isLocal(host)
    ? 'sudo systemctl enable --now libvirtd.socket || sudo systemctl enable --now virtqemud.socket'
    : `virsh -c ${quote(host.uri)} version`;
  return fail(`host ${host.name}`, `${host.uri} does not answer: ${why}`, mend);
}

export function judgeHost(host: HostFacts, inventory: HostInventory): Check[] {
  const virsh = `virsh -c ${quote(host.uri)}`;
  return [
    judgeLibvirt(host, inventory.libvirtVersion),
    judgePool(host, inventory, virsh),
    judgeSpace(host, inventory),
    judgeDomainType(host, inventory),
    ...host.networks.map((name) => judgeNetwork(host, name, inventory, virsh)),
  ];
}

function judgeLibvirt(host: HostFacts, version: string): Check {
  const name = `host ${host.name}: libvirt`;
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [oldMajor, oldMinor] = oldestLibvirt;
  if (major < oldMajor || (major === oldMajor && minor < oldMinor)) {
    const mend = `upgrade libvirt on ${host.name} to ${oldestLibvirt.join('.')} or later`;
    return fail(name, `${version} is too old`, mend);
  }
  if (major > newestLibvirt) {
    const mend = 'nothing to do; please report what does not work';
    return warn(name, `${version} is newer than what was tested (${newestLibvirt})`, mend);
  }
  return ok(name, `${version} at ${host.uri}`);
}

function judgePool(host: HostFacts, { pool }: HostInventory, virsh: string): Check {
  const name = `host ${host.name}: pool`;
  if (pool.name !== host.pool || pool.path === '') {
    const define = `pool-define-as ${host.pool} dir --target /var/lib/libvirt/images`;
    const commands = [define, `pool-start ${host.pool}`, `pool-autostart ${host.pool}`];
    const mend = commands.map((command) => `${virsh} ${command}`).join(' && ');
    return fail(name, `no pool ${host.pool}`, mend);
  }
  return pool.active
    ? ok(name, `${pool.name} at ${pool.path}`)
    : fail(
        name,
        `${pool.name} is not active`,
        `${virsh} pool-start ${pool.name} && ${virsh} pool-autostart ${pool.name}`,
      );
}

function judgeSpace(host: HostFacts, { pool }: HostInventory): Check {
  const name = `host ${host.name}: space`;
  const free = `${printBytes(pool.availableBytes)} free`;
  if (!pool.active) return warn(name, 'unknown while the pool is not active', 'benchctl doctor');
  if (pool.availableBytes < spareBytes) return fail(name, free, 'benchctl image prune');
  // Overlays are thin, so less than the sum of all disks may well do.
  return pool.availableBytes < host.wantedBytes
    ? warn(name, `${free}, full disks need ${printBytes(host.wantedBytes)}`, 'benchctl image prune')
    : ok(name, free);
}

function judgeDomainType(host: HostFacts, { domainTypes }: HostInventory): Check {
  const name = `host ${host.name}: domains`;
  if (domainTypes.includes('kvm')) return ok(name, domainTypes.join(', '));
  if (domainTypes.length === 0) {
    return fail(
      name,
      'no hypervisor for this architecture',
      'sudo apt-get install -y qemu-system-x86',
    );
  }
  return warn(
    name,
    'qemu only: software emulation, ten times slower',
    'ls -l /dev/kvm; sudo modprobe -a kvm_intel kvm_amd',
  );
}

function judgeNetwork(
  host: HostFacts,
  wanted: string,
  { networks }: HostInventory,
  virsh: string,
): Check {
  const name = `host ${host.name}: network ${wanted}`;
  const network = networks.find((item) => item.name === wanted);
  if (network === undefined) {
    const mend = `${virsh} net-list --all; or set spec.network.managed to have it made`;
    return fail(name, 'missing', mend);
  }
  return network.active
    ? ok(name, 'active')
    : fail(name, 'not active', `${virsh} net-start ${wanted} && ${virsh} net-autostart ${wanted}`);
}
