/**
 * Stores the status of a round, with the events that tell what changed, if anything did. It returns
 * when what the round says is on record, and throws when it could not be put there; a later round
 * writes it again. Two rounds of one cluster may come to write at once: one is stored after the
 * other, so that the last one stays.
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

interface Stored {
  status: ClusterStatus | undefined;
  /** Why what was told after it is not. */
  error?: unknown;
}

/** Where the last status is kept. */
export interface StatusHolder {
  /** What was told last, stored or on its way there. */
  status?: ClusterStatus;
  /** What is stored, once all that was told is, or could not be; never rejects. */
  stored?: Promise<Stored>;
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
  if (isSame(status, before)) {
    // Another round says the same, and may be storing it still.
    const last = (await holder.stored) ?? { status: before };
    if (last.status !== before) throw last.error;
    return undefined;
  }
  // At once, because the next round begins with it, also while it is stored.
  holder.status = status;
  const time = clock.now();
  let last: Stored = { status: before };
  const written = Promise.resolve(holder.stored ?? last).then(async (stored) => {
    last = stored;
    // What it was made from is not on record: the next round makes it from what is.
    if (stored.status !== before) throw stored.error;
    for (const event of eventsOf(key, before, status, time)) await state.appendEvent(event);
    await state.putStatus(namespace, name, status);
    return status;
  });
  holder.stored = written.then(
    () => ({ status }),
    (error: unknown) => {
      if (holder.status === status) restore(holder, last.status);
      return { status: last.status, error };
    },
  );
  return written;
}

function restore(holder: StatusHolder, status: ClusterStatus | undefined): void {
  if (status) holder.status = status;
  else delete holder.status;
}
