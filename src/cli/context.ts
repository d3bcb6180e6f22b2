/**
 * Everything that the commands need of the world, as one value that `main` builds.
 * Commands know nothing of drivers, libvirt or SSH: what they get are plain values and functions,
 * so a test runs any of them with a context of its own. Functions open what they need when they
 * are called, so that `benchctl version` never waits for a hypervisor. Only editing the watched
 * directory is done without it, by `edit/directory.ts`.
 */
import type { ManifestSource } from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';
import type { logLevels } from '../lib/log.ts';
import type { DoctorProbes } from './doctor/probes.ts';
import type { GuestAccess } from './guest-access.ts';
import type { HostAccess } from './hosts/host-access.ts';
import type { ImageTools } from './image-tools.ts';
import type { PlanReport } from './plan-report.ts';
import type { RunningController } from './running-controller.ts';
import type { Simulation } from './simulation.ts';
import type { StateView } from './state-view.ts';

export type LogLevel = (typeof logLevels)[number];

export interface Terminal {
  /** Must be done in order; what is written is never lost by a later exit. */
  write(text: string): void;
  isTTY: boolean;
  /** Width and height now; a pipe has 80 and 24. */
  size(): { columns: number; rows: number };
}

/** Where the user keeps manifests and state; both absolute. */
export interface Places {
  dir: string;
  state: string;
}

export interface RunOptions extends Places {
  logLevel: LogLevel;
  /** The terminal shows the live view, so logs must go to a file in the state directory. */
  logToFile: boolean;
  /** Present: on a simulated world whose time runs so many times as fast. */
  simulated?: { speed: number };
}

export interface PlanOptions extends Places {
  namespace: string;
  /** Absent: all clusters of the namespace. */
  cluster?: string;
}

export interface CliContext {
  stdout: Terminal;
  stderr: Terminal;
  readStdin(): Promise<string>;
  /** Asks the person at the terminal for a line; undefined when nobody is there. */
  ask(question: string): Promise<string | undefined>;
  env: Readonly<Record<string, string | undefined>>;
  home: string;
  clock: Clock;
  /** Aborts at Ctrl-C and at TERM. */
  signal: AbortSignal;
  version: { benchctl: string; node: string };
  /** Of a state directory that belongs to a simulated world; undefined for any other. */
  openSimulation(stateDir: string): Promise<Simulation | undefined>;
  /** Works, and is empty, when there is no state yet. */
  openState(stateDir: string): Promise<StateView>;
  /** Resolves after the first full read, so that `snapshot()` is true at once. */
  openSource(dir: string): Promise<ManifestSource>;
  /** Throws `PortError` `conflict` when another controller holds the state. */
  startController(options: RunOptions, signal: AbortSignal): Promise<RunningController>;
  /** Observes and plans as the controller would, and changes nothing. */
  planOnce(options: PlanOptions, signal: AbortSignal): Promise<PlanReport>;
  openGuests(places: Places, signal: AbortSignal): Promise<GuestAccess>;
  openHosts(): Promise<HostAccess>;
  doctor(places: Places): Promise<DoctorProbes>;
  images(): Promise<ImageTools>;
}
