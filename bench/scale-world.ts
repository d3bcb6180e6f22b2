/**
 * Many clusters on many simulated hosts under the real controller, in virtual time: the hosts, the
 * guests and a small scheduler cost little, so what is measured is the controller.
 */
import { Controller } from '../src/controllers/bench-cluster/controller.ts';
import {
  type GuestRunner,
  type HostInventory,
  type Hypervisor,
  PortError,
} from '../src/controllers/ports.ts';
import type { BenchHost } from '../src/crd/bench-host.ts';
import { SharedListing } from '../src/drivers/libvirt/shared-listing.ts';
import { createLog } from '../src/lib/log.ts';
import { SimHypervisor } from '../src/sim/hypervisor.ts';
import { MemorySource } from '../src/sim/memory-source.ts';
import { MemoryState } from '../src/sim/memory-state.ts';
import { VirtualClock } from '../src/sim/virtual-clock.ts';
import { clusterOf, hostOf, identity, imageOf } from '../tests/fakes/builders.ts';
import { ScaleGuests, scaleScheduler } from './scale-scheduler.ts';

const never = new AbortController().signal;

interface Host {
  hypervisor: SimHypervisor;
  shared: Hypervisor;
  guests: ScaleGuests;
}

/** As the libvirt driver has it: a listing is shared until an event, a write, or so long. */
const reuseMs = 1000;

export interface ScaleOptions {
  clusters: number;
  /** Workers of each; a head comes to them. */
  workers: number;
  clustersPerHost: number;
}

export class ScaleWorld {
  readonly clock = new VirtualClock();
  readonly source = new MemorySource();
  readonly state = new MemoryState(identity.installation);
  readonly #hosts = new Map<string, Host>();
  readonly #options: ScaleOptions;
  #controller: Controller | undefined;

  constructor(options: ScaleOptions) {
    this.#options = options;
    this.source.put(imageOf());
    const hosts = Math.ceil(options.clusters / options.clustersPerHost);
    for (let index = 0; index < hosts; index += 1) {
      this.#addHost(`host-${index}`);
      this.source.put(hostOf(`host-${index}`));
    }
  }

  /** Writes all manifests at once and starts the controller. */
  async start(): Promise<void> {
    for (let index = 0; index < this.#options.clusters; index += 1)
      this.source.put(this.cluster(index));
    this.#controller = new Controller(
      {
        source: this.source,
        state: this.state,
        runner: this.#runner(),
        hypervisor: (host) => this.#hypervisor(host),
        scheduler: () => scaleScheduler,
        clock: this.clock,
        random: () => 0.5,
        log: createLog('silent'),
      },
      { identity },
    );
    await this.#controller.start();
  }

  cluster(index: number, replicas = this.#options.workers) {
    const host = `host-${Math.floor(index / this.#options.clustersPerHost)}`;
    return clusterOf({
      name: `cluster-${index}`,
      replicas,
      spec: {
        network: { name: 'shared', managed: { cidr: '10.0.0.0/16' } },
        placement: { hosts: [host] },
      },
    });
  }

  isReady(index: number): boolean {
    const conditions = this.state.status(`default/cluster-${index}`)?.conditions;
    return conditions?.find(({ type }) => type === 'Ready')?.status === 'True';
  }

  async untilAllReady(limitMs: number): Promise<void> {
    // Those that are ready stay so: each look begins at the first that was not.
    let next = 0;
    const all = () => {
      while (next < this.#options.clusters && this.isReady(next)) next += 1;
      return next === this.#options.clusters;
    };
    if (await this.clock.advanceUntil(all, limitMs)) return;
    const status = this.state.status(`default/cluster-${next}`);
    throw new Error(`cluster-${next} is never ready: ${JSON.stringify(status?.conditions[0])}`);
  }

  get domains(): number {
    return [...this.#hosts.values()].reduce(
      (sum, { hypervisor }) => sum + hypervisor.domains.size,
      0,
    );
  }

  close(): Promise<void> | undefined {
    return this.#controller?.close();
  }

  #addHost(name: string): void {
    const { clock } = this;
    const hypervisor = new SimHypervisor({ clock });
    const guests = new ScaleGuests(clock, hypervisor);
    const listing = new SharedListing(() => hypervisor.inventory(never), clock, reuseMs);
    hypervisor.onChange(() => listing.changed());
    const shared = sharing(hypervisor, listing);
    this.#hosts.set(name, { hypervisor, shared, guests });
  }

  #host(name: string): Host {
    const host = this.#hosts.get(name);
    if (host === undefined) throw new PortError('unreachable', `there is no host ${name}`);
    return host;
  }

  #hypervisor(host: BenchHost): Hypervisor {
    return this.#host(host.metadata.name).shared;
  }

  #runner(): GuestRunner {
    return {
      run: (target, script) =>
        this.#host(target.host.replace(/^.*\//, '')).guests.run(target, script),
      forget: () => {},
      close: async () => {},
    };
  }
}

const reads = new Set(['hostKey', 'guestAddresses', 'consoleLog', 'onChange', 'close']);

/** The same hypervisor with one listing for all who ask; a write is in every later one. */
function sharing(hypervisor: SimHypervisor, listing: SharedListing<HostInventory>): Hypervisor {
  return new Proxy<Hypervisor>(hypervisor, {
    get(target, name) {
      if (name === 'inventory') return () => listing.get();
      const value: unknown = Reflect.get(target, name, target);
      if (typeof value !== 'function') return value;
      if (reads.has(String(name))) return value.bind(target);
      return (...args: unknown[]) =>
        Promise.resolve(Reflect.apply(value, target, args)).finally(() => listing.changed());
    },
  });
}
