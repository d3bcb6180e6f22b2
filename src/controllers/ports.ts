/**
 * What the controller needs of the world, as interfaces over plain values.
 * Every effect may be repeated: doing what is done, or removing what is absent, is success.
 * Every call ends by its signal. Drivers implement these; the simulator will too. Errors are
 * `PortError`s, classed by consequence; nothing above a driver knows libvirt or SSH numbers.
 */
import type { Fault } from '../crd/fault.ts';
import type { Manifest } from '../crd/manifest.ts';

export type * from './state-store.ts';

/** Ownership mark of a domain or network, written in its metadata at define time. */
export interface OwnerMark {
  installation: string;
  /** Absent on networks, which clusters share. */
  node?: {
    clusterUid: string;
    namespace: string;
    cluster: string;
    pool: string;
    index: number;
    /** Digest of everything that needs a new VM when it changes. */
    specHash: string;
    image: string;
  };
}

export type DomainState =
  | 'running'
  | 'paused'
  | 'shutdown' // in the middle of shutting down
  | 'shutoff'
  | 'crashed'
  | 'pmsuspended'
  | 'unknown';

export interface DomainView {
  name: string;
  uuid: string;
  state: DomainState;
  /** libvirt's word for the reason of the state, such as `ioerror` or `destroyed`. */
  reason: string;
  persistent: boolean;
  /** Changes with every start of the domain; -1 when off. A restarted libvirtd gives ids again. */
  id: number;
  /** Of all connections to hosts, the one that listed it; within it no id is given twice. */
  connection: number;
  owner?: OwnerMark;
  macs: string[];
  /** Names of libvirt networks its interfaces are on. */
  networks: string[];
  /** Paths of disk images, kernel and initrd that it refers to. */
  files: string[];
  /** As it is defined, or runs; absent where the host does not tell. */
  cpus?: number;
  memoryBytes?: number;
  /** The guest agent has opened its channel. */
  agentConnected: boolean;
}

export interface VolumeView {
  name: string;
  path: string;
  capacityBytes: number;
  /** Size of its file, where it can be read; `capacityBytes` is that of the disk inside. */
  fileBytes?: number;
  /** Path of the backing file of an overlay. */
  backingPath?: string;
}

export interface LeaseView {
  mac: string;
  address: string;
  /** Unix seconds. The newest lease of a MAC has the latest expiry. */
  expiresAt: number;
}

export interface NetworkView {
  name: string;
  uuid: string;
  active: boolean;
  owner?: OwnerMark;
  leases: LeaseView[];
}

/** One consistent listing of a hypervisor, shared by all clusters on it; never changed once made. */
export interface HostInventory {
  hostname: string;
  libvirtVersion: string;
  domainTypes: ('kvm' | 'qemu')[];
  cpus: number;
  memoryBytes: number;
  pool: {
    name: string;
    path: string;
    active: boolean;
    availableBytes: number;
    volumes: VolumeView[];
  };
  networks: NetworkView[];
  domains: DomainView[];
}

/** Everything a domain is rendered from. */
export interface DomainSpec {
  name: string;
  uuid: string;
  type: 'kvm' | 'qemu';
  cpus: number;
  memoryBytes: number;
  /** Name of the root disk's volume in the pool. */
  volume: string;
  network: string;
  mac: string;
  /** Direct kernel boot: names of volumes in the pool. */
  boot?: { kernel: string; initrd?: string; cmdline: string };
  /** Public keys that may log in as root, by systemd credential. */
  authorizedKeys: string[];
  owner: OwnerMark;
}

export interface NetworkSpec {
  name: string;
  uuid: string;
  /** IPv4 subnet, such as 192.168.150.0/24. */
  cidr: string;
  forward: 'none' | 'nat';
  owner: OwnerMark;
}

/** A file of an image, content-addressed in the pool of a host. */
export interface Artifact {
  /** Final volume name, `<image>-<digest12>.qcow2` (or .vmlinuz, .initrd). */
  volume: string;
  sourcePath: string;
  sha256: string;
}

export type DomainChange = 'start' | 'resume' | 'destroy' | 'undefine';

/** A domain as it was looked at. */
export interface SeenDomain {
  uuid: string;
  owner: OwnerMark;
  /** The run that was seen, both as in its view; without an id whichever runs is meant. */
  id?: number;
  connection?: number;
}

/** One libvirt host. */
export interface Hypervisor {
  /**
   * The present state: kept fresh by events and by our own writes, which a later call always sees.
   * Throws PortError `unreachable` when the host does not answer; a short list is never returned.
   */
  inventory(signal: AbortSignal): Promise<HostInventory>;
  /** Calls back after each event that may have changed the inventory; returns the unsubscribe. */
  onChange(listener: (change: { domain?: string }) => void): () => void;
  /** SSH host key of a guest (`ssh-ed25519 AAAA…`), read over the guest-agent channel. */
  hostKey(uuid: string, signal: AbortSignal): Promise<string>;
  /** Addresses that the guest agent, then the host's ARP table, report for the domain. */
  guestAddresses(uuid: string, signal: AbortSignal): Promise<{ mac: string; address: string }[]>;
  /** The end of what a guest wrote to its serial console, by its root volume; empty when nothing. */
  consoleLog(volume: string, maxBytes: number, signal: AbortSignal): Promise<string>;
  /**
   * Uploads under a temporary name while the digest is computed; the final name appears only for
   * whole and checked content. Throws PortError `rejected` on a wrong digest.
   */
  uploadArtifact(
    artifact: Artifact,
    progress: (sentBytes: number, totalBytes: number) => void,
    signal: AbortSignal,
  ): Promise<void>;
  createVolume(
    volume: { name: string; capacityBytes: number; backingVolume: string },
    signal: AbortSignal,
  ): Promise<void>;
  /** Refuses (`conflict`) when a domain other than `onlyUsedBy`, or one that runs, refers to it. */
  deleteVolume(name: string, onlyUsedBy: string | undefined, signal: AbortSignal): Promise<void>;
  /** Defines (or makes persistent again) and refuses names and UUIDs taken by others: `conflict`. */
  defineDomain(domain: DomainSpec, signal: AbortSignal): Promise<void>;
  /**
   * start, resume, destroy (power off), undefine. Re-reads the ownership mark first: `conflict`, for
   * the last two also when the machine was made anew since its mark was read. What runs is resumed
   * and powered off only as the run that was seen: `conflict` when it was started anew since,
   * `failed` when nobody can tell, because the connection is another one: it is looked at again.
   */
  changeDomain(change: DomainChange, domain: SeenDomain, signal: AbortSignal): Promise<void>;
  /** Defines and starts an owned network. */
  createNetwork(network: NetworkSpec, signal: AbortSignal): Promise<void>;
  /** Stops and undefines an owned network that no domain uses. */
  removeNetwork(
    network: { name: string; uuid: string; owner: OwnerMark },
    signal: AbortSignal,
  ): Promise<void>;
  close(): Promise<void>;
}

/** Where and who a guest is; a connection is made only if all of it can be proven. */
export interface GuestTarget {
  host: string;
  node: string;
  /** Domain UUID; compared with the guest's product UUID before the first command. */
  uuid: string;
  address: string;
  user: string;
  /** `ssh-ed25519 AAAA…` as read over the guest agent. */
  hostKey: string;
}

export interface GuestResult {
  exitCode: number;
  stdout: string;
  stderr: string;
  /** The output was too long, and a part in its middle is left out. */
  truncated?: true;
}

/** Runs shell scripts in guests over SSH; the script travels on stdin, never in argv. */
export interface GuestRunner {
  run(
    target: GuestTarget,
    script: string,
    options: { timeoutMs: number; maxOutputBytes?: number; signal: AbortSignal },
  ): Promise<GuestResult>;
  /** Drops the connection to a guest that is gone. */
  forget(uuid: string): void;
  close(): Promise<void>;
}

/** What a source holds now. A fault concerns a file; `objects` names what it last defined. */
export interface SourceSnapshot {
  /** False: the source as a whole cannot be trusted now (unreadable, empty): nothing is deleted. */
  trusted: boolean;
  /** Why it is not trusted, for the condition. */
  reason?: string;
  /** Not trusted for a moment only, until a second look confirms the first: no news for people. */
  settling?: true;
  manifests: Manifest[];
  faults: Fault[];
}

/** A place that manifests come from. */
export interface ManifestSource {
  snapshot(): SourceSnapshot;
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}

export type PortErrorCode =
  | 'unreachable' // the other side does not answer; retry with back-off
  | 'conflict' // the name belongs to somebody else, or the state forbids it; a person may be needed
  | 'rejected' // the request itself is wrong; no retry with the same input
  | 'failed' // it was tried and failed; retry with back-off
  | 'timeout' // outcome unknown; observe again
  | 'cancelled';

export class PortError extends Error {
  readonly code: PortErrorCode;
  /** What a person does about it, a command if there is one; undefined: what the code says. */
  readonly next: string | undefined;
  constructor(
    code: PortErrorCode,
    message: string,
    options: { cause?: unknown; next?: string | undefined } = {},
  ) {
    super(message, options);
    this.name = 'PortError';
    this.code = code;
    this.next = options.next;
  }
}
