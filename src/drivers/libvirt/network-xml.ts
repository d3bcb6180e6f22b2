/**
 * NetworkSpec → libvirt network XML. Pure; golden tests hold the text.
 * The first address of the subnet is the host's, all others are given out by DHCP.
 */
import type { NetworkSpec } from '../../controllers/ports.ts';
import { ownerMetadata } from './owner-metadata.ts';
import { node, renderXml } from './xml.ts';

const dnsmasqNamespace = 'http://libvirt.org/schemas/network/dnsmasq/1.0';

/** Undefined when the text is no IPv4 subnet that holds a host and at least one guest. */
export function subnetOf(
  cidr: string,
): { gateway: string; prefix: number; first: string; last: string } | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})\/(\d{1,2})$/.exec(cidr);
  if (match === null) return undefined;
  const [a = 256, b = 256, c = 256, d = 256, prefix = 33] = match.slice(1).map(Number);
  if ([a, b, c, d].some((octet) => octet > 255) || prefix < 8 || prefix > 29) return undefined;
  const size = 2 ** (32 - prefix);
  const address = a * 2 ** 24 + b * 2 ** 16 + c * 2 ** 8 + d;
  const base = address - (address % size);
  return {
    gateway: dotted(base + 1),
    prefix,
    first: dotted(base + 2),
    last: dotted(base + size - 2),
  };
}

function dotted(address: number): string {
  return [24, 16, 8, 0].map((shift) => Math.floor(address / 2 ** shift) % 256).join('.');
}

export function renderNetwork(spec: NetworkSpec): string {
  const subnet = subnetOf(spec.cidr);
  if (subnet === undefined) throw new RangeError(`Not an IPv4 subnet for guests: ${spec.cidr}`);
  return renderXml(
    node('network', { 'xmlns:dnsmasq': dnsmasqNamespace }, [
      node('name', {}, spec.name),
      node('uuid', {}, spec.uuid),
      ownerMetadata(spec.owner),
      spec.forward === 'nat' ? node('forward', { mode: 'nat' }) : undefined,
      node('bridge', { stp: 'on', delay: 0 }),
      node('ip', { address: subnet.gateway, prefix: subnet.prefix }, [
        node('dhcp', {}, [node('range', { start: subnet.first, end: subnet.last })]),
      ]),
      // dnsmasq would ping each new address for three seconds before it offers it. Nobody else
      // gives out addresses on a network of ours.
      node('dnsmasq:options', {}, [node('dnsmasq:option', { value: 'no-ping' })]),
    ]),
  );
}
