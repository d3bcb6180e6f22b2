/**
 * What the commands need of the world, with the real drivers. Each part is loaded when a command
 * asks for it, so that help and completion start fast.
 */
import type { CliContext } from '../cli/context.ts';
import { stateView } from './state-view.ts';

type Wired = Pick<
  CliContext,
  | 'openSimulation'
  | 'openState'
  | 'openSource'
  | 'startController'
  | 'planOnce'
  | 'openGuests'
  | 'openHosts'
  | 'doctor'
  | 'images'
>;

export function wiredContext(env: CliContext['env']): Wired {
  return {
    async openSimulation(dir) {
      const { openSimulation } = await import('./simulated-view.ts');
      return openSimulation(dir, env);
    },
    openState: async (dir) => stateView(dir),
    async openSource(dir) {
      const { openManifestDirectory } = await import('../drivers/manifest-directory.ts');
      const { systemClock } = await import('../lib/clock.ts');
      return openManifestDirectory(dir, { clock: systemClock, settleMs: 0 });
    },
    async startController(options, signal) {
      if (options.simulated) {
        const { startSimulated } = await import('./simulated.ts');
        return startSimulated(options, options.simulated.speed, signal);
      }
      const { startController } = await import('./controller.ts');
      return startController(options, env, signal);
    },
    async planOnce(options, signal) {
      const { planOnce } = await import('./plan.ts');
      return planOnce(options, env, signal);
    },
    async openGuests({ state }) {
      const { openGuests } = await import('./guest-access.ts');
      return openGuests(state, env);
    },
    async openHosts() {
      const { openHosts } = await import('./host-access.ts');
      return openHosts(env);
    },
    async doctor(places) {
      const { doctorProbes } = await import('./doctor.ts');
      return doctorProbes(places, env);
    },
    async images() {
      const { imageTools } = await import('./images.ts');
      return imageTools(env);
    },
  };
}
