/**
 * What a command of its own needs to look at the world: the state of the installation, its hosts
 * and a way into the guests. It does not take the controller's lock and changes nothing, but for
 * the identity of an installation that has none yet: what is planned is named by it.
 */
import type { GuestRunner, StateStore } from '../controllers/ports.ts';
import { SshGuestRunner } from '../drivers/ssh/guest-runner.ts';
import { openStateDirectory } from '../drivers/state-directory.ts';
import { systemClock } from '../lib/clock.ts';
import { createLog } from '../lib/log.ts';
import { Hosts } from './hosts.ts';
import { type OwnKeys, ownKeys } from './identity.ts';

export interface Session {
  state: StateStore;
  keys: OwnKeys;
  hosts: Hosts;
  runner: GuestRunner;
  close(): Promise<void>;
}

export async function openSession(
  stateDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<Session> {
  const state = await openStateDirectory(stateDir, { clock: systemClock, exclusive: false });
  const keys = await ownKeys(state);
  const log = createLog('silent');
  const hosts = new Hosts({ installation: keys.installation, log, env });
  const runner = guestRunner(keys, hosts);
  return {
    state,
    keys,
    hosts,
    runner,
    async close() {
      await runner.close();
      await hosts.close();
      await state.close();
    },
  };
}

export function guestRunner(keys: OwnKeys, hosts: Hosts): GuestRunner {
  return new SshGuestRunner({
    identity: async () => ({ kind: 'key', privateKey: keys.privateKey, name: 'controller key' }),
    dialGuest: (host, address, port, signal) => hosts.dialGuest(host, address, port, signal),
  });
}
