/**
 * Stores the status of a round, with the events that tell what changed, if anything did. What
 * could not be stored is written again by a later round. Two rounds of one cluster may come to
 * write at once: one is stored after the other, so that the last one stays.
 */
import type { Fault } from '../../crd/fault.ts';
import type { ClusterStatus } from '../../crd/status.ts';
import type { Clock } from '../../lib/clock.ts';
import { isSame } from '../../lib/same.ts';
import type { ClusterRecord, StateStore } from '../ports.ts';
import type { Hold } from './catalog.ts';
import type { DesiredCluster } from './desired.ts';
import { errorStatus } from './error-status.ts';
import { eventsOf } from './events.ts';
import type { Observed } from './observed.ts';
import type { Plan } from './plan.ts';
import { clusterStatus, type Kept } from './status.ts';

/** Where the last status is kept. */
export interface StatusHolder {
  /** What was told last, stored or on its way there. */
  status?: ClusterStatus;
  /** What is stored, once all before it is. */
  stored?: Promise<ClusterStatus | undefined>;
  faults: Fault[];
  hold?: Hold;
}

export async function writeStatus(
  key: string,
  holder: StatusHolder,
  { desired, observed, planned }: { desired: DesiredCluster; observed: Observed; planned: Plan },
  { state, clock }: { state: StateStore; clock: Clock },
  kept: Kept = {},
): Promise<ClusterStatus | undefined> {
  const before = holder.status;
  const known = before ? { ...observed, previous: before } : observed;
  const status = clusterStatus(desired, known, planned, holder.faults, clock.now(), {
    ...kept,
    ...(holder.hold && { hold: holder.hold }),
  });
  return store(key, holder, status, desired, { state, clock });
}

/** For a round that threw: what was known stays, and the conditions say what happened. */
export async function writeError(
  key: string,
  holder: StatusHolder,
  record: ClusterRecord,
  message: string,
  ports: { state: StateStore; clock: Clock },
): Promise<ClusterStatus | undefined> {
  const status = errorStatus(record, holder.status, message, ports.clock.now());
  return store(key, holder, status, record.cluster.metadata, ports);
}

async function store(
  key: string,
  holder: StatusHolder,
  status: ClusterStatus,
  { namespace, name }: { namespace: string; name: string },
  { state, clock }: { state: StateStore; clock: Clock },
): Promise<ClusterStatus | undefined> {
  const before = holder.status;
  if (isSame(status, before)) return undefined;
  // At once, because the next round begins with it, also while it is stored.
  holder.status = status;
  const time = clock.now();
  const written = (holder.stored ?? Promise.resolve(before)).then(async (stored) => {
    // The one that it was made from could not be stored: the next round makes it from what is.
    if (stored !== before) return stored;
    for (const event of eventsOf(key, before, status, time)) await state.appendEvent(event);
    await state.putStatus(namespace, name, status);
    return status;
  });
  holder.stored = written.catch(() => {
    restore(holder, before);
    return before;
  });
  return (await written) === status ? status : undefined;
}

function restore(holder: StatusHolder, status: ClusterStatus | undefined): void {
  if (status) holder.status = status;
  else delete holder.status;
}
