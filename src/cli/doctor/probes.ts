/**
 * What `doctor` asks of this machine and its hypervisors: raw facts, no judgement.
 * A probe changes nothing. One that throws or takes too long becomes a failed check of its own, and
 * never keeps the others from being reported.
 */
import type { HostInventory } from '../../controllers/ports.ts';

export interface PackageFacts {
  /** Debian packages that are needed for the demo and image builds, and missing. */
  missing: string[];
  /** There is an apt here. */
  apt: boolean;
}

export interface UserFacts {
  name: string;
  root: boolean;
  groups: string[];
}

export interface KvmFacts {
  /** /dev/kvm is there. */
  present: boolean;
  /** This user may open it. */
  usable: boolean;
}

export interface KeyFacts {
  /** A private key file or an agent with a key. */
  found?: string;
  /** Its permissions let others read it. */
  exposed: boolean;
}

export interface ImageFacts {
  name: string;
  file: string;
  present: boolean;
}

export interface HostProbe {
  /** Name of the BenchHost, or `local` when the directory defines none. */
  name: string;
  uri: string;
  pool: string;
  /** Networks that the clusters on it use and do not own. */
  networks: string[];
  /** Disk bytes that its clusters may still need; 0 when unknown. */
  wantedBytes: number;
  inventory(signal: AbortSignal): Promise<HostInventory>;
}

export interface StateFacts {
  path: string;
  writable: boolean;
  /** Others may read the secrets in it. */
  exposed: boolean;
}

export interface DoctorProbes {
  nodeVersion(): string;
  packages(signal: AbortSignal): Promise<PackageFacts>;
  user(signal: AbortSignal): Promise<UserFacts>;
  kvm(signal: AbortSignal): Promise<KvmFacts>;
  sshKey(signal: AbortSignal): Promise<KeyFacts>;
  /** Those that the BenchImages of the directory name. */
  images(signal: AbortSignal): Promise<ImageFacts[]>;
  state(signal: AbortSignal): Promise<StateFacts>;
  hosts(signal: AbortSignal): Promise<HostProbe[]>;
}
