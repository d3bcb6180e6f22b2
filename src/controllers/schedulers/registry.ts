/** The schedulers there are. Adding one is adding its folder and a line here. */
import type { AnyScheduler } from './scheduler.ts';
import { slurm } from './slurm/slurm.ts';

const modules: Record<string, AnyScheduler> = { slurm };

export function schedulerModule(name: string): AnyScheduler {
  const module = modules[name];
  if (module === undefined) throw new ReferenceError(`unknown scheduler ${name}`);
  return module;
}
