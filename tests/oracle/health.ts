/**
 * Since when a machine is of no use: it does not run, or nobody in it answers. And since when one
 * that was at work is ill: it runs, and is silent or asleep.
 */
import { isRunning } from './targets.ts';
import type { DomainTruth, Truth } from './truth.ts';

/** From one start of a machine to its end. */
interface Run {
  id: number;
  /** Since when it has answered. */
  upSince?: number;
  wasUp?: true;
  illSince?: number;
}

/** One that answers for less may never have been seen to. */
const seenUpMs = 60_000;

export class Health {
  readonly #unwellSince = new Map<string, number>();
  readonly #uselessSince = new Map<string, number>();
  readonly #wellSince = new Map<string, number>();
  readonly #runs = new Map<string, Run>();

  saw({ hosts, now }: Truth): void {
    const there = new Set<string>();
    for (const host of hosts) {
      const disks = new Set(host.volumes.map(({ name }) => `${host.poolPath}/${name}`));
      for (const domain of host.domains) {
        there.add(domain.uuid);
        this.#sawRun(domain, now);
        this.#sawHealth(domain.uuid, isWell(domain, disks), now);
      }
    }
    const all = [this.#unwellSince, this.#uselessSince, this.#wellSince, this.#runs];
    for (const known of all) {
      for (const uuid of known.keys()) if (!there.has(uuid)) known.delete(uuid);
    }
  }

  /** Milliseconds; 0 when it is well. */
  unwellFor(uuid: string, now: number): number {
    return now - (this.#unwellSince.get(uuid) ?? now);
  }

  /** The same, with what it answered for a moment in between, when nobody may have asked. */
  uselessFor(uuid: string, now: number): number {
    if (now - (this.#wellSince.get(uuid) ?? now) >= seenUpMs) return 0;
    return now - (this.#uselessSince.get(uuid) ?? now);
  }

  /** Milliseconds; 0 for one that is off, or was never up since its start. */
  illFor(uuid: string, now: number): number {
    const run = this.#runs.get(uuid);
    return run?.wasUp ? now - (run.illSince ?? now) : 0;
  }

  #sawHealth(uuid: string, isWell: boolean, now: number): void {
    if (this.uselessFor(uuid, now) === 0) this.#uselessSince.delete(uuid);
    if (isWell) {
      this.#unwellSince.delete(uuid);
      if (!this.#wellSince.has(uuid)) this.#wellSince.set(uuid, now);
      return;
    }
    this.#wellSince.delete(uuid);
    for (const since of [this.#unwellSince, this.#uselessSince]) {
      if (!since.has(uuid)) since.set(uuid, now);
    }
  }

  #sawRun(domain: DomainTruth, now: number): void {
    const { uuid, id, state, answers } = domain;
    const known = this.#runs.get(uuid);
    const run = known?.id === id ? known : { id };
    this.#runs.set(uuid, run);
    if (run.upSince !== undefined && now - run.upSince >= seenUpMs) run.wasUp = true;
    if (isRunning(domain) && !answers && state !== 'paused') {
      delete run.upSince;
      run.illSince ??= now;
    } else {
      delete run.illSince;
      run.upSince ??= now;
    }
  }
}

function isWell({ state, answers, files }: DomainTruth, disks: ReadonlySet<string>): boolean {
  return state === 'running' && answers && disks.has(files[0] ?? '');
}
