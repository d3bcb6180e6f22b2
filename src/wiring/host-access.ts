/** Listing and tidying of hosts, as commands do it beside a controller: no state, no lock. */
import type { HostAccess } from '../cli/hosts/host-access.ts';
import { createLog } from '../lib/log.ts';
import { Hosts } from './hosts.ts';

export async function openHosts(
  env: Readonly<Record<string, string | undefined>>,
): Promise<HostAccess> {
  // No installation: nothing is done here that goes by a mark.
  const hosts = new Hosts({ installation: '', log: createLog('silent'), env });
  return {
    inventory: (host, signal) => hosts.hypervisor(host).inventory(signal),
    deleteVolume: (host, volume, signal) =>
      hosts.hypervisor(host).deleteVolume(volume, undefined, signal),
    close: () => hosts.close(),
  };
}
