/** Who reaches whom: machines by address, and whether the two ends trust each other's munge. */
import type { Clock } from '../../lib/clock.ts';
import { ConfReader } from './conf.ts';
import type { Machine } from './machine.ts';

export class Network {
  readonly clock: Clock;
  readonly confs = new ConfReader();
  /** Every run of every machine that is not over. */
  readonly #machines = new Set<Machine>();

  constructor(clock: Clock) {
    this.clock = clock;
  }

  add(machine: Machine): void {
    this.#machines.add(machine);
  }

  machines(): Machine[] {
    for (const machine of this.#machines) {
      if (machine.standing.isOver()) this.#machines.delete(machine);
    }
    return [...this.#machines];
  }

  /** The machine that answers at that address now. */
  at(address: string): Machine | undefined {
    return this.machines().find(
      ({ standing }) => standing.isRunning() && standing.address() === address,
    );
  }
}

/** Both have a munge that runs, and with the same key. */
export function trust(one: Machine, other: Machine): boolean {
  const [first, second] = [one.services.munge.munge, other.services.munge.munge];
  return first !== undefined && first.key === second?.key;
}
