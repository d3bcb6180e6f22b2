/** What the oracle remembers of a run; the checkers read it. */
import { Attempts } from './attempts.ts';
import type { Done } from './checker.ts';
import { Drains } from './drains.ts';
import { Health } from './health.ts';
import { Holds } from './holds.ts';
import { Ledger } from './ledger.ts';
import { Lineage, nodeOf } from './lineage.ts';
import { secretsIn } from './secrets.ts';
import { TakenDown } from './taken-down.ts';
import { nodeAimedAt, targetOf } from './targets.ts';
import type { Effect, SourceTruth, StatusTruth, Truth, Witness } from './truth.ts';
import type { StoredCluster, Version } from './version.ts';

export class Memory {
  readonly installation: string;
  readonly ledger = new Ledger();
  readonly holds = new Holds();
  readonly drains = new Drains();
  readonly attempts = new Attempts();
  readonly health = new Health();
  readonly takenDown = new TakenDown();
  readonly lineage: Lineage;
  /** By cluster: what was last written as its status. */
  readonly statuses = new Map<string, StatusTruth>();
  /** Of the last look; milliseconds since the epoch. */
  now = 0;
  /** When a host last answered with a listing of before. */
  misledAt = Number.NEGATIVE_INFINITY;
  readonly #witness: Witness;
  #last: Truth | undefined;

  constructor(witness: Witness) {
    this.#witness = witness;
    this.installation = witness.installation;
    this.lineage = new Lineage(witness.installation);
  }

  sourceChanged(source: SourceTruth, now: number): void {
    this.ledger.changed(source, now);
    this.holds.changed(this.ledger, source, now);
  }

  saw(truth: Truth): void {
    this.now = truth.now;
    this.attempts.saw(truth);
    const { hosts, schedulers } = truth;
    if (hosts === this.#last?.hosts && schedulers === this.#last.schedulers) {
      this.drains.lasts(truth.now);
      return;
    }
    this.#last = truth;
    this.lineage.saw(truth);
    this.drains.saw(truth);
    this.health.saw(truth);
    this.takenDown.saw(truth, this.drains);
  }

  asked(effect: Effect, truth: Truth): void {
    if (effect.kind === 'putStatus') this.drains.told(effect.cluster, effect.status, truth.now);
    if (effect.kind !== 'destroy') return;
    const target = targetOf(effect, truth);
    const node = target && nodeAimedAt(effect, target, this);
    if (node) this.takenDown.asked(effect.uuid, node);
  }

  /** After the checkers: they judge by what was known before it. */
  done({ effect, before, after, failed }: Omit<Done, 'memory'>): void {
    this.drains.done(effect, before, after);
    this.lineage.done(effect, before, after, this.#orders(effect, after.now));
    if (failed) return;
    this.attempts.tookPlace(effect);
    this.takenDown.done(effect, before);
    switch (effect.kind) {
      case 'putCluster':
        this.ledger.recorded(effect.cluster, effect.record as StoredCluster, after.now);
        this.holds.recorded(effect.cluster, this.ledger.inForce(effect.cluster), after.now);
        this.attempts.forget();
        break;
      case 'removeCluster':
        this.ledger.removed(effect.cluster);
        this.statuses.delete(effect.cluster);
        break;
      case 'putStatus':
        this.statuses.set(effect.cluster, structuredClone(effect.status));
        this.holds.told(effect.status, after.now);
    }
  }

  #orders(effect: Effect, now: number): Version[] {
    if (effect.kind !== 'defineDomain') return [];
    const cluster = nodeOf(effect.domain.owner)?.cluster;
    return cluster === undefined ? [] : this.ledger.recent(cluster, now).toReversed();
  }

  /** That order, with what it may not take away yet. */
  kept(version: Version): Version {
    return this.holds.kept(version, this.ledger);
  }

  secrets(): ReadonlyMap<string, Uint8Array> {
    return this.#witness.secrets();
  }

  /** S12: says where a secret is to be read. */
  secretsIn(place: string, value: unknown, secrets = this.secrets()): string[] {
    return secretsIn(place, value, secrets);
  }
}
