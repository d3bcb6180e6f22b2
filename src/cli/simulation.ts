/** A simulated world as commands see it: how its time runs, and what people can do to it. */
import type { CliContext } from './context.ts';

/** Time as statuses and events of a simulated world are dated. */
export interface SimulatedTime {
  /** How many of its seconds pass in a real one. */
  speed: number;
  /** Milliseconds since the epoch. */
  now(): number;
}

export const nodeTroubles = ['destroy', 'crash', 'pause', 'undefine', 'drain', 'resume'] as const;
export const hostTroubles = ['host-down', 'host-up'] as const;

/** What happens in a simulated world without the controller's doing. */
export type Trouble =
  | { verb: (typeof nodeTroubles)[number]; namespace: string; node: string }
  | { verb: (typeof hostTroubles)[number]; namespace: string; host: string }
  /** Times are of the simulated world; `wait`: the answer comes when the job has ended. */
  | {
      verb: 'submit';
      namespace: string;
      cluster: string;
      nodes: number;
      minutes: number;
      wait: boolean;
    }
  | { verb: 'queue'; namespace: string; cluster: string };

export interface Simulation extends SimulatedTime {
  /** Answers of the simulated world, where commands would ask the real one. */
  world: Pick<CliContext, 'openHosts' | 'openGuests' | 'planOnce' | 'doctor' | 'images'>;
  /**
   * Resolves to lines for people. Throws `PortError`: `unreachable` when the world does not run,
   * `rejected` when it has no such thing.
   */
  trouble(trouble: Trouble, signal: AbortSignal): Promise<string[]>;
}
