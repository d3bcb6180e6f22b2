/**
 * All plans of trouble for a workload, each of them one or two deaths of the process, or one fault
 * of what it sees or is told. The list follows from the undisturbed run alone, so a plan can be
 * named by its number.
 */
import type { Choice } from '../../src/sim/choice.ts';
import { type FaultName, faultKinds } from '../../src/sim/faults/kinds.ts';
import type { CrashPoint } from './membrane.ts';

export interface Plan {
  crashes: CrashPoint[];
  fault?: { name: FaultName; at: number };
}

const moments = ['before', 'after'] as const;
/** A second death this many effects after the first is in the midst of the recovery. */
const farthestSecond = 11;

/** One death at each effect, and two of them, the second one soon after the first. */
export function crashPlans(effects: number): Plan[] {
  const points = Array.from({ length: effects }, (_, index) => index + 1).flatMap((effect) =>
    moments.map((when) => ({ effect, when })),
  );
  const later = Array.from({ length: farthestSecond }, (_, index) => index + 1);
  return [
    ...points.map((first) => ({ crashes: [first] })),
    ...points.flatMap((first) =>
      later.flatMap((distance) =>
        moments.map((when) => ({ crashes: [first, { effect: first.effect + distance, when }] })),
      ),
    ),
  ];
}

/** What a controller may see wrongly, late or not at all, and answers that it never gets. */
export const viewFaults = faultKinds
  .filter(({ place }) => place !== 'accident' && place !== 'process')
  .map(({ name }) => name);

/** Each fault at each place where it could strike; `places` says how many there are. */
export function viewPlans(places: ReadonlyMap<FaultName, number>): Plan[] {
  return [...places].flatMap(([name, count]) =>
    Array.from({ length: count }, (_, at) => ({ crashes: [], fault: { name, at } })),
  );
}

/** Strikes with one fault at its n-th place and is quiet for the rest; counts the places. */
export class PointedChoice implements Choice {
  readonly places = new Map<string, number>();
  readonly #fault: Plan['fault'];

  constructor(fault: Plan['fault']) {
    this.#fault = fault;
  }

  choose(n: number, label: string): number {
    const place = this.places.get(label) ?? 0;
    this.places.set(label, place + 1);
    if (label === this.#fault?.name) return place === this.#fault.at ? n - 1 : 0;
    // How long what it does takes: somewhere in between.
    return label.endsWith(' ms') || label.endsWith(' cut') ? Math.floor(n / 2) : 0;
  }
}
