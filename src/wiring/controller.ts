/** The controller with its real drivers, as `benchctl run` starts it. */
import { join } from 'node:path';
import type { RunOptions } from '../cli/context.ts';
import type { ControllerUpdate, RunningController } from '../cli/running-controller.ts';
import { Controller } from '../controllers/bench-cluster/controller.ts';
import { schedulerModule } from '../controllers/schedulers/registry.ts';
import { openManifestDirectory } from '../drivers/manifest-directory.ts';
import { openStateDirectory } from '../drivers/state-directory.ts';
import { systemClock } from '../lib/clock.ts';
import { createLog } from '../lib/log.ts';
import { Hosts } from './hosts.ts';
import { ownKeys } from './identity.ts';
import { guestRunner } from './session.ts';

export async function startController(
  options: RunOptions,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<RunningController> {
  const state = await openStateDirectory(options.state, { clock: systemClock, exclusive: true });
  const destination = options.logToFile ? join(options.state, 'controller.log') : 2;
  const log = createLog(options.logLevel, destination);
  const keys = await ownKeys(state);
  const source = await openManifestDirectory(options.dir, { clock: systemClock });
  const hosts = new Hosts({ installation: keys.installation, log, env });
  const runner = guestRunner(keys, hosts);
  const updates = new Updates();
  const controller = new Controller(
    {
      source,
      state,
      runner,
      hypervisor: (host) => hosts.hypervisor(host),
      scheduler: schedulerModule,
      clock: systemClock,
      random: Math.random,
      log,
    },
    {
      identity: keys,
      onStatus: (key, status) => {
        const [namespace = '', cluster = ''] = key.split('/');
        updates.publish(
          key,
          status
            ? { kind: 'status', namespace, cluster, status }
            : { kind: 'removed', namespace, cluster },
        );
      },
      onSource: (reason, faults) =>
        updates.publish('source', { kind: 'source', ...(reason && { reason }), faults }),
    },
  );
  await controller.start();
  log.info({ dir: options.dir, state: options.state }, 'controller started');
  const done = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  }).then(async () => {
    // Watchers first, then rounds and operations, then the connections that they use.
    await source.close();
    await controller.close();
    await runner.close();
    await hosts.close();
    await state.close();
    log.info('controller stopped');
  });
  return { onUpdate: (listener) => updates.subscribe(listener), done };
}

/** Remembers the last update of each cluster, so that a late listener sees the present. */
class Updates {
  readonly #last = new Map<string, ControllerUpdate>();
  readonly #listeners = new Set<(update: ControllerUpdate) => void>();

  publish(key: string, update: ControllerUpdate): void {
    if (update.kind === 'removed') this.#last.delete(key);
    else this.#last.set(key, update);
    for (const listener of this.#listeners) listener(update);
  }

  subscribe(listener: (update: ControllerUpdate) => void): () => void {
    for (const update of this.#last.values()) listener(update);
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }
}
