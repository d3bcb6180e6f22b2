/**
 * One life for two specs: a cluster of the first, edited to the second, edited back. Each time the
 * world must become as the spec in force says and rest there, and in the end be what it was at
 * first. No fault happens, and a job runs on one worker at each edit. To be called from a
 * macrotask; the life is over when it returns.
 */
import assert from 'node:assert/strict';
import type { BenchCluster } from '../../../src/crd/bench-cluster.ts';
import { hostOf } from '../../fakes/builders.ts';
import { World } from '../world.ts';
import {
  configurationOf,
  differences,
  heldBack,
  images,
  isPaused,
  isRefused,
  type Told,
  untold,
} from './judge.ts';
import { clusterName, clusterNamed, labNetwork } from './specs.ts';

/** What became of the edit of the first spec to the second. */
export type Outcome = 'converged' | 'frozen' | Exclude<Told, 'in force'>;

const lookMs = 1000;
const limitMs = 30 * 60_000;
const jobMs = 45_000;
/** What was under way ends, with the job; then nothing may be done, and a burst of deletions is over. */
const settleMs = jobMs + 5000;
const restMs = 65_000;

export class Walk {
  readonly #world = new World();
  readonly #tell: (line: string) => void;
  /** The spec that the controller is to follow. */
  #inForce: BenchCluster | undefined;
  #frozen: unknown;

  /** `tell` hears of each edit and of the effects that followed. */
  constructor(tell: (line: string) => void = () => {}) {
    this.#tell = tell;
    const { source, hypervisor } = this.#world;
    source.put(hostOf());
    for (const image of images) source.put(image);
    hypervisor.addNetwork(labNetwork);
    void this.#world.start();
  }

  /** And back. Fails with what was not as it should be. */
  there(from: string, to: string): Outcome {
    this.#edit(from);
    const first = this.#picture();
    const outcome = this.#edit(to);
    const second = this.#picture();
    this.#edit(from);
    // Nothing is made for a paused cluster, and nothing undone.
    const like = isPaused(clusterNamed(from)) ? second : first;
    assert.deepEqual(this.#picture(), like, 'the way back leads elsewhere');
    return outcome;
  }

  #edit(name: string): Outcome {
    const { names } = this.#world.effects;
    const before = names.length;
    try {
      return this.#follow(clusterNamed(name));
    } finally {
      const effects = names.slice(before).map((effect) => effect.split('\n')[0]);
      this.#tell(`${name}: ${effects.filter((effect) => effect !== 'putStatus').join(', ')}`);
    }
  }

  #follow(to: BenchCluster): Outcome {
    const world = this.#world;
    const from = this.#inForce;
    this.#submitJob();
    this.#frozen = world.picture();
    world.source.put(to);
    if (from && isRefused(from, to)) {
      this.#expect(from, 'refused');
      return 'refused';
    }
    const held = from && heldBack(from, to);
    if (held) {
      this.#expect(held, 'held');
      this.#confirm();
    }
    this.#expect(to, 'in force');
    if (held) return 'held';
    return isPaused(to) ? 'frozen' : 'converged';
  }

  /** What there is, without images that were there for the other spec: they go with the cluster. */
  #picture() {
    const { domains, volumes, networks } = this.#world.picture();
    const used = new Set(
      domains.flatMap(({ files }) => files.map((file) => file.split('/').at(-1))),
    );
    const below = new Set(volumes.map(({ backingVolume }) => backingVolume));
    return {
      ...{ domains, networks },
      volumes: volumes.filter(({ name }) => used.has(name) || below.has(name)),
      configuration: configurationOf(this.#world, clusterName),
    };
  }

  /** The world becomes so, stays so, and no effect is asked for any more. */
  #expect(cluster: BenchCluster, told: Told): void {
    const { clock, oracle } = this.#world;
    this.#inForce = cluster;
    const end = clock.now() + limitMs;
    let faults = this.#faults(cluster, told);
    while (faults.length > 0) {
      if (clock.now() >= end) throw new Error(`never ${told}: ${faults.slice(0, 4).join('; ')}`);
      clock.run(() => false, lookMs);
      this.#judge();
      faults = this.#faults(cluster, told);
    }
    clock.run(() => false, settleMs);
    const mark = oracle.rest();
    clock.run(() => false, restMs);
    oracle.judgeRest(mark);
    oracle.judgeEnd();
    this.#judge();
    assert.deepEqual(this.#faults(cluster, told), [], `${told}, and came apart`);
  }

  #faults(cluster: BenchCluster, told: Told): string[] {
    const world = this.#world;
    const faults = untold(world, cluster, told);
    if (faults.length > 0) return faults;
    if (!isPaused(cluster)) return differences(world, cluster);
    const isSame = JSON.stringify(world.picture()) === JSON.stringify(this.#frozen);
    return isSame ? [] : ['something was done to a paused cluster'];
  }

  #judge(): void {
    assert.deepEqual(this.#world.oracle.lines, []);
    assert.deepEqual(this.#world.thrown, []);
  }

  /** With the revision that the status tells a person. */
  #confirm(): void {
    const { message = '' } = this.#world.condition(clusterName, 'Stalled') ?? {};
    const revision = /benchctl confirm --revision (\w+)/.exec(message)?.[1];
    assert.ok(revision, message);
    this.#world.state.confirm(revision);
  }

  #submitJob(): void {
    const { slurm, clock } = this.#world;
    const [worker] = slurm.records(clusterName).keys();
    const id = worker && slurm.submit(clusterName, [worker]);
    if (id) clock.after(jobMs, () => slurm.endJob(clusterName, id));
  }
}
