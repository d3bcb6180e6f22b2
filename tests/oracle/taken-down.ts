/**
 * Nodes that the controller has powered off, until they are at work again; also those that it has
 * asked to power off, so that several that it asks for at once are counted.
 */
import type { Drains } from './drains.ts';
import { nodeOf } from './lineage.ts';
import type { DomainTruth, Effect, Truth } from './truth.ts';

export interface TakenNode {
  cluster: string;
  pool: string;
  index: number;
  name: string;
}

export class TakenDown {
  readonly #nodes = new Map<string, TakenNode>();
  readonly #asked = new Map<string, TakenNode>();

  asked(uuid: string, node: TakenNode): void {
    this.#asked.set(uuid, node);
  }

  /** Whether it took place or not. */
  ended(effect: Effect): void {
    if (effect.kind === 'destroy') this.#asked.delete(effect.uuid);
  }

  done(effect: Effect, before: Truth): void {
    if (effect.kind !== 'destroy') return;
    this.#asked.delete(effect.uuid);
    const domain = domains(before).find(({ uuid }) => uuid === effect.uuid);
    const node = nodeOf(domain?.owner);
    if (node) this.#nodes.set(effect.uuid, node);
  }

  saw(truth: Truth, drains: Drains): void {
    if (this.#nodes.size === 0) return;
    for (const { uuid, state } of domains(truth)) {
      const node = this.#nodes.get(uuid);
      const record = node && drains.record(node.cluster, node.name);
      if (state === 'running' && record?.up && !record.closed) this.#nodes.delete(uuid);
    }
  }

  /** Of that pool, without the one of that name. */
  others({ cluster, pool, name }: TakenNode): TakenNode[] {
    const all = new Map([...this.#asked, ...this.#nodes]);
    return [...all.values()].filter(
      (node) => node.cluster === cluster && node.pool === pool && node.name !== name,
    );
  }
}

function domains({ hosts }: Truth): DomainTruth[] {
  return hosts.flatMap((host) => host.domains);
}
