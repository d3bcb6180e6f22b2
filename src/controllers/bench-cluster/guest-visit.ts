/**
 * Whom a visit is for and what comes of it.
 */
import type { DomainView, GuestResult, HostInventory, Hypervisor } from '../ports.ts';
import { indexOf } from './inventory-index.ts';

export interface GuestDomain {
  hostName: string;
  hypervisor: Hypervisor;
  domain: DomainView;
  inventory: HostInventory;
  user: string;
}

export type Visit =
  | { kind: 'answered'; address: string; result: GuestResult; at: number }
  | {
      kind: 'unproven';
      address?: string;
      reason: string;
      message: string;
      at: number;
      slow?: true;
    };

/** Names one run of a domain. */
export function runOf(domain: DomainView): string {
  return `${domain.uuid}#${domain.id}`;
}

/** Its addresses by DHCP, newest lease first. */
export function leases({ domain, inventory }: GuestDomain): string[] {
  const known = domain.macs.flatMap((mac) => indexOf(inventory).leases.get(mac) ?? []);
  return known
    .filter(({ network }) => domain.networks.includes(network))
    .map(({ address }) => address);
}
