/** One command in a simulated guest, as `benchctl ssh` runs it: what the model knows, and no more. */
import { type GuestResult, PortError } from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';
import type { GuestWork } from '../sim/guests.ts';
import { NotModelledError } from '../sim/shell/syntax.ts';
import type { SimulatedHosts } from './simulated-hosts.ts';

/** Throws `PortError`: `unreachable` as of a real guest, `rejected` for what is not modelled. */
export async function guestCommand(
  hosts: SimulatedHosts,
  clock: Clock,
  { namespace, node, command }: { namespace: string; node: string; command: string },
): Promise<GuestResult> {
  const { domain, guests, slurm } = hosts.domain(namespace, node);
  const guest = guests.guest(node);
  if (guest === undefined || domain.state !== 'running') {
    throw new PortError('unreachable', `${node} does not answer`);
  }
  try {
    return await finished(slurm.run(guest, command, false), clock);
  } catch (thrown) {
    if (!(thrown instanceof NotModelledError)) throw thrown;
    const what = `a simulated guest knows only what the controller uses, and not: ${command}`;
    throw new PortError('rejected', what, { cause: thrown });
  }
}

function finished(work: GuestWork, clock: Clock): Promise<GuestResult> {
  return new Promise((resolve, reject) => {
    const onward = () => {
      try {
        const step = work.next();
        if (step.done) resolve(step.value);
        else clock.after(step.value, onward);
      } catch (thrown) {
        reject(thrown);
      }
    };
    onward();
  });
}
