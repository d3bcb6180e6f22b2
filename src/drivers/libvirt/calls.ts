/** The typed calls of the libvirt client that this driver uses, whatever connection carries them. */
import type { AgentCalls } from '../../libvirt/calls/agent.ts';
import type { DomainDetailCalls } from '../../libvirt/calls/domain-details.ts';
import type { DomainCalls } from '../../libvirt/calls/domains.ts';
import type { HostCalls } from '../../libvirt/calls/host.ts';
import type { NetworkCalls } from '../../libvirt/calls/networks.ts';
import type { PoolCalls } from '../../libvirt/calls/pools.ts';
import type { VolumeCalls } from '../../libvirt/calls/volumes.ts';

export interface LibvirtCalls {
  readonly host: HostCalls;
  readonly domains: DomainCalls;
  readonly details: DomainDetailCalls;
  readonly agent: AgentCalls;
  readonly networks: NetworkCalls;
  readonly pools: PoolCalls;
  readonly volumes: VolumeCalls;
}

/** Calls in flight at once when many objects are read; libvirt serves five of a connection. */
export const readsAtOnce = 4;
