/**
 * Time that runs so many times as fast as another clock, for a simulated world that people watch.
 * It begins at an origin that both ends of a socket can know, so two processes have the same time.
 */
import type { Clock } from '../lib/clock.ts';

export interface ScaledClockOptions {
  /** How many of its seconds pass in one of the other clock. */
  speed: number;
  /** When both showed the same, in milliseconds since the epoch. */
  origin: number;
}

export function scaledClock(clock: Clock, { speed, origin }: ScaledClockOptions): Clock {
  return {
    now: () => scaledTime(clock.now(), { speed, origin }),
    // Rounded up: a timer that fires before its time is looked at would have to be set again.
    after: (milliseconds, callback) => clock.after(Math.ceil(milliseconds / speed), callback),
  };
}

/** What the scaled clock shows when the other one shows that. */
export function scaledTime(time: number, { speed, origin }: ScaledClockOptions): number {
  return Math.round(origin + (time - origin) * speed);
}
