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
  readonly #runs = new Map<string, Run>();

  saw({ hosts, now }: Truth): void {
    const there = new Set<string>();
    for (const host of hosts) {
      const disks = new Set(host.volumes.map(({ name }) => `${host.poolPath}/${name}`));
      for (const domain of host.domains) {
        there.add(domain.uuid);
        this.#sawRun(domain, now);
        if (isWell(domain, disks)) this.#unwellSince.delete(domain.uuid);
        else if (!this.#unwellSince.has(domain.uuid)) this.#unwellSince.set(domain.uuid, now);
      }
    }
    for (const known of [this.#unwellSince, this.#runs]) {
      for (const uuid of known.keys()) if (!there.has(uuid)) known.delete(uuid);
    }
  }

  /** Milliseconds; 0 when it is well. */
  unwellFor(uuid: string, now: number): number {
    return now - (this.#unwellSince.get(uuid) ?? now);
  }

  /** Milliseconds; 0 for one that is off, or was never up since its start. */
  illFor(uuid: string, now: number): number {
    const run = this.#runs.get(uuid);
    return run?.wasUp ? now - (run.illSince ?? now) : 0;
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
