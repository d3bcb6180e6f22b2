/**
 * What commands read of the controller's state: records, events, and whether a controller runs.
 * It is a view of files that another process writes, so it may be a moment old but never torn.
 */
import type { ClusterRecord, DeletionLedger } from '../controllers/ports.ts';

export interface ClusterView {
  record: ClusterRecord;
  /** RFC 3339: when the record was first made. */
  createdAt?: string;
  /** RFC 3339: when the controller last wrote or confirmed the status. */
  statusAt?: string;
}

/** Something that happened, for people; newest last. */
export interface EventRecord {
  at: string;
  type: 'Normal' | 'Warning';
  namespace: string;
  cluster: string;
  /** Absent: it concerns the whole cluster. */
  node?: string;
  /** One CamelCase word. */
  reason: string;
  message: string;
}

export type ControllerLife =
  | { running: true; pid: number }
  /** `lastSeen` (RFC 3339) is absent when none ever ran on this state. */
  | { running: false; lastSeen?: string };

export interface StateView {
  clusters(): Promise<ClusterView[]>;
  events(): Promise<EventRecord[]>;
  controller(): Promise<ControllerLife>;
  /**
   * Asks for the deletion by name: the deliberate act that an emptied directory alone is not, and
   * that is never held. Repeating it, and asking for a cluster without a record, is success.
   */
  requestDeletion(namespace: string, name: string): Promise<void>;
  /** What waits for a confirmation, as the controller last judged it. */
  deletionLedger(): Promise<DeletionLedger>;
  /** Confirms what is held under that revision; under another it counts for nothing. */
  confirm(revision: string): Promise<void>;
  /** Calls back after each change of records, statuses or events; returns the unsubscribe. */
  onChange(listener: () => void): () => void;
  close(): Promise<void>;
}
