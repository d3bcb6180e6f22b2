/** IPv4 subnets as text: what a managed network may be, and how many nodes fit in it. Pure. */

const cidrPattern = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/;

export interface Subnet {
  /** The address as a number, with whatever host bits were written. */
  address: number;
  prefix: number;
}

export function parseSubnet(cidr: string): Subnet | undefined {
  const parts = cidrPattern.exec(cidr)?.slice(1).map(Number);
  if (parts === undefined) return undefined;
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = parts;
  if ([a, b, c, d].some((octet) => octet > 255) || prefix > 32) return undefined;
  return { address: ((a * 256 + b) * 256 + c) * 256 + d, prefix };
}

/** `192.168.150.0/24` for anything inside of it. */
export function networkOf({ address, prefix }: Subnet): string {
  const size = 2 ** (32 - prefix);
  const base = address - (address % size);
  const octets = [24, 16, 8, 0].map((shift) => Math.floor(base / 2 ** shift) % 256);
  return `${octets.join('.')}/${prefix}`;
}

/** They have an address in common. */
export function overlap(a: Subnet, b: Subnet): boolean {
  const prefix = Math.min(a.prefix, b.prefix);
  return networkOf({ ...a, prefix }) === networkOf({ ...b, prefix });
}

/** Addresses that nodes can have: all but the network, the broadcast and the host. */
export function nodeCapacity({ prefix }: Subnet): number {
  return Math.max(0, 2 ** (32 - prefix) - 3);
}

/** Why no network of ours may be there; undefined when it may. */
export function refusalOfSubnet(subnet: Subnet): string | undefined {
  const first = Math.floor(subnet.address / 2 ** 24);
  if (first === 0 || first === 127 || first >= 224) return 'is not a range for hosts';
  if (Math.floor(subnet.address / 2 ** 16) === 169 * 256 + 254) return 'is the link-local range';
  if (subnet.prefix < 12 || subnet.prefix > 29) return 'must have a prefix from /12 to /29';
  return undefined;
}
