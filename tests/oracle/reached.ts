/**
 * Counts how often interesting states were met, over many runs: a net that never meets them proves
 * nothing of them. States are judged from the world's, the effects' and the status' view alone.
 */

import { atLeast, type Counts } from './at-least.ts';
import type { Done } from './checker.ts';
import { isSame } from './is-same.ts';
import type { Memory } from './memory.ts';
import { isChange, isRunning, targetOf } from './targets.ts';
import type { Effect, StatusTruth, Truth } from './truth.ts';
import { worldStates } from './world-states.ts';

export type { Counts };

/** How people are told of a state: a reason of a node or of a condition. */
const toldReasons = new Set([
  'Paused',
  'ForeignDomain',
  'ForeignVolume',
  'ForeignNetwork',
  'HostUnreachable',
  'PoolInactive',
  'ActionFailed',
  'SchedulerUnreachable',
  'WaitingForJobs',
  'DrainDeadlinePassed',
  'HeadOutdated',
  'RollingOut',
  'InvalidManifest',
  'DeletionHeld',
  'MostNodesUnhealthy',
  'Restarting',
  'Drained',
  'UnitFailed',
]);

/** How seldom a world is questioned that stays as it is; what the source says changes beside it. */
const questionMs = 1000;

export class Reached {
  readonly counts: Counts = {};
  readonly #holding = new Set<string>();
  readonly #told = new Map<string, Set<string>>();
  #last: { truth: Truth; memory: Memory } | undefined;
  #questionedAt = Number.NEGATIVE_INFINITY;

  /** Also for states that only a world knows of, such as a fault of its own. */
  met(state: string): void {
    this.counts[state] = (this.counts[state] ?? 0) + 1;
  }

  /** What a status said before is told anew by a new process. */
  processStarted(): void {
    this.#told.clear();
  }

  processDied(at?: { effect: string; when: 'before' | 'after' }): void {
    this.met(`death ${at?.when ?? 'between'}${at ? ' an effect' : ' effects'}`);
    if (this.#last === undefined) return;
    const { truth, memory } = this.#last;
    for (const state of [
      'a disk has no domain',
      'a node is on record and off',
      'a job is on a node that is closed',
      'a cluster is being deleted',
    ]) {
      if (worldStates[state]?.(truth, memory)) this.met(`death while ${state}`);
    }
  }

  /** As the controller asks for an effect. Some states come with time alone. */
  saw(truth: Truth, memory: Memory): void {
    const { hosts, schedulers } = this.#last?.truth ?? {};
    const changed = hosts !== truth.hosts || schedulers !== truth.schedulers;
    if (!changed && truth.now - this.#questionedAt < questionMs) return;
    this.#questionedAt = truth.now;
    this.#last = { truth, memory };
    for (const [state, holds] of Object.entries(worldStates))
      this.#edge(state, holds(truth, memory));
    this.#edge('the source cannot be trusted', !memory.ledger.trusted);
    this.#edge('half a file is seen', memory.ledger.half);
    for (const key of memory.ledger.clusters()) {
      const [before, now] = memory.ledger.versions(key).slice(-2);
      const revived = before?.deleting === true && now !== undefined && !memory.ledger.isOver(key);
      this.#edge(`revived ${key}`, revived, 'a cluster is taken back from its deletion');
    }
  }

  asked(effect: Effect, truth: Truth, memory: Memory): void {
    const failing = memory.attempts.failing(effect);
    if (failing)
      this.met(failing.failures > 2 ? 'an effect failed thrice' : 'an effect is retried');
    if (effect.kind === 'putStatus') this.#tell(effect.cluster, effect.status);
    if (effect.kind === 'deleteVolume') this.#askedForDisk(effect, truth);
    if (effect.kind !== 'destroy') return;
    const domain = truth.hosts.flatMap((host) => host.domains).find((d) => d.uuid === effect.uuid);
    const { namespace, cluster } = domain?.owner?.node ?? {};
    const record = domain && memory.drains.record(`${namespace}/${cluster}`, domain.name);
    if (record === undefined) this.met('a node that never joined is powered off');
    else if (record.jobs > 0) this.met('a node is powered off with its jobs at the deadline');
    else this.met('a drained node is powered off');
  }

  done({ effect, before, after, failed }: Done): void {
    if (failed) return;
    if (effect.kind === 'removeCluster') this.met('a cluster is gone');
    if (!('host' in effect) || !isSame(before.hosts, after.hosts)) return;
    if (effect.kind === 'createVolume') this.met('a disk is met again');
    if (effect.kind === 'uploadArtifact') this.met('an image is met again');
    if (effect.kind === 'defineDomain') this.met('a domain is met again');
    if (isChange(effect)) this.met('a domain is so already');
  }

  ended(effect: Effect, error: unknown): void {
    if (error === undefined) return;
    const code = (error as { code?: unknown }).code;
    const where = effect.kind === 'guest' ? 'a guest' : 'a host';
    if (code === 'conflict' && effect.kind === 'guest')
      this.met('another machine is at the address');
    else if (code === 'conflict') this.met(`${effect.kind} collided`);
    else if (code === 'timeout') this.met(`the answer of ${where} was lost`);
    else if (code === 'unreachable') this.met(`${where} was not reached`);
  }

  /** The host refuses it; only a listing that is wrong leads there. */
  #askedForDisk(effect: Effect, truth: Truth): void {
    const { host, volume } = targetOf(effect, truth) ?? {};
    const path = `${host?.poolPath}/${volume?.name}`;
    const runs = host?.domains.some((domain) => isRunning(domain) && domain.files[0] === path);
    if (volume && runs) this.met('the disk of a node that runs is asked for');
  }

  #edge(key: string, holds: boolean, state = key): void {
    if (!holds) this.#holding.delete(key);
    else if (!this.#holding.has(key)) {
      this.#holding.add(key);
      this.met(state);
    }
  }

  #tell(cluster: string, { nodes, conditions }: StatusTruth): void {
    const now = new Set([
      ...nodes.map(({ phase }) => `phase ${phase}`),
      ...[...nodes, ...conditions]
        .filter(({ reason }) => toldReasons.has(reason))
        .map(({ reason }) => `reason ${reason}`),
    ]);
    const before = this.#told.get(cluster);
    for (const state of now) if (!before?.has(state)) this.met(state);
    this.#told.set(cluster, now);
  }
}

/** The sum over several runs. */
export function merged(...all: Counts[]): Counts {
  const sum: Counts = {};
  for (const counts of all) {
    for (const [state, count] of Object.entries(counts)) sum[state] = (sum[state] ?? 0) + count;
  }
  return sum;
}

/** States that so many runs should have met more often: at least so many times in 1,000 runs. */
export function tooRare(counts: Counts, runs: number, per1000: Counts = atLeast): string[] {
  return Object.entries(per1000)
    .map(([state, times]) => ({ state, due: Math.floor((times * runs) / 1000) }))
    .filter(({ state, due }) => (counts[state] ?? 0) < due)
    .map(({ state, due }) => `${state}: ${counts[state] ?? 0} times, expected ${due}`);
}
