/**
 * Slurm in the guests of a simulated hypervisor: each run of a domain is a machine with munge,
 * slurmctld and slurmd, and the scripts that the controller sends are run on it as a shell would.
 */
import type { Clock } from '../../lib/clock.ts';
import type { GuestProgram, GuestWork, SimGuest } from '../guests.ts';
import type { SimHypervisor } from '../hypervisor.ts';
import { parseScript } from '../shell/parse.ts';
import { runShell } from '../shell/shell.ts';
import type { Script } from '../shell/syntax.ts';
import { SlurmClusters } from './clusters.ts';
import type { Machine } from './machine.ts';
import { Network } from './network.ts';
import { bootMachine } from './software.ts';

/** What the kernel keeps of a VM's memory for itself. */
const kernelMiB = 37;
/** Scripts kept in their read form; most are asked for again and again. */
const maxScripts = 500;

export class SlurmGuests extends SlurmClusters implements GuestProgram {
  readonly #network: Network;
  readonly #hypervisor: SimHypervisor;
  readonly #machines = new WeakMap<SimGuest, Machine>();

  constructor(options: { clock: Clock; hypervisor: SimHypervisor }) {
    const network = new Network(options.clock);
    super(network);
    this.#network = network;
    this.#hypervisor = options.hypervisor;
  }

  boot(guest: SimGuest): void {
    const { domain, run, disk } = guest;
    const { name, cpus, memoryBytes } = domain;
    const standing = {
      ...{ name, disk },
      hardware: { cpus, memoryMiB: Math.floor(memoryBytes / 2 ** 20) - kernelMiB },
      address: () => this.#hypervisor.addressOf(domain),
      isRunning: () => domain.run === run && domain.state === 'running' && !domain.hung,
      isOver: () => domain.run !== run,
    };
    this.#machines.set(guest, bootMachine(standing, this.#network));
  }

  kernel(guest: SimGuest) {
    const { hostname, standing } = this.machine(guest);
    const { cpus, memoryMiB } = standing.hardware;
    return { hostname, cpus, memoryKiB: memoryMiB * 1024 };
  }

  *run(guest: SimGuest, script: string, merged: boolean): GuestWork {
    const output = { text: '' };
    const errors = merged ? output : { text: '' };
    const streams = { input: { text: '', at: 0 }, output, errors };
    const exitCode = yield* runShell(read(script), this.machine(guest), streams);
    return { exitCode, stdout: output.text, stderr: merged ? '' : errors.text };
  }

  /** What runs in that guest, for tests that look closer. */
  machine(guest: SimGuest): Machine {
    const machine = this.#machines.get(guest);
    if (machine === undefined) throw new ReferenceError(`${guest.domain.name} has not booted`);
    return machine;
  }
}

/** What was read is never changed, so all worlds share it. */
const scripts = new Map<string, Script>();

function read(text: string): Script {
  const known = scripts.get(text);
  if (known !== undefined) return known;
  const script = parseScript(text);
  if (scripts.size >= maxScripts) scripts.clear();
  scripts.set(text, script);
  return script;
}
