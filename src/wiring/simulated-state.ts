/**
 * A state directory belongs to a real installation or to a simulated one, for ever: the file
 * `simulation.json` in it makes the difference, and says how its time runs. What is in the state of
 * a simulated one is true of a world that ends with its process, so each start begins with none.
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { CliError } from '../cli/cli-error.ts';
import { openStateDirectory, type StateDirectory } from '../drivers/state-directory.ts';
import { readState, writeWhole } from '../drivers/state-files.ts';
import { memoryFile } from '../drivers/state-manifests.ts';
import { eventsFile, readClusters } from '../drivers/state-records.ts';
import type { Clock } from '../lib/clock.ts';

/** Milliseconds since the epoch, of the system clock. */
export interface Simulated {
  speed: number;
  /** When the simulated clock showed what the system clock did. */
  origin: number;
  /** When the world ended; absent while it runs, and when its process died. */
  endedAt?: number;
}

/** The state of a real installation. Throws CliError when it is a simulated one's. */
export async function openRealState(directory: string, clock: Clock): Promise<StateDirectory> {
  return await openOwn(directory, clock, async () => {
    if ((await readSimulated(directory)) === undefined) return;
    const what = `${directory} holds the state of a simulated installation`;
    const next = 'benchctl run --simulated goes on with it; or say --state DIRECTORY';
    throw new CliError('failed', what, next);
  });
}

/** The empty state of a simulated installation. Throws CliError when it is a real one's. */
export async function openSimulatedState(
  directory: string,
  clock: Clock,
  simulated: Simulated,
): Promise<StateDirectory> {
  const state = await openOwn(directory, clock, async () => {
    const isMade = (await readState(join(directory, 'installation'))) !== undefined;
    if (!isMade || (await readSimulated(directory)) !== undefined) return;
    if (!(await wasControlled(directory))) return;
    const what = `${directory} holds the state of a real installation`;
    throw new CliError('failed', what, 'benchctl run --simulated --state ANOTHER-DIRECTORY');
  });
  await writeSimulated(directory, simulated);
  await empty(state);
  for (const file of [eventsFile(directory), memoryFile(directory)])
    await rm(file, { force: true });
  return state;
}

/** Undefined for a state that is real, or not there. */
export async function readSimulated(directory: string): Promise<Simulated | undefined> {
  const file = await readState(markOf(directory));
  if (file === undefined) return undefined;
  const mark: Partial<Simulated> = JSON.parse(file.content.toString('utf8'));
  const { speed = 1, origin = 0, endedAt } = mark;
  return { speed, origin, ...(endedAt !== undefined && { endedAt }) };
}

export async function writeSimulated(directory: string, simulated: Simulated): Promise<void> {
  await writeWhole(markOf(directory), `${JSON.stringify(simulated)}\n`);
}

/**
 * By a controller, which remembers what the files hold before it makes anything. `plan` gives a
 * new state its identity, and that alone is nobody's.
 */
async function wasControlled(directory: string): Promise<boolean> {
  for (const file of [memoryFile(directory), eventsFile(directory)]) {
    if ((await readState(file)) !== undefined) return true;
  }
  return (await readClusters(directory)).length > 0;
}

function markOf(directory: string): string {
  return join(directory, 'simulation.json');
}

/** Judged under the lock, so that two that start together do not both find it free. */
async function openOwn(
  directory: string,
  clock: Clock,
  judge: () => Promise<void>,
): Promise<StateDirectory> {
  const state = await openStateDirectory(directory, { clock, exclusive: true });
  try {
    await judge();
    return state;
  } catch (thrown) {
    await state.close();
    throw thrown;
  }
}

async function empty(state: StateDirectory): Promise<void> {
  for (const { cluster } of await state.clusters()) {
    await state.removeCluster(cluster.metadata.namespace, cluster.metadata.name);
  }
  for (const { namespace, name } of await state.deletionRequests()) {
    await state.forgetDeletionRequest(namespace, name);
  }
  for (const revision of await state.confirmations()) await state.forgetConfirmation(revision);
  await state.putDeletionLedger({ held: [], nodes: 0, confirmed: [], changes: [] });
}
