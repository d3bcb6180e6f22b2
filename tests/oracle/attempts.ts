/** Every effect that was asked for, and how often each one failed on end. */
import { partNamed } from './derived.ts';
import { type Effect, type HostEffect, nameOf, type Truth } from './truth.ts';

export interface Failing {
  /** On end, in one process, without a success or a change of the order between. */
  failures: number;
  failedAt: number;
  /** The image that it was to put into a pool. */
  image?: string;
  /** It has been there since. */
  there?: true;
}

/** By whom it was asked, and on what: `Attempts.ended` wants to know. */
export interface Ask {
  process: number;
  misled: boolean;
}

/** What is asked for so soon after a listing of before may be founded on it; milliseconds. */
const misledMs = 1000;

export class Attempts {
  /** What was asked for or written so far, in order. */
  readonly asks: { name: string; at: number }[] = [];
  readonly #failing = new Map<string, Failing>();
  /** Effects under way now. */
  readonly #running = new Map<string, number>();
  /** Effects on a host that took place and are not answered yet. */
  readonly #done = new Set<string>();
  /** Counts the processes: an answer that comes when who asked is dead is heard by nobody. */
  #process = 0;
  #misledAt = Number.NEGATIVE_INFINITY;

  asked(effect: Effect, now: number): Ask {
    const ask = { process: this.#process, misled: now - this.#misledAt <= misledMs };
    if (effect.kind === 'guest' && effect.reads) return ask;
    const key = keyOf(effect);
    this.asks.push({ name: nameOf(effect), at: now });
    this.#done.delete(key);
    this.#running.set(key, (this.#running.get(key) ?? 0) + 1);
    return ask;
  }

  /** What is no effect on the world, and is written all the same. */
  wrote(name: string, now: number): void {
    this.asks.push({ name, at: now });
  }

  ended(effect: Effect, now: number, error: unknown, by: Ask): void {
    if (by.process !== this.#process) return;
    const key = keyOf(effect);
    this.#running.set(key, Math.max(0, (this.#running.get(key) ?? 0) - 1));
    // Its answer was lost, and what it was to do is done: when it is asked for again it is another.
    // And what a listing of before made it ask for is not needed by the next one.
    const isOver = error === undefined || this.#done.delete(key) || by.misled;
    if (isOver) this.#failing.delete(key);
    else {
      const failures = (this.#failing.get(key)?.failures ?? 0) + 1;
      const image = effect.kind === 'uploadArtifact' ? effect.artifact.volume : undefined;
      this.#failing.set(key, { failures, failedAt: now, ...(image && { image }) });
    }
  }

  /** An image that others have put there needs no upload; when it goes, the next one is another. */
  saw({ hosts }: Truth): void {
    for (const [key, failing] of this.#failing) {
      const { image, there } = failing;
      if (image === undefined) continue;
      const isThere = hosts.some(
        ({ volumes }) =>
          volumes.some(({ name }) => name === image) &&
          !volumes.some(({ name }) => partNamed(name)?.image === image),
      );
      if (isThere) failing.there = true;
      else if (there) this.#failing.delete(key);
    }
  }

  tookPlace(effect: Effect): void {
    if (!('host' in effect)) return;
    this.#done.add(keyOf(effect));
    if (effect.kind !== 'undefine') return;
    // What is defined under its UUID after that is another machine.
    for (const key of this.#failing.keys()) {
      if (key.includes(effect.uuid) && key !== keyOf(effect)) this.#failing.delete(key);
    }
  }

  failing(effect: Effect): Failing | undefined {
    return this.#failing.get(keyOf(effect));
  }

  /** How many of that name are under way. */
  running(effect: Effect): number {
    return this.#running.get(keyOf(effect)) ?? 0;
  }

  /** What was under way belongs to nobody any more, and all may be tried at once. */
  processStarted(): void {
    this.#process += 1;
    this.#failing.clear();
    this.#running.clear();
    this.#done.clear();
  }

  /** By another order nothing of it is needed: it is forgotten. */
  forget(): void {
    this.#failing.clear();
  }

  /** By a listing of before nothing of it was needed. */
  misled(now: number): void {
    this.forget();
    this.#misledAt = now;
  }
}

/** What clusters share each of them may ask for, and waits for by itself when it fails. */
function keyOf(effect: Effect): string {
  const name = nameOf(effect);
  return isShared(effect) && effect.by !== undefined ? `${name} by ${effect.by}` : name;
}

function isShared(effect: Effect): effect is HostEffect {
  if (effect.kind === 'deleteVolume') return effect.onlyUsedBy === undefined;
  return ['uploadArtifact', 'createNetwork', 'removeNetwork'].includes(effect.kind);
}
