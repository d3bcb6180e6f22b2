/** Jobs that a person gives to the Slurm of a simulated cluster: they run for a time and end. */
import { PortError } from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';
import { hostList, type JobRecord } from '../sim/slurm/records.ts';
import type { SimulatedHost, SimulatedHosts } from './simulated-hosts.ts';

export interface JobWish {
  namespace: string;
  cluster: string;
  nodes: number;
  /** Simulated ones, from its start. */
  minutes: number;
}

interface Job {
  host: SimulatedHost;
  cluster: string;
  id: string;
}

/** How often a job is looked at. */
const lookMs = 1_000;
/** What a cluster that has lost its head for so long had in its queue is given up. */
const lostMs = 10 * 60_000;

export class SimulatedJobs {
  readonly #hosts: SimulatedHosts;
  readonly #clock: Clock;

  constructor(hosts: SimulatedHosts, clock: Clock) {
    this.#hosts = hosts;
    this.#clock = clock;
  }

  /** Throws `rejected` when no slurmctld of that cluster takes it. */
  submit(wish: JobWish): { id: string; ended: Promise<string> } {
    const { namespace, cluster, nodes } = wish;
    const host = this.hostOf(namespace, cluster);
    const id = host.slurm.submit(cluster, nodes);
    if (id === undefined) {
      const next = `benchctl describe cluster ${cluster} -n ${namespace}`;
      throw new PortError('rejected', `${cluster}: slurmctld does not answer`, { next });
    }
    return { id, ended: this.#follow({ host, cluster, id }, wish) };
  }

  queue(namespace: string, cluster: string): string[] {
    const { slurm } = this.hostOf(namespace, cluster);
    const jobs = slurm.jobs(cluster);
    return jobs.length === 0 ? ['no jobs'] : jobs.map((job) => this.#line(job));
  }

  /** Throws `rejected` when no head of such a cluster runs. */
  hostOf(namespace: string, cluster: string): SimulatedHost {
    const found = this.#hosts.all().filter((host) => isHere(host, namespace, cluster));
    const [host] = found;
    if (host === undefined) {
      const what = `cluster ${cluster} has no head that runs Slurm now`;
      throw new PortError('rejected', what, { next: 'benchctl get clusters -A' });
    }
    // Slurm knows a cluster by its name alone.
    const heads = host.slurm.clusters().filter(({ name }) => name === cluster);
    if (heads.length === 1) return host;
    throw new PortError('rejected', `several clusters on ${host.name} are named ${cluster}`);
  }

  #line({ id, state, nodes, count, startedAt }: JobRecord): string {
    const waits = `waits for ${count} ${count === 1 ? 'node' : 'nodes'}`;
    if (state === 'PENDING') return `job ${id}  ${state}  ${waits}`;
    const seconds = Math.round((this.#clock.now() - startedAt) / 1000);
    return `job ${id}  ${state}  on ${hostList(nodes)} for ${seconds}s`;
  }

  /** A job that loses a node is queued again and runs its whole time anew. */
  #follow({ host, cluster, id }: Job, { minutes }: JobWish): Promise<string> {
    const { slurm } = host;
    let seenAt = this.#clock.now();
    let ran = '';
    return new Promise((resolve) => {
      const look = () => {
        const now = this.#clock.now();
        const head = slurm.clusters().find(({ name }) => name === cluster);
        const job = slurm.jobs(cluster).find((each) => each.id === id);
        if (head?.answers) seenAt = now;
        if (head?.answers && job === undefined) return resolve(`job ${id} has ended${ran}`);
        if (now - seenAt > lostMs) return resolve(`job ${id} was lost with its cluster`);
        if (job?.state === 'RUNNING') {
          ran = `: it ran on ${hostList(job.nodes)}`;
          if (now - job.startedAt >= minutes * 60_000) slurm.endJob(cluster, id);
        }
        this.#clock.after(lookMs, look);
      };
      look();
    });
  }
}

function isHere({ slurm, hypervisor }: SimulatedHost, namespace: string, cluster: string): boolean {
  const heads = slurm.clusters().filter(({ name }) => name === cluster);
  return heads.some(({ head }) =>
    [...hypervisor.domains.values()].some(
      ({ name, owner }) => name === head && owner?.node?.namespace === namespace,
    ),
  );
}
