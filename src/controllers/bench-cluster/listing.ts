/** How a round gets its listings of the host. */
import type { HostInventory } from '../ports.ts';
import type { DesiredCluster } from './desired.ts';
import { withoutRuns } from './ended-runs.ts';
import type { ObserveContext, ObservePorts } from './observe.ts';
import type { Observed } from './observed.ts';

/** The host as it is listed, and what is not sure by that alone. */
export interface Listed extends Pick<Observed, 'sightings'> {
  inventory: HostInventory;
}

/** Asks for a listing and notes it at once in what is remembered of earlier ones. */
export function listing(
  cluster: DesiredCluster,
  { hypervisor, sightings }: ObservePorts,
  { ended }: ObserveContext,
  signal: AbortSignal,
): () => Promise<Listed> {
  return async () => {
    const inventory = withoutRuns(await hypervisor.inventory(signal), ended);
    // What it says of this listing is to be known before another round notes the next one.
    sightings?.listed(cluster, inventory, ended);
    return { inventory, ...(sightings && { sightings: sightings.view() }) };
  };
}
