/**
 * Edits of a world, each planned as `benchctl plan` does before the controller hears of it, and
 * then done: what the controller asks for in its next round must be what the plan says, and what it
 * takes away until it rests must be what the plan names. To be used within a macrotask.
 */
import assert from 'node:assert/strict';
import type { ClusterPlan, PlanReport } from '../../src/cli/plan-report.ts';
import { type EditedSource, MemorySource } from '../../src/sim/memory-source.ts';
import { planOf } from '../../src/wiring/plan.ts';
import { hostOf, identity } from '../fakes/builders.ts';
import { deedOf, harmedBy, names, stepsOf } from './deeds.ts';
import { images } from './pairs/judge.ts';
import { World } from './world.ts';

export interface Edit {
  what: string;
  write?(source: EditedSource): void;
  /** What is done beside the manifests is heard at once, so no controller runs meanwhile. */
  meanwhile?(world: World): void;
}

/** Within it a round at rest has asked its guests; no write on the host ends before. */
const roundMs = 25_000;
const writeMs = 28_000;
/** The first round of a new process takes less. */
const firstWriteMs = 300;
const restMs = 70_000;
const lookMs = 5000;
/** Of a head, which is never replaced. */
const outdated = 'HeadOutdated';

export class Rehearsal {
  readonly world = new World();
  /** What the controller's source will hold next. */
  readonly #draft = new MemorySource();
  #startedAt = this.world.clock.now();
  /** What plans named while nothing was done, in a pause. */
  #postponed: ClusterPlan[] = [];

  constructor() {
    for (const source of [this.#draft, this.world.source]) {
      source.put(hostOf());
      for (const image of images) source.put(image);
    }
    void this.world.start();
  }

  /** From rest to rest; gives the plan. */
  make(edit: Edit): PlanReport {
    const { hypervisor, watched } = this.world;
    const nodes = [...hypervisor.domains.values()].map(({ name }) => name);
    const made = watched.made();
    const report = this.begin(edit);
    watched.writeMs = 0;
    this.#rest();
    this.#judgeTold(edit.what, report);
    const gone = Object.entries(watched.made()).flatMap(([deed, count]) =>
      count === (made[deed] ?? 0) ? [] : (harmedBy(deed) ?? []),
    );
    this.#judgeGone(edit.what, report, nodes, new Set(gone));
    return report;
  }

  /** Plans the edit, makes it, and compares what is asked for in the round that follows. */
  begin({ what, write = () => {}, meanwhile }: Edit): PlanReport {
    const { clock, effects, source, watched } = this.world;
    write(this.#draft);
    if (meanwhile) {
      this.#await(this.world.stop());
      meanwhile(this.world);
      write(source);
      this.#startedAt = clock.now();
    }
    const planning = this.#plan(meanwhile === undefined);
    if (meanwhile === undefined) this.#await(planning);
    const before = effects.names.length;
    const deeds = () => effects.names.slice(before).flatMap(deedOf);
    watched.writeMs = meanwhile ? firstWriteMs : writeMs;
    if (meanwhile) {
      // It looks at the very moments when the plan does, so its first round ends with that.
      void this.world.start();
      this.#await(planning);
      clock.run(() => false, 0);
    } else {
      write(source);
      // All that a round asks of guests, it asks at one moment, after what needs no guest.
      clock.run(() => deeds().some((deed) => deed.startsWith('guest ')), roundMs);
    }
    const asked = deeds();
    const report = this.#await(planning);
    const planned = report.clusters.flatMap(stepsOf);
    assert.deepEqual(asked.toSorted(), planned.toSorted(), `${what}: asked for, and planned`);
    return report;
  }

  /** A new process in the midst of an edit, which goes on for so long. */
  anew(goOnMs: number): PlanReport {
    const report = this.begin({ what: 'a new process', meanwhile: () => {} });
    this.world.clock.run(() => false, goOnMs);
    return report;
  }

  /** As `benchctl plan` does now. */
  #plan(isRunning = true): Promise<PlanReport> {
    const { state, guests: runner, clock, hypervisor } = this.world;
    const keys = { ...identity, privateKey: Buffer.alloc(0) };
    const ground = { state, runner, clock, keys, hypervisor: () => hypervisor };
    const { signal } = new AbortController();
    const asked = { namespace: 'default' };
    const snapshot = this.#draft.snapshot();
    const since = isRunning && { startedAt: this.#startedAt };
    return planOf(snapshot, { ...ground, ...since }, asked, signal);
  }

  /** Until nothing has been asked for in so long. */
  #rest(): void {
    const { clock, effects, oracle, thrown } = this.world;
    for (let quietMs = 0, last = -1; quietMs < restMs; quietMs += lookMs) {
      if (effects.names.length !== last) quietMs = 0;
      last = effects.names.length;
      clock.run(() => false, lookMs);
    }
    assert.deepEqual(oracle.lines, []);
    assert.deepEqual(thrown, []);
  }

  #await<T>(asked: Promise<T>): T {
    const settled: (() => T)[] = [];
    const fail = (thrown: unknown) => {
      throw thrown;
    };
    asked.then(
      (value) => settled.push(() => value),
      (thrown) => settled.push(() => fail(thrown)),
    );
    this.world.clock.run(() => settled.length > 0, 60_000);
    return (settled[0] ?? assert.fail('it never ends'))();
  }

  /** What needs a person, and what is wrong with the manifest, is told by both. */
  #judgeTold(what: string, { clusters, faults }: PlanReport): void {
    for (const { name, blockers } of clusters) {
      if (!this.world.state.has(`default/${name}`)) continue;
      const reasons = blockers.flatMap(({ waiting, reason }) => (waiting ? [] : [reason]));
      const [stall = faults.length > 0 ? 'InvalidManifest' : 'NotStalled'] = reasons.filter(
        (reason) => reason !== outdated,
      );
      assert.equal(this.world.condition(name, 'Stalled')?.reason, stall, what);
      const isOutdated = this.world.condition(name, 'UpToDate')?.reason === outdated;
      assert.equal(reasons.includes(outdated), isOutdated, `${what}: the head`);
    }
  }

  /** Of what there was, just that is taken away or made anew which the plan named, in its time. */
  #judgeGone(
    what: string,
    { clusters }: PlanReport,
    nodes: readonly string[],
    gone: ReadonlySet<string>,
  ): void {
    const plans = [...this.#postponed, ...clusters];
    const isNamed = (node: string) => plans.some((plan) => names(plan, node));
    const unnamed = [...gone].filter((node) => !isNamed(node));
    assert.deepEqual(unnamed, [], `${what}: taken away, and not named by the plan`);
    const isPaused = clusters.some(
      ({ name }) => this.world.condition(name, 'Reconciling')?.reason === 'Paused',
    );
    this.#postponed = isPaused ? plans : [];
    const stayed = isPaused ? [] : nodes.filter((node) => isNamed(node) && !gone.has(node));
    assert.deepEqual(stayed, [], `${what}: named by the plan, and still there`);
  }
}
