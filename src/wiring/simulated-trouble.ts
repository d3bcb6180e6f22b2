/** What people do to a simulated world behind the back of its controller. */
import type { Trouble } from '../cli/simulation.ts';
import { PortError } from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';
import type { SimulatedHosts } from './simulated-hosts.ts';
import { SimulatedJobs } from './simulated-jobs.ts';

const reason = 'benchctl simulate';
const nodes = 'benchctl get nodes -A';

export class SimulatedTrouble {
  readonly #hosts: SimulatedHosts;
  readonly #jobs: SimulatedJobs;

  constructor(hosts: SimulatedHosts, clock: Clock) {
    this.#hosts = hosts;
    this.#jobs = new SimulatedJobs(hosts, clock);
  }

  /** Resolves to lines for people. Throws `PortError` `rejected`. */
  async make(trouble: Trouble): Promise<string[]> {
    switch (trouble.verb) {
      case 'destroy':
      case 'crash':
      case 'pause':
      case 'undefine':
        return this.#disturb(trouble.verb, trouble.namespace, trouble.node);
      case 'drain':
      case 'resume':
        return this.#administer(trouble.verb, trouble.namespace, trouble.node);
      case 'host-down':
      case 'host-up':
        return this.#reach(trouble.host, trouble.verb === 'host-up');
      case 'queue':
        return this.#jobs.queue(trouble.namespace, trouble.cluster);
      case 'submit': {
        const { id, ended } = this.#jobs.submit(trouble);
        return [`job ${id} submitted`, ...(trouble.wait ? [await ended] : [])];
      }
    }
  }

  #disturb(
    how: 'destroy' | 'crash' | 'pause' | 'undefine',
    namespace: string,
    node: string,
  ): string[] {
    const { hypervisor, domain, name } = this.#hosts.domain(namespace, node);
    if (domain.id === -1 && how !== 'undefine') {
      throw new PortError('rejected', `${node} does not run`, { next: nodes });
    }
    hypervisor.disturb(domain.uuid, how);
    const said = {
      destroy: `${node} was powered off`,
      crash: `${node} crashed`,
      pause: `${node} is paused, as by a full disk`,
      undefine: `${node} was undefined${domain.id === -1 ? '' : '; it is gone when it stops'}`,
    };
    return [`${said[how]} (host ${name})`];
  }

  #administer(what: 'drain' | 'resume', namespace: string, node: string): string[] {
    const cluster = this.#hosts.domain(namespace, node).domain.owner?.node?.cluster ?? '';
    const { slurm } = this.#jobs.hostOf(namespace, cluster);
    const isDone =
      what === 'drain'
        ? slurm.drainByHand(cluster, node, reason)
        : slurm.resumeByHand(cluster, node);
    if (!isDone) {
      const what = `the Slurm of ${cluster} has no node ${node} now`;
      throw new PortError('rejected', what, { next: nodes });
    }
    return what === 'drain'
      ? [`${node} drains, by root, with the reason "${reason}"`]
      : [`${node} was resumed`];
  }

  #reach(name: string, isUp: boolean): string[] {
    this.#hosts.host(name).hypervisor.unreachable = !isUp;
    return isUp
      ? [`host ${name} answers again`]
      : [`host ${name} does not answer any more, nor do its VMs; they go on`];
  }
}
