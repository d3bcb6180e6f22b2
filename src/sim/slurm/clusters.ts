/**
 * What people do with the Slurm clusters of a world, and what is true of them, for tests and
 * oracles. A cluster is found by its ClusterName on the disk of the machine that is its head.
 */
import { copyOf } from '../copy.ts';
import type { Machine } from './machine.ts';
import type { Network } from './network.ts';
import { type JobRecord, type NodeRecord, readState, type Saved } from './records.ts';
import type { Slurmctld } from './slurmctld.ts';

/** What slurmctld has on record of one node. */
export interface SlurmRecord {
  name: string;
  /** Jobs that hold it, also those that are ending. */
  jobs: string[];
  /** No new job starts on it. */
  closed: boolean;
  down: boolean;
  /** Called down by slurmctld itself, and drained by nobody. */
  lost: boolean;
  /** Somebody registered under its name with less than its record says. */
  refused: boolean;
  /** Has registered with this run of slurmctld, with what its record says, and answers. */
  up: boolean;
  /** Of a drain or of being down, with who gave it. */
  reason?: string;
  by?: string;
}

export interface SlurmCluster {
  name: string;
  /** The machine that is its head. */
  head: string;
  /** slurmctld runs there, so that it could be asked. */
  answers: boolean;
  /** In memory, or on the disk while slurmctld does not run. */
  records: Map<string, SlurmRecord>;
}

export class SlurmClusters {
  readonly #network: Network;

  constructor(network: Network) {
    this.#network = network;
  }

  /** Every cluster whose head runs. */
  clusters(): SlurmCluster[] {
    return this.#network.machines().flatMap((machine) => {
      const name = clusterOf(machine);
      if (name === undefined) return [];
      const answers = daemonOf(machine) !== undefined;
      return [{ name, head: machine.standing.name, answers, records: recordsOn(machine) }];
    });
  }

  /** What slurmctld knows; empty when the head does not run. */
  records(cluster: string): Map<string, SlurmRecord> {
    const head = this.#head(cluster);
    return head === undefined ? new Map() : recordsOn(head);
  }

  /** Jobs of the queue; empty when slurmctld does not run. */
  jobs(cluster: string): JobRecord[] {
    return copyOf([...(this.#daemon(cluster)?.jobs.all.values() ?? [])]);
  }

  /** Jobs whose processes run on that machine, whatever slurmctld knows. */
  running(node: string): string[] {
    const machines = this.#network.machines().filter(({ standing }) => standing.name === node);
    return machines.flatMap(({ processes }) => [...processes]);
  }

  /**
   * A person's job, on so many nodes or on these; it starts when they are free and runs until
   * `endJob`. Gives its id; undefined when slurmctld does not answer or knows no such node.
   */
  submit(cluster: string, nodes: number | string[] = 1): string | undefined {
    const daemon = this.#daemon(cluster);
    const partition = daemon?.conf.partitions.find(({ isDefault }) => isDefault)?.name;
    if (daemon === undefined || partition === undefined) return undefined;
    const wanted = typeof nodes === 'number' ? [] : nodes;
    if (wanted.some((name) => !daemon.nodes.has(name))) return undefined;
    const count = typeof nodes === 'number' ? nodes : nodes.length;
    return daemon.jobs.submit({ count, wanted, partition, exclusive: false });
  }

  /** The job's processes end by themselves; slurmctld hears it now, or when it is back. */
  endJob(cluster: string, id: string): void {
    const daemon = this.#daemon(cluster);
    const head = this.#head(cluster);
    for (const machine of this.#network.machines()) {
      if (headOf(machine, this.#network) === head) machine.processes.delete(id);
    }
    const job = daemon?.jobs.all.get(id);
    if (job?.state === 'PENDING') daemon?.jobs.cancel(id);
    else daemon?.jobs.ended(id);
  }

  /** False when slurmctld does not answer or does not know the node. */
  drainByHand(cluster: string, node: string, reason: string): boolean {
    return this.#change(cluster, node, (daemon, record) => {
      record.drain = true;
      daemon.blame(record, reason, 'root');
      daemon.changed();
    });
  }

  resumeByHand(cluster: string, node: string): boolean {
    return this.#change(cluster, node, (daemon, record) => {
      if ((record.drain || record.down) && !record.invalid) daemon.resume(record);
    });
  }

  /** kill -9 of slurmctld: what it has not written yet is lost. systemd starts it anew. */
  crashDaemon(cluster: string): void {
    this.#head(cluster)?.services.slurmctld.kill();
  }

  /** An orderly stop, for good, as by `systemctl stop`. */
  stopDaemon(cluster: string): void {
    this.#head(cluster)?.services.slurmctld.stop();
  }

  startDaemon(cluster: string): void {
    this.#head(cluster)?.services.slurmctld.start();
  }

  /** A slurmd elsewhere registers under that name, with one CPU less and less memory. */
  impostor(cluster: string, node: string): boolean {
    return this.#change(cluster, node, (daemon, { name, address, cpus, memoryMiB, features }) => {
      const now = Math.floor(this.#network.clock.now() / 1000);
      daemon.register({
        ...{ name, address, features, bootTime: now, slurmdStartTime: now },
        ...{ cpus: cpus - 1, memoryMiB: memoryMiB / 2 },
        jobs: new Set(daemon.jobs.on(name).map(({ id }) => id)),
      });
    });
  }

  #change(
    cluster: string,
    node: string,
    change: (daemon: Slurmctld, record: NodeRecord) => void,
  ): boolean {
    const daemon = this.#daemon(cluster);
    const record = daemon?.nodes.get(node);
    if (daemon === undefined || record === undefined) return false;
    change(daemon, record);
    return true;
  }

  #head(cluster: string): Machine | undefined {
    return this.#network.machines().find((machine) => clusterOf(machine) === cluster);
  }

  #daemon(cluster: string): Slurmctld | undefined {
    const head = this.#head(cluster);
    return head && daemonOf(head);
  }
}

function clusterOf(machine: Machine): string | undefined {
  const conf = machine.standing.disk.get('/etc/slurm/slurm.conf');
  return conf === undefined ? undefined : /^ClusterName=(.*)$/m.exec(conf)?.[1];
}

function daemonOf(head: Machine): Slurmctld | undefined {
  const daemon = head.services.slurmctld.slurmctld;
  return daemon?.isListening === true ? daemon : undefined;
}

function headOf(machine: Machine, network: Network): Machine | undefined {
  const conf = machine.read('/run/slurm/conf/slurm.conf') ?? '';
  const address = /^SlurmctldHost=.*\((.*)\)$/m.exec(conf)?.[1];
  return address === undefined ? undefined : network.at(address);
}

function recordsOn(head: Machine): Map<string, SlurmRecord> {
  const daemon = daemonOf(head);
  const saved: Saved = daemon
    ? { nextId: 0, nodes: [...daemon.nodes.values()], jobs: [...daemon.jobs.all.values()] }
    : readState(head.standing.disk);
  return new Map(saved.nodes.map((node) => [node.name, recordOf(node, saved.jobs)]));
}

function recordOf(node: NodeRecord, jobs: JobRecord[]): SlurmRecord {
  const { name, drain, down, invalid, notResponding, bootTime, reason } = node;
  return {
    name,
    jobs: jobs.filter(({ nodes }) => nodes.includes(name)).map(({ id }) => id),
    closed: drain || down,
    down,
    lost: down && !drain && reason?.user === 'slurm',
    refused: invalid,
    up: bootTime !== undefined && !down && !invalid && !notResponding,
    ...(reason && { reason: reason.text, by: reason.user }),
  };
}
