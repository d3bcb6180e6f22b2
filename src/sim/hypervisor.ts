/**
 * A hypervisor in memory: it really has domains, volumes, networks and leases, and refuses what
 * libvirt refuses. Time comes only from the clock that is given, so a boot takes as long as a test
 * says. Faults: `failNext`, `loseReplyOfNext` (done, but the answer is lost), `unreachable`,
 * `delayMs`. The same conformance suite runs on it and on real libvirt.
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
} from '../controllers/ports.ts';
import { PortError } from '../controllers/ports.ts';
import { requireContent } from '../drivers/libvirt/artifact-content.ts';
import { digestOf } from '../lib/hash.ts';
import { newDomain, type SimDomain } from './domain.ts';
import { FaultPlan } from './fault-plan.ts';
import { ownerKey, pathOf, SimHost, type SimHostOptions } from './host.ts';
import { addNetwork, takeNetwork } from './networks.ts';
import { type ImageFile, type Sender, SimUploads } from './uploads.ts';

export type SimCall = Exclude<keyof Hypervisor, 'onChange' | 'close'>;

export interface SimHypervisorOptions extends SimHostOptions {
  /** Who uploads and does not say who it is. */
  sender?: Sender;
}

/** It has this world to itself, and files that are what their manifests say. */
const soleSender: Sender = { installation: '00000000-0000-4000-8000-000000000000' };
/** As much as any file of which nothing else is known. */
const someSize = { bytes: 1_000_000, capacityBytes: 2 ** 31 };

export class SimHypervisor extends SimHost implements Hypervisor {
  /** What guests wrote to their consoles, by root volume. */
  readonly consoles = new Map<string, string>();
  readonly faults: FaultPlan<SimCall>;
  readonly uploads: SimUploads;
  readonly #options: SimHypervisorOptions;
  readonly #listeners = new Set<(change: { domain?: string }) => void>();

  constructor(options: SimHypervisorOptions) {
    super(options, (domain) => this.#emit(domain));
    this.#options = options;
    this.faults = new FaultPlan(options.clock);
    this.uploads = new SimUploads(this.volumes, options.clock);
  }

  /** Every call that came through, for counting. */
  get calls(): SimCall[] {
    return this.faults.calls;
  }

  set unreachable(unreachable: boolean) {
    this.faults.unreachable = unreachable;
  }

  set delayMs(delayMs: number) {
    this.faults.delayMs = delayMs;
  }

  /** The next call of that name does nothing and fails. Several add up. */
  failNext(call: SimCall, error = new PortError('failed', `${call} fails on request`)): void {
    this.faults.failNext(call, error);
  }

  /** The next call of that name is done, but its answer never comes. */
  loseReplyOfNext(call: SimCall): void {
    this.faults.loseReplyOfNext(call);
  }

  /** Somebody else has changed the domain: who listens hears of it. */
  announce(uuid: string): void {
    this.#emit(uuid);
  }

  /** What a person or an accident does to a domain: power cut, crash, pause, undefine. */
  disturb(uuid: string, how: 'destroy' | 'crash' | 'pause' | 'undefine'): void {
    const domain = this.domain(uuid);
    if (how === 'pause') {
      domain.state = 'paused';
      domain.reason = 'ioerror';
    } else if (how === 'undefine') this.undefine(domain);
    else this.powerOff(domain, how === 'crash' ? 'crashed' : 'destroyed');
    this.#emit(uuid);
  }

  addForeignDomain(domain: { name: string; uuid: string; files?: string[]; network?: string }) {
    const { name, uuid, files = [], network = '' } = domain;
    const mac = `52:54:00:ff:00:${this.domains.size.toString(16).padStart(2, '0')}`;
    this.domains.set(uuid, newDomain({ name, uuid, mac, network, files }));
    this.#emit(uuid);
  }

  addNetwork(network: { name: string; uuid: string; active?: boolean; owner?: OwnerMark }): void {
    const { name, uuid, active = true, owner } = network;
    const prefix = `192.168.${100 + this.networks.size}`;
    this.networks.set(name, { name, uuid, active, prefix, leases: [], ...(owner && { owner }) });
    this.#emit();
  }

  inventory(signal: AbortSignal): Promise<HostInventory> {
    return this.faults.perform('inventory', signal, () => this.view());
  }

  onChange(listener: (change: { domain?: string }) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  hostKey(uuid: string, signal: AbortSignal): Promise<string> {
    return this.faults.perform('hostKey', signal, () => {
      if (!this.domain(uuid).agentConnected) throw failed('The guest agent is not connected');
      return simHostKey(uuid);
    });
  }

  guestAddresses(uuid: string, signal: AbortSignal): Promise<{ mac: string; address: string }[]> {
    return this.faults.perform('guestAddresses', signal, () => {
      const domain = this.domain(uuid);
      if (!domain.agentConnected) return [];
      const address = this.addressOf(domain);
      return address === undefined ? [] : [{ mac: domain.mac, address }];
    });
  }

  consoleLog(volume: string, maxBytes: number, signal: AbortSignal): Promise<string> {
    return this.faults.perform('consoleLog', signal, () =>
      (this.consoles.get(volume) ?? '').slice(-maxBytes),
    );
  }

  uploadArtifact(
    artifact: Artifact,
    progress: (sentBytes: number, totalBytes: number) => void,
    signal: AbortSignal,
    sender = this.#options.sender ?? soleSender,
  ): Promise<void> {
    return this.faults.perform('uploadArtifact', signal, async () => {
      if (this.uploads.isWhole(artifact.volume)) return;
      const file = await this.#read(artifact, sender);
      const { bytes } = file;
      progress(0, bytes);
      const { installation } = sender;
      const sent = this.uploads.send(artifact.volume, { file, installation, signal });
      if (sent) await sent;
      progress(bytes, bytes);
    });
  }

  createVolume(
    volume: { name: string; capacityBytes: number; backingVolume: string },
    signal: AbortSignal,
  ): Promise<void> {
    return this.faults.perform('createVolume', signal, () => {
      const present = this.volumes.get(volume.name);
      if (present !== undefined) {
        if (digestOf(present) === digestOf(volume)) return;
        throw new PortError('conflict', `Volume ${volume.name} exists and is different`);
      }
      const base = this.volumes.get(volume.backingVolume);
      if (base === undefined || !this.uploads.isWhole(base.name))
        throw failed(`Backing volume ${volume.backingVolume} is not there`);
      if (volume.capacityBytes < base.capacityBytes) {
        throw new PortError('rejected', `${volume.name} is smaller than ${base.name}`);
      }
      this.volumes.set(volume.name, { ...volume });
    });
  }

  deleteVolume(
    volume: string,
    onlyUsedBy: string | undefined,
    signal: AbortSignal,
    by = soleSender.installation,
  ): Promise<void> {
    return this.faults.perform('deleteVolume', signal, () => {
      const [name = volume, ...parts] = this.uploads.doomedWith(volume, by);
      for (const domain of this.domains.values()) {
        const uses = domain.files.includes(pathOf(name));
        if (uses && (domain.uuid !== onlyUsedBy || domain.id !== -1)) {
          throw new PortError('conflict', `Volume ${name} is used by domain ${domain.name}`);
        }
      }
      for (const other of this.volumes.values()) {
        if (other.backingVolume === name) {
          throw new PortError('conflict', `Volume ${name} is used by volume ${other.name}`);
        }
      }
      for (const doomed of [name, ...parts]) this.volumes.delete(doomed);
    });
  }

  defineDomain(spec: DomainSpec, signal: AbortSignal): Promise<void> {
    return this.faults.perform('defineDomain', signal, () => {
      for (const domain of this.domains.values()) {
        if (domain.uuid !== spec.uuid && domain.name !== spec.name) continue;
        const isSame = digestOf(domain.owner) === digestOf(spec.owner);
        if (domain.uuid !== spec.uuid || domain.name !== spec.name || !isSame) {
          throw new PortError('conflict', `Domain ${domain.name} exists and is not this one`);
        }
        domain.persistent = true;
        return;
      }
      const volumes = [spec.volume, spec.boot?.kernel, spec.boot?.initrd];
      const files = volumes.filter((volume) => volume !== undefined).map(pathOf);
      this.domains.set(spec.uuid, newDomain({ ...spec, files }));
      this.#emit(spec.uuid);
    });
  }

  changeDomain(change: DomainChange, target: SeenDomain, signal: AbortSignal): Promise<void> {
    return this.faults.perform('changeDomain', signal, () => {
      const domain = this.domains.get(target.uuid);
      if (domain === undefined) {
        if (change === 'destroy' || change === 'undefine') return;
        throw failed(`Domain ${target.uuid} is not there`);
      }
      if (ownerKey(domain.owner) !== ownerKey(target.owner)) {
        throw new PortError('conflict', `Domain ${domain.name} does not carry our mark`);
      }
      const takesAway = change === 'destroy' || change === 'undefine';
      const isNew = domain.owner?.node?.specHash !== target.owner.node?.specHash;
      const isOfRun = change !== 'start' && target.id !== undefined && domain.id !== -1;
      if ((takesAway && isNew) || (isOfRun && domain.id !== target.id)) {
        throw new PortError('conflict', `${domain.name} was made or started anew since then`);
      }
      const mayBeLater = isOfRun && this.connection !== target.connection;
      if (mayBeLater) throw failed(`${domain.name} may have been started anew since then`);
      this.#change(change, domain);
      this.#emit(domain.uuid);
    });
  }

  createNetwork(spec: NetworkSpec, signal: AbortSignal): Promise<void> {
    return this.faults.perform('createNetwork', signal, () => {
      if (addNetwork(this.networks, spec)) this.#emit();
    });
  }

  removeNetwork(
    target: { name: string; uuid: string; owner: OwnerMark },
    signal: AbortSignal,
  ): Promise<void> {
    return this.faults.perform('removeNetwork', signal, () => {
      if (takeNetwork(this.networks, target, this.domains.values())) this.#emit();
    });
  }

  async close(): Promise<void> {
    this.#listeners.clear();
  }

  #change(change: DomainChange, domain: SimDomain): void {
    if (change === 'start' && domain.id === -1) this.start(domain);
    else if (change === 'resume' && domain.state === 'paused') {
      domain.state = 'running';
      domain.reason = 'unpaused';
    } else if (change === 'destroy' && domain.id !== -1) this.powerOff(domain, 'destroyed');
    else if (change === 'undefine') {
      if (domain.id !== -1) throw new PortError('conflict', `Domain ${domain.name} is running`);
      this.domains.delete(domain.uuid);
    }
  }

  async #read(artifact: Artifact, { fileAt }: Sender): Promise<ImageFile> {
    const { sourcePath, sha256 } = artifact;
    const file = fileAt ? fileAt(sourcePath) : { sha256, ...someSize };
    if (file === undefined) throw new PortError('rejected', `Cannot read ${sourcePath}`);
    requireContent(artifact, file.sha256);
    return { ...someSize, ...file };
  }

  #emit(domain?: string): void {
    for (const listener of this.#listeners) listener(domain === undefined ? {} : { domain });
  }
}

/** Stable per domain, so that tests can know it beforehand. */
export function simHostKey(uuid: string): string {
  return `ssh-ed25519 ${Buffer.from(`key of ${uuid}`).toString('base64')}`;
}

function failed(message: string): PortError {
  return new PortError('failed', message);
}
