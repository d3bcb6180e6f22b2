/**
 * The judge of a run. Every effect of every process is told to it, asked for and taking place, and
 * so is every change of the source; it reads the world's own truth through the `Witness`. It
 * outlives the processes that it judges and shares no code with them.
 */
import type { Checker } from './checker.ts';
import { checkers as allCheckers } from './checkers.ts';
import { endOfRun, type RestMark, restMark, writtenSince } from './end-of-run.ts';
import { Memory } from './memory.ts';
import { Reached } from './reached.ts';
import type { Effect, StatusTruth, Truth, Violation, Witness } from './truth.ts';

/** How an effect ended: see `Oracle.asked`. */
export interface Act {
  /** Runs what the effect really does, at the moment when it does it. */
  through<T>(run: () => T): T;
  /** The answer came, or an error instead. */
  ended(error?: unknown): void;
}

export class Oracle {
  /** What must never have been, in order. */
  readonly violations: Violation[] = [];
  /** How often interesting states were met. */
  readonly reached = new Reached();
  readonly memory: Memory;
  readonly #witness: Witness;
  readonly #checkers: readonly Checker[];

  constructor(witness: Witness, checkers: readonly Checker[] = allCheckers) {
    this.#witness = witness;
    this.#checkers = checkers;
    this.memory = new Memory(witness);
    this.sourceChanged();
  }

  /** What has been seen to be wrong, one line each. */
  get lines(): string[] {
    return this.violations.map(({ id, message }) => `${id}: ${message}`);
  }

  /** To be called after each change of the source or of the deletion requests. */
  sourceChanged(): void {
    this.memory.sourceChanged(this.#witness.source(), this.#witness.now());
  }

  /** The source says what no file holds. */
  misread(message: string): void {
    this.#add('S7', [message]);
  }

  /** A new process begins; it may try at once what an earlier one failed at. */
  processStarted(): void {
    this.memory.attempts.processStarted();
    this.reached.processStarted();
  }

  /** The host answers with a listing of before: what failed may not be needed by it. */
  misled(): void {
    const now = this.#witness.now();
    this.memory.attempts.misled(now);
    this.memory.misledAt = now;
  }

  /** The disks of the host are those of a backup, and nothing runs: what schedulers knew is gone. */
  hostRestored(): void {
    this.memory.drains.forget();
  }

  /** The clock of the machine shows another hour to the next process. */
  clockJumped(): void {
    this.memory.holds.clockJumped(this.#witness.now());
  }

  /** A process was killed. `at` names the effect that it died at, if one. */
  processDied(at?: { effect: string; when: 'before' | 'after' }): void {
    this.reached.processDied(at);
  }

  /** The store has another record of a cluster, or none, by no act of the controller. */
  stateRestored(cluster: string, status: StatusTruth | undefined): void {
    if (status) this.memory.statuses.set(cluster, structuredClone(status));
    else this.memory.statuses.delete(cluster);
  }

  /** Takes note of the world, in which others than the controller may have acted. */
  look(): Truth {
    const truth = this.#truth();
    this.memory.saw(truth);
    return truth;
  }

  /** The controller asks for an effect: to be called before it goes on its way. */
  asked(effect: Effect): Act {
    const truth = this.look();
    const { memory } = this;
    this.reached.saw(truth, memory);
    const by = memory.attempts.asked(effect, truth.now);
    this.#judge(truth, (checker) => checker.asked?.({ effect, truth, memory }));
    memory.asked(effect, truth);
    this.reached.asked(effect, truth, memory);
    return {
      through: (run) => this.#take(effect, run),
      ended: (error) => {
        memory.attempts.ended(effect, this.#witness.now(), error, by);
        memory.takenDown.ended(effect);
        this.reached.ended(effect, error);
      },
    };
  }

  /** An effect that takes place as soon as it is asked for. */
  async effect<T>(effect: Effect, call: () => Promise<T>): Promise<T> {
    const act = this.asked(effect);
    try {
      const result = await act.through(call);
      act.ended();
      return result;
    } catch (thrown) {
      act.ended(thrown);
      throw thrown;
    }
  }

  /** A line of the log: it changes nothing, and may hold no secret. */
  told(place: string, value: unknown): void {
    this.#add('S12', this.memory.secretsIn(place, value));
  }

  /** An event, or what the controller keeps for itself: nobody judges it, but at rest there is none. */
  wrote(name: string, value: unknown): void {
    this.memory.attempts.wrote(name, this.#witness.now());
    this.told(name, value);
  }

  /** The world is taken to be at rest from now on. */
  rest(): RestMark {
    return restMark(this.memory);
  }

  /** L2: what has been asked for since then, although nothing was to be done. */
  judgeRest(mark: RestMark): void {
    this.#add('L2', writtenSince(mark, this.memory));
  }

  /** Faults have stopped and the world had its time: it must be as the source says. */
  judgeEnd(): void {
    const truth = this.look();
    for (const { id, message } of endOfRun(truth, this.memory)) this.#add(id, [message]);
  }

  #take<T>(effect: Effect, run: () => T): T {
    const before = this.look();
    const result = run();
    if (result instanceof Promise) {
      void result.then(
        () => this.#took(effect, before, false),
        () => this.#took(effect, before, true),
      );
    } else this.#took(effect, before, false);
    return result;
  }

  #took(effect: Effect, before: Truth, failed: boolean): void {
    const after = this.#truth();
    const { memory } = this;
    const done = { effect, before, after, memory, failed };
    this.#judge(after, (checker) => checker.done?.(done));
    memory.done(done);
    this.reached.done(done);
  }

  #truth(): Truth {
    return {
      now: this.#witness.now(),
      hosts: this.#witness.hosts(),
      schedulers: this.#witness.schedulers(),
    };
  }

  #judge(truth: Truth, ask: (checker: Checker) => string[] | undefined): void {
    for (const checker of this.#checkers) this.#add(checker.id, ask(checker) ?? [], truth.now);
  }

  #add(id: string, messages: readonly string[], at = this.#witness.now()): void {
    for (const message of messages) this.violations.push({ id, at, message });
  }
}
