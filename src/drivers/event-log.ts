/**
 * Events as lines of a file, of which the newest are kept. An event is appended, so that each costs
 * one small write; when the file has twice as many lines as are kept, it is written anew.
 */
import { appendFile } from 'node:fs/promises';
import type { ClusterEvent } from '../controllers/ports.ts';
import { StateError } from './state-error.ts';
import { writeWhole } from './state-files.ts';
import { eventsFile, readEvents } from './state-records.ts';

const longestMessage = 2_000;

export class EventLog {
  readonly #state: string;
  readonly #kept: number;
  #events: ClusterEvent[] | undefined;
  #lines = 0;
  #queue: Promise<unknown> = Promise.resolve();

  constructor(state: string, kept = 1_000) {
    this.#state = state;
    this.#kept = kept;
  }

  /** In the order of the calls. */
  append(event: ClusterEvent): Promise<void> {
    return this.#inOrder(async () => {
      const events = await this.#loaded();
      const short = { ...event, message: event.message.slice(0, longestMessage) };
      events.push(short);
      if (events.length > this.#kept) events.shift();
      if (this.#lines >= 2 * this.#kept) await this.#rewrite(events);
      else await this.#append(short);
    });
  }

  /** Oldest first. Only reads, so that a command may call it beside a controller. */
  events(): Promise<ClusterEvent[]> {
    return this.#inOrder(async () => {
      return this.#events === undefined ? await readEvents(this.#state) : [...this.#events];
    });
  }

  /** Resolves when what was appended is written. */
  async idle(): Promise<void> {
    await this.#queue;
  }

  async #loaded(): Promise<ClusterEvent[]> {
    if (this.#events === undefined) {
      const all = await readEvents(this.#state);
      this.#events = all.slice(-this.#kept);
      // Begins on a line of its own, also after a line that a crash cut short.
      await this.#rewrite(this.#events);
    }
    return this.#events;
  }

  async #rewrite(events: readonly ClusterEvent[]): Promise<void> {
    const text = events.map((event) => `${JSON.stringify(event)}\n`).join('');
    await writeWhole(eventsFile(this.#state), text);
    this.#lines = events.length;
  }

  async #append(event: ClusterEvent): Promise<void> {
    const file = eventsFile(this.#state);
    try {
      await appendFile(file, `${JSON.stringify(event)}\n`, { mode: 0o600 });
      this.#lines += 1;
    } catch (cause) {
      // A full disk may have taken half a line, to which the next would be glued: write all anew.
      this.#lines = Number.POSITIVE_INFINITY;
      throw new StateError('unwritable', { file, reason: 'cannot be appended to', cause });
    }
  }

  #inOrder<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#queue.then(work);
    // A failed write is its caller's; the next one is tried all the same.
    this.#queue = result.catch(() => {});
    return result;
  }
}
