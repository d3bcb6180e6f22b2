/**
 * The hosts of a simulated world: one for each BenchHost, of any URI, made at first use. Each has
 * guests with Slurm in them; their start takes as long as that of real ones.
 */
import {
  type GuestResult,
  type GuestRunner,
  type GuestTarget,
  type Hypervisor,
  PortError,
} from '../controllers/ports.ts';
import type { BenchHost } from '../crd/bench-host.ts';
import { qualifiedName } from '../crd/references.ts';
import type { Clock } from '../lib/clock.ts';
import type { SimDomain } from '../sim/domain.ts';
import { SimGuests } from '../sim/guests.ts';
import { SimHypervisor } from '../sim/hypervisor.ts';
import { SlurmGuests } from '../sim/slurm/slurm-guests.ts';

/** Milliseconds from the start of a domain, as seen on a machine with KVM. */
const boot = { leaseAfterMs: 9_000, agentAfterMs: 12_000, sshAfterMs: 13_000 };
/** Of a file of an image, so that there is something to see of it. */
const uploadMs = 5_000;
/** More than anybody wants to see. */
const size = { cpus: 64, memoryBytes: 256 * 2 ** 30 };

/** As libvirt comes with. */
const defaultNetwork = { name: 'default', uuid: '0d7a4a0c-2b5e-4d11-8e57-6c1f5a3b9e20' };

export interface SimulatedHost {
  name: string;
  hypervisor: SimHypervisor;
  guests: SimGuests;
  slurm: SlurmGuests;
}

export class SimulatedHosts implements GuestRunner {
  readonly #clock: Clock;
  readonly #hosts = new Map<string, SimulatedHost>();

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  hypervisor(host: BenchHost): Hypervisor {
    return this.named(qualifiedName(host.metadata)).hypervisor;
  }

  /** A host that nobody has asked for yet is there, and empty. */
  named(name: string): SimulatedHost {
    const known = this.#hosts.get(name) ?? this.#make(name);
    this.#hosts.set(name, known);
    return known;
  }

  /** Every host that a cluster or a command has asked for. */
  all(): SimulatedHost[] {
    return [...this.#hosts.values()];
  }

  /** Throws `rejected` when no host of that name is in use. */
  host(name: string): SimulatedHost {
    const found = this.#hosts.get(name);
    if (found !== undefined) return found;
    const next = 'benchctl get nodes -A -o wide shows the hosts that are in use';
    throw new PortError('rejected', `no cluster is on a host ${name}`, { next });
  }

  /** Throws `rejected` when there is no such VM. */
  domain(namespace: string, node: string): SimulatedHost & { domain: SimDomain } {
    for (const host of this.all()) {
      for (const domain of host.hypervisor.domains.values()) {
        const isIt = domain.name === node && domain.owner?.node?.namespace === namespace;
        if (isIt) return { ...host, domain };
      }
    }
    const what = `there is no VM ${node} in namespace ${namespace}`;
    throw new PortError('rejected', what, { next: 'benchctl get nodes -A' });
  }

  async run(
    target: GuestTarget,
    script: string,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<GuestResult> {
    const { hypervisor, guests } = this.host(target.host);
    // The way to the guests leads over their host.
    if (hypervisor.faults.unreachable) {
      throw new PortError('unreachable', `host ${target.host} does not answer`);
    }
    return await guests.run(target, script, options);
  }

  forget(): void {}

  async close(): Promise<void> {
    for (const { hypervisor } of this.all()) await hypervisor.close();
  }

  #make(name: string): SimulatedHost {
    const clock = this.#clock;
    const { sshAfterMs, ...starts } = boot;
    const hypervisor = new SimHypervisor({ clock, hostname: name, ...size, ...starts });
    hypervisor.faults.mishap = (call) =>
      call === 'uploadArtifact' ? { delayMs: uploadMs } : undefined;
    hypervisor.addNetwork(defaultNetwork);
    const slurm = new SlurmGuests({ clock, hypervisor });
    const guests = new SimGuests({ clock, hypervisor, program: slurm, sshAfterMs });
    return { name, hypervisor, guests, slurm };
  }
}
