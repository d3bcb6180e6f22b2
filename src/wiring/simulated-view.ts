/** A simulated world as commands of other processes see it: over its socket, in its own time. */
import type { GuestAccess } from '../cli/guest-access.ts';
import type { HostAccess } from '../cli/hosts/host-access.ts';
import type { ImageTools } from '../cli/image-tools.ts';
import type { PlanReport } from '../cli/plan-report.ts';
import type { Simulation } from '../cli/simulation.ts';
import { type GuestResult, type HostInventory, PortError } from '../controllers/ports.ts';
import { qualifiedName } from '../crd/references.ts';
import { systemClock } from '../lib/clock.ts';
import { scaledTime } from '../sim/scaled-clock.ts';
import type { Question } from './simulated-question.ts';
import { ask } from './simulated-socket.ts';
import { readSimulated } from './simulated-state.ts';

/** Undefined for a state that is real, or not there. */
export async function openSimulation(
  state: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Simulation | undefined> {
  const simulated = await readSimulated(state);
  if (simulated === undefined) return undefined;
  const put = (question: Question, signal: AbortSignal) => ask(state, question, signal);
  return {
    speed: simulated.speed,
    now: () => scaledTime(simulated.endedAt ?? systemClock.now(), simulated),
    async trouble(trouble, signal) {
      const lines = await put({ kind: 'trouble', trouble }, signal);
      return Array.isArray(lines) ? lines.map(String) : [];
    },
    world: {
      openHosts: async () => hostsOver(put),
      openGuests: async () => guestsOver(put),
      async planOnce({ dir, namespace, cluster = '' }, signal) {
        return (await put({ kind: 'plan', dir, namespace, cluster }, signal)) as PlanReport;
      },
      doctor: async () => notSimulated('doctor'),
      images: () => imagesBeside(env),
    },
  };
}

type Put = (question: Question, signal: AbortSignal) => Promise<unknown>;

function hostsOver(put: Put): HostAccess {
  return {
    // The other end is this very program.
    inventory: async ({ metadata }, signal) =>
      (await put({ kind: 'inventory', host: qualifiedName(metadata) }, signal)) as HostInventory,
    async deleteVolume({ metadata }, volume, signal) {
      await put({ kind: 'deleteVolume', host: qualifiedName(metadata), volume }, signal);
    },
    close: async () => {},
  };
}

function guestsOver(put: Put): GuestAccess {
  return {
    async ssh({ namespace, node }, words, signal) {
      // As ssh does: words become one line for the shell there.
      const command = words.slice(words[0] === '--' ? 1 : 0).join(' ');
      if (command === '') {
        const next = 'say what to run there: benchctl ssh NODE hostname';
        throw new PortError('rejected', 'a simulated guest has no terminal', { next });
      }
      const answer = await put({ kind: 'command', namespace, node, command }, signal);
      const { stdout, stderr, exitCode } = answer as GuestResult;
      process.stdout.write(stdout);
      process.stderr.write(stderr);
      return exitCode;
    },
    journal: async () => notSimulated('logs'),
    console: async () => notSimulated('logs'),
    close: async () => {},
  };
}

/** Images can be built as always; those of this machine are none of the simulated world. */
async function imagesBeside(
  env: Readonly<Record<string, string | undefined>>,
): Promise<ImageTools> {
  const { imageTools } = await import('./images.ts');
  return {
    ...imageTools(env),
    verify: async () => notSimulated('image verify'),
    cached: async () => [],
    remove: async () => notSimulated('image prune'),
  };
}

function notSimulated(command: string): never {
  const what = `a simulated world has nothing for benchctl ${command}`;
  throw new PortError('rejected', what, { next: 'benchctl simulate --help says what it has' });
}
