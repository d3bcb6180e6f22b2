/**
 * One run of one guest, from its boot to its end: files on its disk and in /run, and the services
 * of Slurm under systemd. What is not on the disk is gone with it.
 */
import type { Clock } from '../../lib/clock.ts';
import type { Program, ShellMachine } from '../shell/machine.ts';
import { NotModelledError } from '../shell/syntax.ts';
import { commonPrograms } from '../shell/tools.ts';
import type { Network } from './network.ts';
import { Service, type ServiceName } from './service.ts';

export interface Hardware {
  cpus: number;
  memoryMiB: number;
}

/** How a machine stands in its world. */
export interface Standing {
  name: string;
  hardware: Hardware;
  /** Files that outlive this run. */
  disk: Map<string, string>;
  /** Where others reach it now; nothing before it has an address. */
  address(): string | undefined;
  /** The machine runs, and is not paused. */
  isRunning(): boolean;
  /** This run of the machine is over. */
  isOver(): boolean;
}

export class Machine implements ShellMachine {
  readonly clock: Clock;
  readonly standing: Standing;
  readonly network: Network;
  readonly bootedAt: number;
  /** Files in memory, such as those of /run. */
  readonly volatile = new Map<string, string>();
  readonly programs: Map<string, Program>;
  readonly services: Record<ServiceName, Service>;
  /** A slurmctld that only tries a file; it listens at a port of its own. */
  trial: { port: number; pid: string; isListening: boolean } | undefined;
  /** Jobs whose processes run here, whatever any daemon knows. */
  readonly processes = new Set<string>();

  constructor(standing: Standing, network: Network, programs: Map<string, Program>) {
    this.standing = standing;
    this.network = network;
    this.clock = network.clock;
    this.bootedAt = this.clock.now();
    this.programs = new Map([...commonPrograms(this, () => this.clock.now()), ...programs]);
    this.services = {
      munge: new Service('munge', this),
      slurmctld: new Service('slurmctld', this),
      slurmd: new Service('slurmd', this),
    };
  }

  get hostname(): string {
    return this.read('/proc/sys/kernel/hostname')?.trim() ?? '';
  }

  service(name: string): Service | undefined {
    const { munge, slurmctld, slurmd } = this.services;
    return [munge, slurmctld, slurmd].find((service) => service.name === name);
  }

  /** Calls back after so long, unless the machine is gone by then. */
  after(milliseconds: number, callback: () => void): () => void {
    return this.clock.after(milliseconds, () => {
      if (!this.standing.isOver()) callback();
    });
  }

  read(path: string): string | undefined {
    if (path === '/proc/sys/kernel/hostname') return this.volatile.get(path) ?? 'node\n';
    if (path === '/proc/uptime') {
      return `${((this.clock.now() - this.bootedAt) / 1000).toFixed(2)} 0.00\n`;
    }
    if (path.startsWith('/etc/systemd/system/multi-user.target.wants/')) {
      const name = /([^/]+)\.service$/.exec(path)?.[1] ?? '';
      return this.service(name)?.isEnabled ? '' : undefined;
    }
    const [, address, port] = /^\/dev\/tcp\/([^/]+)\/(\d+)$/.exec(path) ?? [];
    if (address !== undefined) return this.#connects(address, port) ? '' : undefined;
    return this.#store(path).get(path);
  }

  /** Whether somebody listens there; of all ports only slurmctld's is modelled. */
  #connects(address: string, port: string | undefined): boolean {
    if (port !== '6817') throw new NotModelledError(`port ${port}`);
    return this.network.at(address)?.services.slurmctld.slurmctld?.isListening === true;
  }

  write(path: string, content: string): void {
    this.#store(path).set(path, content);
  }

  remove(path: string): void {
    const store = this.#store(path);
    if (store.delete(path)) return;
    for (const file of store.keys()) if (file.startsWith(`${path}/`)) store.delete(file);
  }

  program(name: string): Program | undefined {
    return this.programs.get(name);
  }

  #store(path: string): Map<string, string> {
    return /^\/(?:run|proc|tmp)\//.test(path) ? this.volatile : this.standing.disk;
  }
}
