/**
 * Runs of domains that we powered off. A run that has ended never goes on, so a listing that shows
 * it is one of before, and by it the plan would forget what the power-off was for.
 */
import type { DomainView, HostInventory } from '../ports.ts';
import type { Action } from './action.ts';

/** An id alone may be given again by a libvirtd that was restarted. */
export type Run = Pick<DomainView, 'id' | 'connection'>;

export class EndedRuns {
  /** By UUID, until we start the domain or it is gone. */
  readonly #runs = new Map<string, Run>();

  done(action: Action): void {
    if (action.kind !== 'changeDomain') return;
    const { change, domain } = action;
    if (change === 'destroy') this.#runs.set(domain.uuid, domain);
    else this.#runs.delete(domain.uuid);
  }

  /** The host does not agree with us. */
  forget(): void {
    this.#runs.clear();
  }

  view(): ReadonlyMap<string, Run> {
    return new Map(this.#runs);
  }
}

/** The listing as it is with these runs over; itself where it shows none of them. */
export function withoutRuns(
  inventory: HostInventory,
  ended: ReadonlyMap<string, Run> = new Map(),
): HostInventory {
  const isOver = ({ uuid, id, connection }: DomainView) => {
    const run = ended.get(uuid);
    return run?.id === id && run.connection === connection;
  };
  if (ended.size === 0 || !inventory.domains.some(isOver)) return inventory;
  const off = { state: 'shutoff', reason: 'destroyed', id: -1, agentConnected: false } as const;
  const domains = inventory.domains.map((domain) =>
    isOver(domain) ? { ...domain, ...off } : domain,
  );
  return { ...inventory, domains };
}
