/** What the oracle remembers of a run; the checkers read it. */
import { Attempts } from './attempts.ts';
import { Drains } from './drains.ts';
import { Ledger } from './ledger.ts';
import { Lineage, nodeOf } from './lineage.ts';
import { secretsIn } from './secrets.ts';
import type { Effect, StatusTruth, Truth, Witness } from './truth.ts';

export interface ToldStatus {
  /** As text. */
  whole: string;
  failed: boolean;
  writes: number;
}

export class Memory {
  readonly installation: string;
  readonly ledger = new Ledger();
  readonly drains = new Drains();
  readonly attempts = new Attempts();
  readonly lineage: Lineage;
  /** By cluster: what was last written as its status. */
  readonly statuses = new Map<string, StatusTruth>();
  readonly #witness: Witness;

  constructor(witness: Witness) {
    this.#witness = witness;
    this.installation = witness.installation;
    this.lineage = new Lineage(witness.installation);
  }

  saw(truth: Truth): void {
    this.lineage.saw(truth);
    this.drains.saw(truth);
  }

  asked(effect: Effect, truth: Truth): void {
    if (effect.kind === 'putStatus') this.drains.told(effect.cluster, effect.status, truth.now);
  }

  done(effect: Effect, before: Truth, after: Truth): void {
    this.drains.done(effect, before, after);
    const { ledger } = this;
    const owner = effect.kind === 'defineDomain' ? effect.domain.owner : undefined;
    const cluster = nodeOf(owner)?.cluster;
    const orders = cluster === undefined ? [] : ledger.recent(cluster, after.now).toReversed();
    this.lineage.done(effect, before, after, orders);
    this.drains.saw(after);
    switch (effect.kind) {
      case 'putCluster':
        ledger.recorded(effect.cluster);
        this.attempts.reordered();
        break;
      case 'removeCluster':
        ledger.removed(effect.cluster);
        this.statuses.delete(effect.cluster);
        break;
      case 'putStatus':
        this.statuses.set(effect.cluster, structuredClone(effect.status));
    }
  }

  secrets(): ReadonlyMap<string, Uint8Array> {
    return this.#witness.secrets();
  }

  /** S12: says where a secret is to be read. */
  secretsIn(place: string, value: unknown, secrets = this.secrets()): string[] {
    return secretsIn(place, value, secrets);
  }
}
