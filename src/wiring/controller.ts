/** The controller with its real drivers, as `benchctl run` starts it. */
import { join } from 'node:path';
import type { RunOptions } from '../cli/context.ts';
import type { RunningController } from '../cli/running-controller.ts';
import { openManifestDirectory } from '../drivers/manifest-directory.ts';
import { manifestMemory } from '../drivers/state-manifests.ts';
import { systemClock } from '../lib/clock.ts';
import { createLog, type Log } from '../lib/log.ts';
import { Hosts } from './hosts.ts';
import { ownKeys } from './identity.ts';
import { runOn } from './running.ts';
import { guestRunner } from './session.ts';
import { openRealState } from './simulated-state.ts';

export async function startController(
  options: RunOptions,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<RunningController> {
  const state = await openRealState(options.state, systemClock);
  const log = runLog(options);
  const keys = await ownKeys(state);
  const memory = manifestMemory(options.state);
  const source = await openManifestDirectory(options.dir, { clock: systemClock, memory });
  const hosts = new Hosts({ installation: keys.installation, log, env });
  const ports = {
    ...{ source, state, log, clock: systemClock },
    runner: guestRunner(keys, hosts),
    hypervisor: hosts.hypervisor.bind(hosts),
  };
  const close = async () => {
    await hosts.close();
    await state.close();
  };
  return runOn({ places: options, ports, identity: keys, close }, signal);
}

/** On stderr, or in the state directory beside a live view. */
export function runLog({ state, logLevel, logToFile }: RunOptions): Log {
  return createLog(logLevel, logToFile ? join(state, 'controller.log') : 2);
}
