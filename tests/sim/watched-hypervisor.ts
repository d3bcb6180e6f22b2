/**
 * The simulated hypervisor under watch: it counts what was really made (a repeat that changes
 * nothing does not count) and tells the oracle of each effect, when it is asked for and at the
 * moment when it takes place.
 */
import type {
  Artifact,
  DomainChange,
  DomainSpec,
  HostInventory,
  Hypervisor,
  NetworkSpec,
  OwnerMark,
  SeenDomain,
} from '../../src/controllers/ports.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { SimHypervisor } from '../../src/sim/hypervisor.ts';
import type { Sender } from '../../src/sim/uploads.ts';
import type { Oracle } from '../oracle/oracle.ts';
import type { HostEffect } from '../oracle/truth.ts';

/** The host is told by the watch. */
type Told = HostEffect extends infer Effect
  ? Effect extends HostEffect
    ? Omit<Effect, 'host'>
    : never
  : never;

export class WatchedHypervisor implements Hypervisor {
  /** How often each thing was really made, started, ended. */
  readonly counts = new Map<string, number>();
  /** How often the host was asked for a listing, with success or without: what each round begins with. */
  listings = 0;
  /** How old a listing is when it arrives: what happened meanwhile is not in it. */
  staleMs = 0;
  /** How long a write takes before it has its effect. */
  writeMs = 0;
  readonly #clock: Clock;
  readonly #real: SimHypervisor;
  readonly #oracle: Oracle;
  readonly #host: string;
  readonly #sender: Sender;
  readonly #askers = new WeakMap<AbortSignal, string>();
  #asked = 0;
  /** What goes round the effect whose call enters the hypervisor at this very moment. */
  #entering: (<T>(effect: () => T) => T) | undefined;

  constructor(
    real: SimHypervisor,
    clock: Clock,
    oracle: Oracle,
    { host, sender }: { host: string; sender: Sender },
  ) {
    this.#sender = sender;
    this.#clock = clock;
    this.#real = real;
    this.#oracle = oracle;
    this.#host = host;
    // A call waits in the hypervisor for as long as a fault says, so the moment when it takes
    // place is seen from inside only.
    const { faults } = real;
    const perform = faults.perform.bind(faults);
    faults.perform = (call, signal, effect) => {
      const watched = this.#entering;
      return perform(call, signal, watched === undefined ? effect : () => watched(effect));
    };
  }

  /** What must never happen and did, in words. */
  get violations(): string[] {
    return this.#oracle.lines;
  }

  async inventory(signal: AbortSignal): Promise<HostInventory> {
    this.listings += 1;
    const inventory = await this.#real.inventory(signal);
    this.#oracle.look();
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
    return this.#effect(
      { kind: 'uploadArtifact', artifact },
      `upload ${artifact.volume}`,
      this.#volume(artifact.volume),
      () => this.#real.uploadArtifact(artifact, progress, signal, this.#sender),
      signal,
    );
  }

  createVolume(
    volume: { name: string; capacityBytes: number; backingVolume: string },
    signal: AbortSignal,
  ): Promise<void> {
    return this.#effect(
      { kind: 'createVolume', volume },
      `volume ${volume.name}`,
      this.#volume(volume.name),
      () => this.#real.createVolume(volume, signal),
      signal,
    );
  }

  deleteVolume(name: string, onlyUsedBy: string | undefined, signal: AbortSignal): Promise<void> {
    return this.#effect(
      { kind: 'deleteVolume', name, ...(onlyUsedBy !== undefined && { onlyUsedBy }) },
      `no volume ${name}`,
      this.#volume(name),
      () => this.#real.deleteVolume(name, onlyUsedBy, signal, this.#sender.installation),
      signal,
    );
  }

  defineDomain(domain: DomainSpec, signal: AbortSignal): Promise<void> {
    return this.#effect(
      { kind: 'defineDomain', domain },
      `define ${domain.name}`,
      this.#domain(domain.uuid),
      () => this.#real.defineDomain(domain, signal),
      signal,
    );
  }

  changeDomain(change: DomainChange, target: SeenDomain, signal: AbortSignal): Promise<void> {
    const name = this.#real.domains.get(target.uuid)?.name ?? target.uuid;
    return this.#effect(
      { kind: change, ...seenOf(target) },
      `${change} ${name}`,
      this.#domain(target.uuid),
      () => this.#real.changeDomain(change, target, signal),
      signal,
    );
  }

  createNetwork(network: NetworkSpec, signal: AbortSignal): Promise<void> {
    return this.#effect(
      { kind: 'createNetwork', network },
      `network ${network.name}`,
      this.#network(network.name),
      () => this.#real.createNetwork(network, signal),
      signal,
    );
  }

  removeNetwork(
    network: { name: string; uuid: string; owner: OwnerMark },
    signal: AbortSignal,
  ): Promise<void> {
    return this.#effect(
      { kind: 'removeNetwork', network },
      `no network ${network.name}`,
      this.#network(network.name),
      () => this.#real.removeNetwork(network, signal),
      signal,
    );
  }

  async close(): Promise<void> {}

  /** Everything that was made, with how often. */
  made(): Record<string, number> {
    return Object.fromEntries([...this.counts].sort());
  }

  async #effect(
    effect: Told,
    counted: string,
    probe: () => string,
    call: () => Promise<void>,
    signal: AbortSignal,
  ): Promise<void> {
    const asked = { host: this.#host, by: this.#asker(signal), ...effect };
    const act = this.#oracle.asked(asked as HostEffect);
    try {
      if (this.writeMs > 0) await this.#wait(this.writeMs);
      this.#entering = (run) => this.#counting(counted, probe, () => act.through(run));
      const answer = call();
      this.#entering = undefined;
      await answer;
      act.ended();
    } catch (thrown) {
      this.#entering = undefined;
      act.ended(thrown);
      throw thrown;
    }
  }

  /**
   * Counts it when the world is another one after it, whether it is answered or not. Of two uploads
   * of the same that meet, the first has made it.
   */
  #counting<T>(counted: string, probe: () => string, run: () => T): T {
    const before = probe();
    const times = this.counts.get(counted) ?? 0;
    const count = () => {
      const isFirst = (this.counts.get(counted) ?? 0) === times;
      if (isFirst && probe() !== before) this.counts.set(counted, times + 1);
    };
    const result = run();
    if (result instanceof Promise) void result.then(count, count);
    else count();
    return result;
  }

  /** Each cluster asks under a signal of its own, by which all that it asked for would be ended. */
  #asker(signal: AbortSignal): string {
    const known = this.#askers.get(signal);
    if (known !== undefined) return known;
    this.#asked += 1;
    const asker = String(this.#asked);
    this.#askers.set(signal, asker);
    return asker;
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

/** Of what the controller names a domain by: nothing else may come to the oracle with it. */
function seenOf({ uuid, owner, id }: SeenDomain): SeenDomain {
  return { uuid, owner, ...(id !== undefined && { id }) };
}
