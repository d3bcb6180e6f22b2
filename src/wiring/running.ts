/** The controller on ports that somebody else has opened, until the signal: then all is closed in order. */
import type { Places } from '../cli/context.ts';
import type { ControllerUpdate, RunningController } from '../cli/running-controller.ts';
import { Controller } from '../controllers/bench-cluster/controller.ts';
import type { ControllerPorts } from '../controllers/bench-cluster/controller-ports.ts';
import type { Identity } from '../controllers/bench-cluster/desired.ts';
import { schedulerModule } from '../controllers/schedulers/registry.ts';
import { keepHeapSmall } from '../lib/heap.ts';

export interface Ground {
  places: Places;
  ports: Omit<ControllerPorts, 'scheduler' | 'random'>;
  identity: Identity;
  /** What the ports stand on; called when they are closed. */
  close(): Promise<void>;
}

export async function runOn(ground: Ground, signal: AbortSignal): Promise<RunningController> {
  keepHeapSmall();
  const { places, ports, identity } = ground;
  const updates = new Updates();
  const controller = new Controller(
    { ...ports, scheduler: schedulerModule, random: Math.random },
    {
      identity,
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
  ports.log.info({ dir: places.dir, state: places.state }, 'controller started');
  const done = new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  }).then(async () => {
    // Watchers first, then rounds and operations, then the connections that they use.
    await ports.source.close();
    await controller.close();
    await ports.runner.close();
    await ground.close();
    ports.log.info('controller stopped');
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
