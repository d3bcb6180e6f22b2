/** Every command that shows or changes a simulated world says so, before anything else. */
import type { Call } from './call.ts';

/** They do not look at the state, say it themselves, or are read by a shell. */
const silent = new Set(['run', 'apply', 'build', 'completion', '__complete', 'version']);

export function noteSimulation({ simulation, note }: Call, command: string): void {
  if (simulation === undefined || silent.has(command)) return;
  note(`SIMULATED, at ${simulation.speed} times real speed: no VM is real`);
}
