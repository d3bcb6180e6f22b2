// Which call may go on the wire now. libvirtd serves five requests per connection and then stops
// reading it altogether, so at most `total` calls are in flight and the others wait here; of those
// only `normal` may be of normal priority, so that a hung guest never keeps us from listing,
// reading states or destroying. A call that was given up keeps its slot until its late reply,
// because the daemon still works on it.

export type Priority = 'high' | 'normal';

export interface Slotted {
  readonly priority: Priority;
}

export interface SlotLimits {
  readonly total: number;
  readonly normal: number;
  readonly queued: number;
}

export const defaultSlotLimits: SlotLimits = { total: 4, normal: 3, queued: 10_000 };

export class Slots<C extends Slotted> {
  readonly #limits: SlotLimits;
  readonly #high = new Set<C>();
  readonly #normal = new Set<C>();
  #inFlight = 0;
  #normalInFlight = 0;

  constructor(limits: SlotLimits) {
    this.#limits = limits;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  get queued(): number {
    return this.#high.size + this.#normal.size;
  }

  /** `send`: the slot is taken. `wait`: `next` will give the call back. `full`: not accepted. */
  admit(call: C): 'send' | 'wait' | 'full' {
    const queue = call.priority === 'high' ? this.#high : this.#normal;
    if (queue.size === 0 && this.#take(call)) return 'send';
    if (this.queued >= this.#limits.queued) return 'full';
    queue.add(call);
    return 'wait';
  }

  /** The call no longer waits; it had taken no slot. */
  withdraw(call: C): void {
    this.#high.delete(call);
    this.#normal.delete(call);
  }

  /** The daemon is done with this call. */
  release(call: C): void {
    this.#inFlight -= 1;
    if (call.priority === 'normal') this.#normalInFlight -= 1;
  }

  /** Takes a slot for the next waiting call that may go, high priority first. */
  next(): C | undefined {
    if (this.#inFlight >= this.#limits.total) return undefined;
    const call = this.#high.values().next().value ?? this.#normal.values().next().value;
    if (call === undefined || !this.#take(call)) return undefined;
    this.withdraw(call);
    return call;
  }

  #take(call: C): boolean {
    if (this.#inFlight >= this.#limits.total) return false;
    if (call.priority === 'normal') {
      if (this.#normalInFlight >= this.#limits.normal) return false;
      this.#normalInFlight += 1;
    }
    this.#inFlight += 1;
    return true;
  }
}
