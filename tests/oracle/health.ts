/** Since when a machine is of no use: it does not run, or nobody in it answers. */
import type { DomainTruth, Truth } from './truth.ts';

export class Health {
  readonly #unwellSince = new Map<string, number>();

  saw({ hosts, now }: Truth): void {
    const there = new Set<string>();
    for (const host of hosts) {
      const disks = new Set(host.volumes.map(({ name }) => `${host.poolPath}/${name}`));
      for (const domain of host.domains) {
        there.add(domain.uuid);
        if (isWell(domain, disks)) this.#unwellSince.delete(domain.uuid);
        else if (!this.#unwellSince.has(domain.uuid)) this.#unwellSince.set(domain.uuid, now);
      }
    }
    for (const uuid of this.#unwellSince.keys()) {
      if (!there.has(uuid)) this.#unwellSince.delete(uuid);
    }
  }

  /** Milliseconds; 0 when it is well. */
  unwellFor(uuid: string, now: number): number {
    return now - (this.#unwellSince.get(uuid) ?? now);
  }
}

function isWell({ state, answers, files }: DomainTruth, disks: ReadonlySet<string>): boolean {
  return state === 'running' && answers && disks.has(files[0] ?? '');
}
