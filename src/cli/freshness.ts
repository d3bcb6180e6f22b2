/** How far a status can be believed when no controller keeps it. */
import type { Call } from './call.ts';
import type { StateView } from './state-view.ts';
import { printDuration } from './view/age.ts';
import type { KnownCluster } from './view/cluster-summary.ts';

/** What starts the controller of this state. */
export function startCommand({ simulation, globals }: Call): string {
  const run = simulation === undefined ? 'run' : 'run --simulated';
  return `benchctl ${run} --dir ${globals.dir}`;
}

/** Remarks on stderr that the controller is not running, and how old the newest status is. */
export async function noteFreshness(
  call: Call,
  state: StateView,
  clusters: readonly KnownCluster[],
): Promise<void> {
  const life = await state.controller();
  if (life.running) return;
  const times = clusters.flatMap(({ statusAt }) => (statusAt === undefined ? [] : [statusAt]));
  const newest = [...times, ...(life.lastSeen === undefined ? [] : [life.lastSeen])].sort().at(-1);
  const start = `start it: ${startCommand(call)}`;
  if (newest === undefined) {
    call.note(`the controller is not running and never was here; ${start}`);
    return;
  }
  const age = printDuration(call.context.clock.now() - Date.parse(newest));
  call.note(`the controller is not running; this status is ${age} old (${newest}); ${start}`);
}
