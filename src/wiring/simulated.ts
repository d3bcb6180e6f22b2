/**
 * The controller on a simulated world: `benchctl run --simulated`. Manifests and state are real
 * files, and the manifests are read in real time; hosts, guests and Slurm are a model in this
 * process whose time runs faster. No libvirt is asked, and nothing outside of the state is changed.
 */
import type { RunOptions } from '../cli/context.ts';
import type { RunningController } from '../cli/running-controller.ts';
import { openManifestDirectory } from '../drivers/manifest-directory.ts';
import type { ManifestMemory } from '../drivers/manifest-memory.ts';
import { manifestMemory } from '../drivers/state-manifests.ts';
import { systemClock } from '../lib/clock.ts';
import { ScaledClock } from '../sim/scaled-clock.ts';
import { runLog } from './controller.ts';
import { ownKeys } from './identity.ts';
import { type PlanGround, planIn } from './plan.ts';
import { runOn } from './running.ts';
import { guestCommand } from './simulated-guest.ts';
import { SimulatedHosts } from './simulated-hosts.ts';
import { questionOf } from './simulated-question.ts';
import { serve } from './simulated-socket.ts';
import { openSimulatedState, writeSimulated } from './simulated-state.ts';
import { SimulatedTrouble } from './simulated-trouble.ts';

export async function startSimulated(
  options: RunOptions,
  speed: number,
  signal: AbortSignal,
): Promise<RunningController> {
  const time = { speed, origin: systemClock.now() };
  const clock = new ScaledClock(systemClock, time);
  const state = await openSimulatedState(options.state, clock, time);
  const log = runLog(options).child({ simulated: true });
  const keys = await ownKeys(state);
  const memory = manifestMemory(options.state);
  const source = await openManifestDirectory(options.dir, { clock: systemClock, memory });
  const hosts = new SimulatedHosts(clock);
  const world = { hosts, clock, state, keys, memory, startedAt: clock.now() };
  const stopServing = await serve(options.state, answering(world));
  const ports = {
    ...{ source, state, log, clock, runner: hosts },
    hypervisor: hosts.hypervisor.bind(hosts),
  };
  const close = async () => {
    await stopServing();
    // Its machines go on for ever otherwise, and this process with them.
    clock.stop();
    await writeSimulated(options.state, { ...time, endedAt: systemClock.now() });
    await state.close();
  };
  const running = await runOn({ places: options, ports, identity: keys, close }, signal);
  return { ...running, simulated: { speed, now: () => clock.now() } };
}

interface World extends Pick<PlanGround, 'state' | 'keys' | 'clock' | 'startedAt'> {
  hosts: SimulatedHosts;
  memory: ManifestMemory;
}

/** What commands of other processes ask. */
function answering(world: World): (question: unknown) => Promise<unknown> {
  const { hosts, clock, memory } = world;
  const trouble = new SimulatedTrouble(hosts, clock);
  return async (asked) => {
    const question = questionOf(asked);
    const { signal } = new AbortController();
    switch (question.kind) {
      case 'trouble':
        return await trouble.make(question.trouble);
      case 'plan': {
        const { dir, namespace, cluster } = question;
        const hypervisor = hosts.hypervisor.bind(hosts);
        const asked = { dir, namespace, memory, ...(cluster !== '' && { cluster }) };
        return await planIn({ ...world, runner: hosts, hypervisor }, asked, signal);
      }
      case 'inventory':
        return await hosts.named(question.host).hypervisor.inventory(signal);
      case 'deleteVolume': {
        const { hypervisor } = hosts.host(question.host);
        await hypervisor.deleteVolume(question.volume, undefined, signal);
        return null;
      }
      case 'command':
        return await guestCommand(hosts, clock, question);
    }
  };
}
