/** What libvirt does with networks of ours, and refuses to do with those of others. */
import { type NetworkSpec, type OwnerMark, PortError } from '../controllers/ports.ts';
import { overlap, parseSubnet } from '../crd/subnet.ts';
import { subnetOf } from '../drivers/libvirt/network-xml.ts';
import type { SimDomain } from './domain.ts';
import type { SimNetwork } from './host.ts';

/** Defines and starts it; false: it was there, and is started now. */
export function addNetwork(networks: Map<string, SimNetwork>, spec: NetworkSpec): boolean {
  if (subnetOf(spec.cidr) === undefined) {
    throw new PortError('rejected', `Not an IPv4 subnet for guests: ${spec.cidr}`);
  }
  for (const network of networks.values()) {
    if (network.name !== spec.name && network.uuid !== spec.uuid) continue;
    const isOurs = network.owner?.installation === spec.owner.installation;
    if (!isOurs || network.uuid !== spec.uuid || network.name !== spec.name) {
      throw new PortError('conflict', `Network ${network.name} exists and is not ours`);
    }
    network.active = true;
    return false;
  }
  const subnet = parseSubnet(spec.cidr);
  for (const { name, prefix, cidr = `${prefix}.0/24` } of networks.values()) {
    const other = parseSubnet(cidr);
    if (subnet && other && overlap(subnet, other)) {
      throw new PortError('conflict', `Subnet ${spec.cidr} overlaps with network ${name}`);
    }
  }
  const { name, uuid, owner, cidr } = spec;
  const prefix = cidr.split('.').slice(0, 3).join('.');
  networks.set(name, { name, uuid, owner, cidr, prefix, active: true, leases: [] });
  return true;
}

/** Stops and undefines it; false: it was not there. */
export function takeNetwork(
  networks: Map<string, SimNetwork>,
  target: { uuid: string; owner: OwnerMark },
  domains: Iterable<SimDomain>,
): boolean {
  const network = [...networks.values()].find(({ uuid }) => uuid === target.uuid);
  if (network === undefined) return false;
  if (network.owner?.installation !== target.owner.installation) {
    throw new PortError('conflict', `Network ${network.name} is not ours`);
  }
  const user = [...domains].find((domain) => domain.network === network.name);
  if (user !== undefined) {
    throw new PortError('conflict', `Network ${network.name} is used by ${user.name}`);
  }
  networks.delete(network.name);
  return true;
}
