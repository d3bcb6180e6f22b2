/**
 * A whole world in memory around the real Controller: one hypervisor, guests with a small
 * scheduler, a source and a state store. Time is virtual and nothing is random, so every run of a
 * test is the same. It watches over what must never happen and counts what was really made.
 */
import { Controller } from '../../src/controllers/bench-cluster/controller.ts';
import type { ClusterStatus } from '../../src/crd/status.ts';
import type { Log } from '../../src/lib/log.ts';
import { SimGuests } from '../../src/sim/guests.ts';
import type { SimDomain } from '../../src/sim/host.ts';
import { SimHypervisor } from '../../src/sim/hypervisor.ts';
import { MemorySource } from '../../src/sim/memory-source.ts';
import { MemoryState } from '../../src/sim/memory-state.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { identity } from '../fakes/builders.ts';
import { fakeScheduler } from '../fakes/fake-scheduler.ts';
import { FakeSchedulerProgram } from '../fakes/fake-scheduler-program.ts';
import { Oracle } from '../oracle/oracle.ts';
import {
  type CrashPoint,
  clockThrough,
  hypervisorThrough,
  Membrane,
  oneHypervisor,
  runnerThrough,
  sourceThrough,
  stateThrough,
} from './membrane.ts';
import { WatchedHypervisor } from './watched-hypervisor.ts';
import { watchedRunner, watchedState } from './watched-ports.ts';
import { witnessOf } from './witness.ts';

/** The BenchHost that all clusters are on. */
const hostName = 'rhodey';

export class World {
  readonly clock = new VirtualClock();
  readonly source = new MemorySource();
  readonly state = new MemoryState(identity.installation);
  readonly program = new FakeSchedulerProgram();
  readonly hypervisor = new SimHypervisor({ clock: this.clock });
  readonly watched: WatchedHypervisor;
  /** Judges each effect of all processes. */
  readonly oracle: Oracle;
  readonly secrets = new Map<string, Uint8Array>();
  readonly guests: SimGuests;
  /** Every effect that was tried, in order, by all processes. */
  readonly effects = { names: [] as string[] };
  /** Errors that a round threw at the fence. */
  readonly thrown: Error[] = [];
  crashes = 0;
  #membrane: Membrane | undefined;
  #controller: Controller | undefined;

  constructor() {
    const { clock, hypervisor, program, source } = this;
    const { installation } = identity;
    let requests: string[] = [];
    const scene = {
      ...{ clock, source, hypervisor, program, installation },
      secrets: this.secrets,
    };
    this.oracle = new Oracle(witnessOf({ ...scene, requests: () => requests }, hostName));
    this.watched = new WatchedHypervisor(hypervisor, clock, this.oracle, hostName);
    this.guests = new SimGuests({ clock, hypervisor, program });
    program.guests = this.guests;
    const sourceChanged = async () => {
      this.oracle.sourceChanged();
      const asked = await this.state.deletionRequests();
      requests = asked.map(({ namespace, name }) => `${namespace}/${name}`);
      this.oracle.sourceChanged();
    };
    source.onChange(() => void sourceChanged());
    this.state.onDeletionRequest(() => void sourceChanged());
  }

  /** Starts a controller; a new one follows a second after each death. */
  async start(...crashes: (CrashPoint | undefined)[]): Promise<void> {
    const [crash, ...later] = crashes;
    this.oracle.processStarted();
    const membrane = new Membrane(this.effects, crash, () => {
      this.crashes += 1;
      this.oracle.processDied(crash && { ...crash, effect: this.effects.names.at(-1) ?? '' });
      this.clock.after(1000, () => void this.start(...later));
    });
    this.#membrane = membrane;
    this.#controller = new Controller(
      {
        source: sourceThrough(membrane, this.source),
        state: stateThrough(membrane, watchedState(this.oracle, this.state, this.secrets)),
        runner: runnerThrough(membrane, watchedRunner(this.oracle, this.guests)),
        hypervisor: oneHypervisor(hypervisorThrough(membrane, this.watched)),
        scheduler: () => fakeScheduler,
        clock: clockThrough(membrane, this.clock),
        random: () => 0,
        log: this.#log(),
      },
      { identity },
    );
    await this.#controller.start();
  }

  /** kill -9; a new process comes a second later. */
  kill(): void {
    this.#membrane?.kill();
  }

  /** An orderly stop; no new process. */
  async stop(): Promise<void> {
    await this.#controller?.close();
  }

  status(name: string, namespace = 'default'): ClusterStatus | undefined {
    return this.state.status(`${namespace}/${name}`);
  }

  condition(name: string, type: string) {
    return this.status(name)?.conditions.find((condition) => condition.type === type);
  }

  isReady(name: string, generation = 1): boolean {
    const status = this.status(name);
    return (
      status?.observedGeneration === generation &&
      this.condition(name, 'Ready')?.status === 'True' &&
      this.condition(name, 'UpToDate')?.status === 'True'
    );
  }

  domain(name: string): SimDomain | undefined {
    return [...this.hypervisor.domains.values()].find((domain) => domain.name === name);
  }

  /** Moves time until it holds; fails with the present status when it never does. */
  async until(what: string, condition: () => boolean, limitMs = 120_000): Promise<void> {
    if (await this.clock.advanceUntil(condition, limitMs)) return;
    const statuses = (await this.state.clusters()).map((record) => ({
      name: record.cluster.metadata.name,
      deleting: record.deletionTimestamp,
      nodes: record.status?.nodes.map(({ name, phase, message }) => `${name} ${phase} ${message}`),
      conditions: record.status?.conditions.map(
        ({ type, status, message }) => `${type}=${status} ${message}`,
      ),
    }));
    const last = this.effects.names.slice(-12);
    throw new Error(
      `never: ${what}\n${JSON.stringify({ statuses, last, thrown: this.thrown.map(String) }, null, 1)}`,
    );
  }

  async untilReady(name: string, generation = 1): Promise<void> {
    await this.until(`${name} is ready`, () => this.isReady(name, generation));
  }

  async untilGone(name: string): Promise<void> {
    await this.until(`${name} is gone`, () => !this.state.has(`default/${name}`));
  }

  /** What is left at the end, without what time and order may change. */
  picture() {
    const { domains, volumes, networks } = this.hypervisor;
    return {
      domains: [...domains.values()]
        .map(({ name, uuid, state, persistent, owner, mac, files }) => ({
          name,
          uuid,
          state,
          persistent,
          owner,
          mac,
          files,
        }))
        .sort(byName),
      volumes: [...volumes.values()].sort(byName),
      networks: [...networks.values()]
        .map(({ name, uuid, active, owner }) => ({ name, uuid, active, owner }))
        .sort(byName),
    };
  }

  #log(): Log {
    const log: Log = {
      trace: () => {},
      debug: () => {},
      info: () => {},
      warn: () => {},
      error: (fields: unknown) => {
        const { err } = fields as { err?: Error };
        if (err) this.thrown.push(err);
      },
      child: () => log,
    };
    return log;
  }
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
