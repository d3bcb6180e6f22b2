/**
 * The actions under way: each key once, beside the rounds, so that an upload or a unit in a guest
 * holds up nothing. When one ends, the round of its cluster is woken. After a crash the next plan
 * simply starts them again.
 */
import { toError } from '../../lib/error.ts';
import type { OperationView } from './observed.ts';

export interface OperationStart {
  key: string;
  /** Operations of one lane come one after another. */
  lane: string;
  /** The node in whose guest a unit runs. */
  guest?: string;
  /** The moment of the observation that it was planned from. */
  seen: number;
}

interface Running extends OperationStart {
  progress: string;
}

/** Lanes whose last end is known: many more than effects can end during one round. */
const maxEnds = 1000;

export class Operations {
  readonly #running = new Map<string, Running>();
  readonly #abort = new AbortController();
  readonly #limit: number;
  readonly #work = new Set<Promise<void>>();
  /** When an effect of a lane last ended, in the counting of `mark`. */
  readonly #ends = new Map<string, number>();
  /** Ends up to this one are no longer known by lane. */
  #floor = 0;
  #count = 0;

  /** At most `limit` at a time; what does not fit is planned again by a later round. */
  constructor(limit: number) {
    this.#limit = limit;
  }

  /** A moment; what is planned from an observation after it knows all effects ended before it. */
  mark(): number {
    return this.#count;
  }

  /**
   * Starts the work unless its key, or another one of its lane, is under way or has ended after
   * `seen`: then the plan did not know of it, and the next one will. `done` gets the error, if one.
   */
  start(
    operation: OperationStart,
    work: (progress: (text: string) => void, signal: AbortSignal) => Promise<void>,
    done: (error?: Error) => void,
  ): boolean {
    const { key, lane, seen } = operation;
    const busy = [...this.#running.values()].some((running) => running.lane === lane);
    if (busy || this.#running.has(key) || this.#running.size >= this.#limit) return false;
    if ((this.#ends.get(lane) ?? this.#floor) > seen) return false;
    const running = { ...operation, progress: 'begun' };
    this.#running.set(key, running);
    const end = (error?: Error) => {
      this.#running.delete(key);
      this.#count += 1;
      this.#noteEnd(lane);
      done(error);
    };
    const ended = work((text) => {
      running.progress = text;
    }, this.#abort.signal)
      .then(
        () => end(),
        (thrown: unknown) => end(toError(thrown)),
      )
      .finally(() => this.#work.delete(ended));
    this.#work.add(ended);
    return true;
  }

  /** Lanes come and go with scripts and nodes. A plan older than what is forgotten is made anew. */
  #noteEnd(lane: string): void {
    this.#ends.delete(lane);
    this.#ends.set(lane, this.#count);
    for (const [oldest, count] of this.#ends) {
      if (this.#ends.size <= maxEnds) return;
      this.#ends.delete(oldest);
      this.#floor = count;
    }
  }

  views(): OperationView[] {
    return [...this.#running.values()].map(({ key, guest, progress }) => ({
      key,
      progress,
      ...(guest && { guest }),
    }));
  }

  async close(): Promise<void> {
    this.#abort.abort();
    await Promise.all(this.#work);
  }
}
