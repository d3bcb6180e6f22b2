// Tells a dead path from a quiet one: after an interval without a byte it pings, and after
// `limit` such intervals in a row it reports silence. Hearing anything costs one assignment.

import type { Clock } from './clock.ts';

export interface KeepaliveOptions {
  readonly intervalMs: number;
  /** Silent intervals until the peer counts as dead. */
  readonly limit: number;
}

export const defaultKeepalive: KeepaliveOptions = { intervalMs: 5_000, limit: 5 };

export interface KeepaliveActions {
  ping(): void;
  silent(): void;
  /** Each interval, for other slow checks. */
  tick(): void;
}

export class Keepalive {
  readonly #clock: Clock;
  readonly #options: KeepaliveOptions;
  readonly #actions: KeepaliveActions;
  #heard = true;
  #silences = 0;
  #cancel: () => void = () => undefined;

  constructor(clock: Clock, options: KeepaliveOptions, actions: KeepaliveActions) {
    this.#clock = clock;
    this.#options = options;
    this.#actions = actions;
  }

  start(): void {
    this.#cancel = this.#clock.schedule(this.#options.intervalMs, () => this.#check());
  }

  stop(): void {
    this.#cancel();
    this.#cancel = () => undefined;
  }

  heard(): void {
    this.#heard = true;
  }

  #check(): void {
    this.start();
    this.#silences = this.#heard ? 0 : this.#silences + 1;
    this.#heard = false;
    if (this.#silences >= this.#options.limit) this.#actions.silent();
    else if (this.#silences > 0) this.#actions.ping();
    this.#actions.tick();
  }
}
