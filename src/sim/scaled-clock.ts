/**
 * Time that runs so many times as fast as another clock, for a simulated world that people watch.
 * It begins at an origin that both ends of a socket can know, so two processes have the same time.
 */
import type { Clock } from '../lib/clock.ts';

export interface Scale {
  /** How many of its seconds pass in one of the other clock. */
  speed: number;
  /** When both showed the same, in milliseconds since the epoch. */
  origin: number;
}

export class ScaledClock implements Clock {
  readonly #clock: Clock;
  readonly #scale: Scale;
  readonly #waiting = new Set<() => void>();
  #isStopped = false;

  constructor(clock: Clock, scale: Scale) {
    this.#clock = clock;
    this.#scale = scale;
  }

  now(): number {
    return scaledTime(this.#clock.now(), this.#scale);
  }

  after(milliseconds: number, callback: () => void): () => void {
    if (this.#isStopped) return () => {};
    // Rounded up: a timer that fires before its time is looked at would have to be set again.
    const real = Math.ceil(milliseconds / this.#scale.speed);
    const end = this.#clock.after(real, () => {
      this.#waiting.delete(cancel);
      callback();
    });
    const cancel = () => {
      this.#waiting.delete(cancel);
      end();
    };
    this.#waiting.add(cancel);
    return cancel;
  }

  /** The end of the world: nothing that waits ever happens. */
  stop(): void {
    this.#isStopped = true;
    for (const cancel of this.#waiting) cancel();
  }
}

/** What the scaled clock shows when the other one shows that. */
export function scaledTime(time: number, { speed, origin }: Scale): number {
  return Math.round(origin + (time - origin) * speed);
}
