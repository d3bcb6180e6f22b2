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

/** Its addresses by DHCP, newest lease first. */
export function leases({ domain, inventory }: GuestDomain): string[] {
  const byMac = indexOf(inventory).leases;
  const addresses: string[] = [];
  for (const mac of domain.macs) {
    for (const { network, address } of byMac.get(mac) ?? []) {
      if (domain.networks.includes(network)) addresses.push(address);
    }
  }
  return addresses;
}
