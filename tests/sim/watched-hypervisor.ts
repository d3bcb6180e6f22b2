/**
 * The fake hypervisor under watch: it counts what was really made (a repeat that changes nothing
 * does not count) and notes every act that must never happen. It shares no code with the
 * controller, so the two cannot err together.
 */
import type {
  Artifact,
  DomainSpec,
  HostInventory,
  Hypervisor,
  NetworkSpec,
  OwnerMark,
} from '../../src/controllers/ports.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { SimDomain } from '../../src/sim/host.ts';
import type { SimHypervisor } from '../../src/sim/hypervisor.ts';
import type { FakeSchedulerProgram } from '../fakes/fake-scheduler-program.ts';

type Change = 'start' | 'resume' | 'destroy' | 'undefine';

export class WatchedHypervisor implements Hypervisor {
  /** How often each thing was really made, started, ended. */
  readonly counts = new Map<string, number>();
  /** What must never happen, in words. */
  readonly violations: string[] = [];
  /** How old a listing is when it arrives: what happened meanwhile is not in it. */
  staleMs = 0;
  /** How long a write takes before it has its effect. */
  writeMs = 0;
  readonly #clock: Clock;
  readonly #real: SimHypervisor;
  readonly #program: FakeSchedulerProgram;

  constructor(real: SimHypervisor, program: FakeSchedulerProgram, clock: Clock) {
    this.#clock = clock;
    this.#real = real;
    this.#program = program;
  }

  async inventory(signal: AbortSignal): Promise<HostInventory> {
    const inventory = await this.#real.inventory(signal);
    if (this.staleMs === 0) return inventory;
    await this.#wait(this.staleMs);
    return inventory;
  }

  onChange(listener: (change: { domain?: string }) => void): () => void {
    return this.#real.onChange(listener);
  }

  hostKey(uuid: string, signal: AbortSignal): Promise<string> {
    return this.#real.hostKey(uuid, signal);
  }

  guestAddresses(uuid: string, signal: AbortSignal) {
    return this.#real.guestAddresses(uuid, signal);
  }

  consoleLog(volume: string, maxBytes: number, signal: AbortSignal): Promise<string> {
    return this.#real.consoleLog(volume, maxBytes, signal);
  }

  uploadArtifact(
    artifact: Artifact,
    progress: (sent: number, total: number) => void,
    signal: AbortSignal,
  ): Promise<void> {
    return this.#counted(`upload ${artifact.volume}`, this.#volume(artifact.volume), () =>
      this.#real.uploadArtifact(artifact, progress, signal),
    );
  }

  createVolume(
    volume: { name: string; capacityBytes: number; backingVolume: string },
    signal: AbortSignal,
  ): Promise<void> {
    return this.#counted(`volume ${volume.name}`, this.#volume(volume.name), () =>
      this.#real.createVolume(volume, signal),
    );
  }

  deleteVolume(name: string, onlyUsedBy: string | undefined, signal: AbortSignal): Promise<void> {
    return this.#counted(`no volume ${name}`, this.#volume(name), () =>
      this.#real.deleteVolume(name, onlyUsedBy, signal),
    );
  }

  defineDomain(domain: DomainSpec, signal: AbortSignal): Promise<void> {
    return this.#counted(`define ${domain.name}`, this.#domain(domain.uuid), () =>
      this.#real.defineDomain(domain, signal),
    );
  }

  changeDomain(
    change: Change,
    target: { uuid: string; owner: OwnerMark },
    signal: AbortSignal,
  ): Promise<void> {
    const domain = this.#real.domains.get(target.uuid);
    if (domain && change === 'destroy') this.#mayBeDestroyed(domain);
    if (domain && domain.owner === undefined)
      this.violations.push(`${change} foreign ${domain.name}`);
    return this.#counted(
      `${change} ${domain?.name ?? target.uuid}`,
      this.#domain(target.uuid),
      () => this.#real.changeDomain(change, target, signal),
    );
  }

  createNetwork(network: NetworkSpec, signal: AbortSignal): Promise<void> {
    return this.#counted(`network ${network.name}`, this.#network(network.name), () =>
      this.#real.createNetwork(network, signal),
    );
  }

  removeNetwork(
    network: { name: string; uuid: string; owner: OwnerMark },
    signal: AbortSignal,
  ): Promise<void> {
    return this.#counted(`no network ${network.name}`, this.#network(network.name), () =>
      this.#real.removeNetwork(network, signal),
    );
  }

  async close(): Promise<void> {}

  /** Everything that was made, with how often. */
  made(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort());
  }

  #mayBeDestroyed(domain: SimDomain): void {
    const head = `${domain.owner?.node?.cluster}-head-0`;
    const record = this.#program.nodes(head).get(domain.name);
    if (record === undefined || domain.state !== 'running') return;
    if (record.jobs > 0) this.violations.push(`destroy ${domain.name} with ${record.jobs} jobs`);
    if (record.drain === undefined) this.violations.push(`destroy ${domain.name} before its drain`);
  }

  async #counted(what: string, probe: () => string, call: () => Promise<void>): Promise<void> {
    if (this.writeMs > 0) await this.#wait(this.writeMs);
    const before = probe();
    await call();
    if (probe() === before) return;
    this.counts.set(what, (this.counts.get(what) ?? 0) + 1);
  }

  #wait(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(milliseconds, resolve);
    });
  }

  #volume(name: string): () => string {
    return () => String(this.#real.volumes.has(name));
  }

  #domain(uuid: string): () => string {
    return () => {
      const domain = this.#real.domains.get(uuid);
      return domain === undefined ? 'none' : `${domain.id} ${domain.state} ${domain.persistent}`;
    };
  }

  #network(name: string): () => string {
    return () => String(this.#real.networks.get(name)?.active);
  }
}
