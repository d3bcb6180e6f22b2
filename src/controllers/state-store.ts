/**
 * The port to what must survive the process and cannot be observed: last good specs, requests of
 * people, what is held back, statuses, events and secrets.
 */
import type { BenchCluster } from '../crd/bench-cluster.ts';
import type { BenchHost } from '../crd/bench-host.ts';
import type { BenchImage } from '../crd/bench-image.ts';
import type { ClusterStatus } from '../crd/status.ts';

/** What must survive the process and cannot be observed; small, atomic, mode 0600. */
export interface StateStore {
  /** Identity of this installation, made once. */
  installation(): Promise<string>;
  clusters(): Promise<ClusterRecord[]>;
  /** Atomic; the record is the last good spec and its generation. */
  putCluster(record: ClusterRecord): Promise<void>;
  removeCluster(namespace: string, name: string): Promise<void>;
  /** Clusters that somebody explicitly asked to delete, whatever the source holds. */
  deletionRequests(): Promise<{ namespace: string; name: string }[]>;
  /** For a cluster whose manifest is there again. */
  forgetDeletionRequest(namespace: string, name: string): Promise<void>;
  onDeletionRequest(listener: () => void): () => void;
  /** Empty when there is none yet. */
  deletionLedger(): Promise<DeletionLedger>;
  /** Atomic. It is put before what it lets through is done. */
  putDeletionLedger(ledger: DeletionLedger): Promise<void>;
  /** Revisions of what is held that a person has confirmed; see `revisionOf`. */
  confirmations(): Promise<string[]>;
  forgetConfirmation(revision: string): Promise<void>;
  onConfirmation(listener: () => void): () => void;
  putStatus(namespace: string, name: string, status: ClusterStatus): Promise<void>;
  /** Kept in a ring of bounded size. */
  appendEvent(event: ClusterEvent): Promise<void>;
  events(): Promise<ClusterEvent[]>;
  /** The secret of that name, made by `create` when absent. Names like `slurm-a/munge.key`. */
  secret(name: string, create: () => Promise<Uint8Array>): Promise<Uint8Array>;
}

/** Something that happened to a cluster or node, for people. */
export interface ClusterEvent {
  /** RFC 3339. */
  time: string;
  /** `namespace/name`. */
  cluster: string;
  node?: string;
  type: 'Normal' | 'Warning';
  reason: string;
  message: string;
}

/**
 * The last good spec of a cluster with all that it refers to, so that a cluster can be kept and
 * deleted when its files are broken or gone.
 */
export interface ClusterRecord {
  cluster: BenchCluster;
  images: BenchImage[];
  host: BenchHost;
  /** Volumes of images that it referred to earlier; they go with the cluster. */
  formerArtifacts?: string[];
  /** Counts the changes of `cluster.spec`, from 1. */
  generation: number;
  /** Set while the cluster is being deleted: RFC 3339. */
  deletionTimestamp?: string;
  status?: ClusterStatus;
}

/** What a reading of the source takes away from one cluster. */
export interface Removal {
  /** `namespace/name`. */
  cluster: string;
  /** The whole cluster goes. */
  deletes: boolean;
  /** Pools that lose nodes, the head's among them: replicas in force, and after it. */
  pools: { name: string; from: number; to: number }[];
}

/** One that waits for a person. */
export interface HeldRemoval extends Removal {
  /** RFC 3339. */
  since: string;
}

/** What the breaker against mass deletion remembers; see `breaker.ts`. */
export interface DeletionLedger {
  held: HeldRemoval[];
  /** Nodes of all clusters when that was judged. */
  nodes: number;
  /** Nodes that were let go within a minute of it, if what is held is too much only with them. */
  goneBefore?: number;
  /** Confirmed by a person, and not done yet. */
  confirmed: Removal[];
  /**
   * RFC 3339: since when some manifest is gone and that is no proof yet. What came within a minute
   * of then is of one burst with what is proven in the end.
   */
  doubtedSince?: string;
  /** What clusters had (nothing: they were not there) before each change of the last minute, or about the doubt. */
  changes: { at: string; cluster: string; pools: PoolCount[] }[];
}

export interface PoolCount {
  name: string;
  replicas: number;
}
