/**
 * What the oracle looks at: the world's own truth at one moment, and the effects that are tried on
 * it, both as plain values. Nothing here is a type of the controller; whoever builds a world says
 * how its truth is read (`Witness`) and tells each effect.
 */

/** The mark in a domain's or network's metadata, as the world holds it. */
export interface MarkTruth {
  installation: string;
  node?: {
    clusterUid: string;
    namespace: string;
    cluster: string;
    pool: string;
    index: number;
    [more: string]: unknown;
  };
}

export interface DomainTruth {
  name: string;
  uuid: string;
  state: string;
  reason: string;
  persistent: boolean;
  /** Another one with each start; -1 when off. */
  id: number;
  owner?: MarkTruth;
  mac: string;
  network: string;
  /** Paths of disk, kernel and initrd. */
  files: string[];
  /** Its guest would answer somebody who knows it. */
  answers: boolean;
}

export interface VolumeTruth {
  name: string;
  capacityBytes: number;
  backingVolume?: string;
  /** Digest of what was uploaded; of images only, and of none that is not whole. */
  contentSha256?: string;
}

export interface NetworkTruth {
  name: string;
  uuid: string;
  active: boolean;
  owner?: MarkTruth;
  /** Who has which address, the newest last. */
  leases: { mac: string; address: string }[];
}

export interface HostTruth {
  name: string;
  poolPath: string;
  domains: DomainTruth[];
  volumes: VolumeTruth[];
  networks: NetworkTruth[];
}

/** What the scheduler of one cluster has on record of a worker. */
export interface RecordTruth {
  name: string;
  /** Jobs that hold it, also those that are ending. */
  jobs: number;
  /** No new job starts on it. */
  closed: boolean;
  /** It is closed only because the scheduler does not hear of it: nobody decided that. */
  lost?: boolean;
  /** The scheduler has refused a registration under its name, and so closes it by itself. */
  refused?: boolean;
  /** Why it is closed, as recorded. */
  reason?: string;
  /** Its daemon answers the head. */
  up: boolean;
}

export interface SchedulerTruth {
  namespace: string;
  cluster: string;
  /** UUID of the domain that the head runs in. */
  head: string;
  /** The daemon on the head runs, so that it could be asked. */
  answers: boolean;
  records: RecordTruth[];
}

export interface Truth {
  /** Milliseconds since the epoch. */
  now: number;
  hosts: HostTruth[];
  schedulers: SchedulerTruth[];
}

/** One manifest as it stands in the source now. */
export interface ManifestTruth {
  kind: string;
  object: {
    metadata: {
      name: string;
      namespace: string;
      annotations?: Record<string, string> | undefined;
    };
    spec: unknown;
  };
  /** `whole`: its file says by its last line that nothing of it is missing. */
  origin: { settled: boolean; whole?: boolean; missing?: true };
}

export interface SourceTruth {
  /** It can be read as a whole, and is not empty by accident. */
  trusted: boolean;
  manifests: ManifestTruth[];
  faults: { object?: { kind: string; namespace: string; name: string } }[];
  /** Clusters, as `namespace/name`, that a person asked to delete. */
  requests: string[];
  /** Revisions of what is held that a person confirmed, until the controller has read them. */
  confirmations: string[];
}

/**
 * How the truth of a world is read; every call gives values that nobody changes afterwards. One
 * that gives the very same hosts or schedulers again says that nothing about them has changed,
 * and what was once worked out from them is not worked out anew.
 */
export interface Witness {
  /** The UUID of the installation whose effects are judged. */
  readonly installation: string;
  now(): number;
  hosts(): HostTruth[];
  schedulers(): SchedulerTruth[];
  source(): SourceTruth;
  /** Secrets that exist now, by name. */
  secrets(): ReadonlyMap<string, Uint8Array>;
}

/** The definition of a domain as it is asked for. */
export interface DefinitionAsked {
  name: string;
  uuid: string;
  cpus: number;
  memoryBytes: number;
  volume: string;
  network: string;
  mac: string;
  owner: MarkTruth;
  boot?: { kernel: string; initrd?: string; cmdline: string };
}

/** `by`: which cluster of the process asks, where several may ask for one thing. */
export type HostEffect = { host: string; by?: string } & (
  | { kind: 'uploadArtifact'; artifact: { volume: string; sha256: string } }
  | { kind: 'createVolume'; volume: { name: string; capacityBytes: number; backingVolume: string } }
  | { kind: 'deleteVolume'; name: string; onlyUsedBy?: string }
  | { kind: 'defineDomain'; domain: DefinitionAsked }
  | {
      kind: 'start' | 'resume' | 'destroy' | 'undefine';
      uuid: string;
      owner: MarkTruth;
      /** The run that was looked at. */
      id?: number;
    }
  | { kind: 'createNetwork'; network: { name: string; uuid: string; owner: MarkTruth } }
  | { kind: 'removeNetwork'; network: { name: string; uuid: string; owner: MarkTruth } }
);

export type GuestEffect = {
  kind: 'guest';
  node: string;
  uuid: string;
  address: string;
  hostKey: string;
  script: string;
  /** It only reads: facts and the scheduler's view. */
  reads: boolean;
};

export type StateEffect =
  | { kind: 'putCluster'; cluster: string; record: unknown }
  | { kind: 'removeCluster'; cluster: string }
  | { kind: 'forgetDeletionRequest'; cluster: string }
  | { kind: 'putStatus'; cluster: string; status: StatusTruth };

export type Effect = HostEffect | GuestEffect | StateEffect;

/** What a written status tells, as far as anybody here reads it. */
export interface StatusTruth {
  observedGeneration: number;
  conditions: { type: string; status: string; reason: string; message: string }[];
  nodes: { name: string; pool: string; phase: string; reason: string; upToDate: boolean }[];
}

export interface Violation {
  /** Of `reliability`, such as S3 or L4. */
  id: string;
  /** Milliseconds since the epoch. */
  at: number;
  message: string;
}

/** Names an effect in messages and counts: kind and target. */
export function nameOf(effect: Effect): string {
  switch (effect.kind) {
    case 'uploadArtifact':
      return `upload ${effect.artifact.volume}`;
    case 'createVolume':
      return `createVolume ${effect.volume.name}`;
    case 'deleteVolume':
      return `deleteVolume ${effect.name}`;
    case 'defineDomain':
      return `define ${effect.domain.name}`;
    case 'createNetwork':
    case 'removeNetwork':
      return `${effect.kind} ${effect.network.name}`;
    case 'guest':
      return `guest ${effect.node} ${/--unit=(\S+)/.exec(effect.script)?.[1] ?? effect.script}`;
    case 'putCluster':
    case 'removeCluster':
    case 'forgetDeletionRequest':
    case 'putStatus':
      return `${effect.kind} ${effect.cluster}`;
    default:
      return `${effect.kind} ${effect.uuid}`;
  }
}
