/**
 * A round that threw: its cluster says so in its conditions, and it is tried again, more and more
 * seldom. What was known before stays in the status.
 */
import type { ClusterStatus } from '../../crd/status.ts';
import { toError } from '../../lib/error.ts';
import { backoffMs } from '../loop/backoff.ts';
import type { ClusterRecord } from '../ports.ts';
import type { ControllerPorts } from './controller-ports.ts';
import { type StatusHolder, writeError } from './write-status.ts';

export interface RoundError {
  message: string;
  /** How often in a row. */
  count: number;
}

const firstRetryMs = 5_000;

/** Notes the error at its cluster, if there is one, and says when to try again. */
export function noteError(
  cluster: { error?: RoundError } | undefined,
  { message }: Error,
  { clock, random }: Pick<ControllerPorts, 'clock' | 'random'>,
): number {
  const count = (cluster?.error?.count ?? 0) + 1;
  if (cluster) cluster.error = { message: `a round of the controller failed: ${message}`, count };
  return clock.now() + Math.max(firstRetryMs, backoffMs(count, random()));
}

/** The new status, if it could be written and differs from the one before. */
export async function tellError(
  key: string,
  cluster: StatusHolder & { error?: RoundError; record?: ClusterRecord },
  { state, clock, log }: Pick<ControllerPorts, 'state' | 'clock' | 'log'>,
): Promise<ClusterStatus | undefined> {
  const { record, error } = cluster;
  if (record === undefined || error === undefined) return undefined;
  try {
    return await writeError(key, cluster, record, error.message, { state, clock });
  } catch (thrown) {
    log.error({ cluster: key, err: toError(thrown) }, 'the status could not be written');
    return undefined;
  }
}
