/** The hypervisors as commands use them: one listing of each, and the removal of a volume. */
import type { HostInventory } from '../../controllers/ports.ts';
import type { BenchHost } from '../../crd/bench-host.ts';

export interface HostAccess {
  /** Throws `PortError`. */
  inventory(host: BenchHost, signal: AbortSignal): Promise<HostInventory>;
  /** Throws `PortError` `conflict` when a volume or a domain needs it at this moment. */
  deleteVolume(host: BenchHost, volume: string, signal: AbortSignal): Promise<void>;
  close(): Promise<void>;
}
