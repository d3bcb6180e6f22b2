/** A domain of the fake hypervisor: what libvirt has of it, and what its guest does. */
import type { DomainView } from '../controllers/ports.ts';

type Listed = 'name' | 'uuid' | 'state' | 'reason' | 'persistent' | 'id' | 'owner';

export interface SimDomain extends Pick<DomainView, Listed | 'agentConnected'> {
  /** Another one with each start, and never given again; 0 when off. */
  run: number;
  mac: string;
  network: string;
  cpus: number;
  memoryBytes: number;
  /** That its credential lets in. */
  authorizedKeys: readonly string[];
  files: readonly string[];
  startedAt: number;
  leased: boolean;
  /** Nothing in it answers, until it is started anew. */
  hung: boolean;
}

export function newDomain(
  domain: Pick<SimDomain, 'name' | 'uuid' | 'mac' | 'network' | 'files'> &
    Partial<Pick<SimDomain, 'owner' | 'cpus' | 'memoryBytes' | 'authorizedKeys'>>,
): SimDomain {
  const { name, uuid, mac, network, files, owner, cpus = 1, memoryBytes = 2 ** 30 } = domain;
  const { authorizedKeys = [] } = domain;
  return {
    ...{ name, uuid, mac, network, files, cpus, memoryBytes, authorizedKeys },
    ...(owner && { owner }),
    ...{ state: 'shutoff', reason: 'unknown', persistent: true, id: -1, run: 0 },
    ...{ agentConnected: false, startedAt: 0, leased: false, hung: false },
  };
}
