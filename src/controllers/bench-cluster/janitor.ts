/**
 * Takes away what nobody has any more, slowly: only what it has seen three times and for a quarter
 * of an hour, and what it sees once more right before. It does nothing while the source cannot be
 * trusted as a whole, and what may hold somebody's work it only tells. All it knows is memory of
 * this process; a restart begins to count anew.
 */
import type { BenchHost } from '../../crd/bench-host.ts';
import { qualifiedName } from '../../crd/references.ts';
import { toError } from '../../lib/error.ts';
import type { ClusterRecord, Hypervisor, SourceSnapshot } from '../ports.ts';
import { clusterKey } from './catalog.ts';
import type { ControllerPorts } from './controller-ports.ts';
import { artifactVolumes } from './desired.ts';
import { findOrphans, type Orphan, type Wanted } from './orphans.ts';

const sweepMs = 300_000;
const leastSightings = 3;
const leastAgeMs = 900_000;

interface Sighting {
  first: number;
  count: number;
  told?: true;
}

export interface JanitorOptions {
  ports: ControllerPorts;
  installation: string;
  records: () => readonly ClusterRecord[];
}

export class Janitor {
  readonly #options: JanitorOptions;
  readonly #abort = new AbortController();
  /** By host and key of the orphan. */
  readonly #seen = new Map<string, Map<string, Sighting>>();
  #cancel: () => void = () => {};
  #sweeping: Promise<void> | undefined;

  constructor(options: JanitorOptions) {
    this.#options = options;
  }

  start(): void {
    this.#cancel = this.#options.ports.clock.after(sweepMs, () => {
      this.#sweeping = this.#sweep().finally(() => {
        if (!this.#abort.signal.aborted) this.start();
      });
    });
  }

  async close(): Promise<void> {
    this.#abort.abort();
    this.#cancel();
    await this.#sweeping;
  }

  async #sweep(): Promise<void> {
    const hosts = this.#hosts();
    if (hosts === undefined) {
      this.#seen.clear();
      return;
    }
    for (const [name, host] of hosts) {
      try {
        await this.#sweepHost(name, this.#options.ports.hypervisor(host));
      } catch (thrown) {
        if (this.#abort.signal.aborted) return;
        const err = toError(thrown);
        this.#options.ports.log.warn({ host: name, err }, 'a host could not be swept');
      }
    }
  }

  /** Undefined while it is not known for sure what is wanted. */
  #trusted(): SourceSnapshot | undefined {
    const snapshot = this.#options.ports.source.snapshot();
    const isSure = snapshot.trusted && !snapshot.settling && snapshot.faults.length === 0;
    return isSure ? snapshot : undefined;
  }

  #hosts(): Map<string, BenchHost> | undefined {
    const snapshot = this.#trusted();
    if (snapshot === undefined) return undefined;
    const written = snapshot.manifests.flatMap((item) =>
      item.kind === 'BenchHost' ? [item.object] : [],
    );
    const used = this.#options.records().map(({ host }) => host);
    return new Map([...written, ...used].map((host) => [qualifiedName(host.metadata), host]));
  }

  #wanted(): Wanted | undefined {
    const snapshot = this.#trusted();
    if (snapshot === undefined) return undefined;
    const { records: recordsOf, installation } = this.#options;
    const records = recordsOf();
    const written = snapshot.manifests.flatMap((item) =>
      item.kind === 'BenchCluster' ? [item.object] : [],
    );
    const clusters = [...records.map(({ cluster }) => cluster), ...written];
    return {
      installation,
      clusters: new Set(clusters.map(({ metadata }) => clusterKey(metadata))),
      networks: new Set(clusters.map(({ spec }) => spec.network.name)),
      artifacts: new Set(records.flatMap(({ images }) => artifactVolumes(images))),
    };
  }

  async #sweepHost(host: string, hypervisor: Hypervisor): Promise<void> {
    const { clock } = this.#options.ports;
    const found = await this.#find(hypervisor);
    const before = this.#seen.get(host) ?? new Map<string, Sighting>();
    const now = clock.now();
    const seen = new Map(
      found.map(({ key }): [string, Sighting] => {
        const { first, count, told } = before.get(key) ?? { first: now, count: 0 };
        return [key, { first, count: count + 1, ...(told && { told }) }];
      }),
    );
    this.#seen.set(host, seen);
    const ripe = found.filter(({ key }) => {
      const { first, count } = seen.get(key) ?? { first: now, count: 0 };
      return count >= leastSightings && now - first >= leastAgeMs;
    });
    if (ripe.length === 0) return;
    // Once more, against what is wanted now.
    const still = new Map((await this.#find(hypervisor)).map((orphan) => [orphan.key, orphan]));
    for (const { key } of ripe) {
      const orphan = still.get(key);
      const sighting = seen.get(key);
      if (orphan === undefined || sighting === undefined) continue;
      if (orphan.removal && !(await this.#remove(hypervisor, orphan, host))) continue;
      if (!sighting.told) await this.#tell(orphan, host);
      sighting.told = true;
    }
  }

  async #find(hypervisor: Hypervisor): Promise<Orphan[]> {
    const inventory = await hypervisor.inventory(this.#abort.signal);
    const wanted = this.#wanted();
    return wanted ? findOrphans(inventory, wanted) : [];
  }

  /** The driver proves the mark again, and refuses a volume that anybody uses: then it stays. */
  async #remove(hypervisor: Hypervisor, { removal, key }: Orphan, host: string): Promise<boolean> {
    const { signal } = this.#abort;
    try {
      switch (removal?.kind) {
        case 'domain':
          if (removal.disk) await hypervisor.deleteVolume(removal.disk, removal.uuid, signal);
          await hypervisor.changeDomain('undefine', removal, signal);
          break;
        case 'volume':
          await hypervisor.deleteVolume(removal.name, undefined, signal);
          break;
        case 'network':
          await hypervisor.removeNetwork(removal, signal);
          break;
      }
      return true;
    } catch (thrown) {
      const err = toError(thrown);
      this.#options.ports.log.warn({ host, orphan: key, err }, 'an orphan could not be removed');
      return false;
    }
  }

  async #tell({ of, description, removal }: Orphan, host: string): Promise<void> {
    const { state, clock, log } = this.#options.ports;
    const message = removal ? `${description}: removed` : description;
    log.warn({ host, of, orphan: message }, 'an orphan was found');
    await state.appendEvent({
      time: new Date(clock.now()).toISOString(),
      cluster: of,
      type: 'Warning',
      reason: removal ? 'OrphanRemoved' : 'OrphanFound',
      message: `on ${host}: ${message}`,
    });
  }
}
