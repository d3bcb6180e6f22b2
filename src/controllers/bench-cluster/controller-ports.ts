/** What a controller is given: the outside as ports, and how it is to run. */
import type { BenchHost } from '../../crd/bench-host.ts';
import type { Fault } from '../../crd/fault.ts';
import type { ClusterStatus } from '../../crd/status.ts';
import type { Clock } from '../../lib/clock.ts';
import type { Log } from '../../lib/log.ts';
import type { GuestRunner, Hypervisor, ManifestSource, StateStore } from '../ports.ts';
import type { AnyScheduler } from '../schedulers/scheduler.ts';
import type { Identity } from './desired.ts';

export interface ControllerPorts {
  source: ManifestSource;
  state: StateStore;
  runner: GuestRunner;
  /** One hypervisor per BenchHost, kept by the caller; the same object for the same host. */
  hypervisor(host: BenchHost): Hypervisor;
  /** The module of that name; `schedulerModule` of the registry. */
  scheduler(name: string): AnyScheduler;
  clock: Clock;
  random: () => number;
  log: Log;
}

export interface ControllerOptions {
  identity: Identity;
  /** Clusters whose rounds run at the same time. */
  workers?: number;
  /** Effects of one cluster at the same time. */
  effects?: number;
  /** Called after each round whose status differs from the one before. */
  onStatus?: (key: string, status: ClusterStatus | undefined) => void;
  /** Called when what is wrong with the source as a whole, or with its files, has changed. */
  onSource?: (reason: string | undefined, faults: Fault[]) => void;
}
