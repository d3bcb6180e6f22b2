/**
 * A whole world in memory around the real Controller with the real scheduler module: one
 * hypervisor, guests with Slurm in them, a source and a state store. Time is virtual and nothing is
 * random, so every run of a test is the same. It watches over what must never happen and counts
 * what was really made. What people do in the clusters is in `slurm`. Two worlds may be on one
 * host: two installations, each with its own controller, files, state and oracle.
 */
import { Controller } from '../../src/controllers/bench-cluster/controller.ts';
import type { Identity } from '../../src/controllers/bench-cluster/desired.ts';
import type { ClusterRecord, Hypervisor } from '../../src/controllers/ports.ts';
import { schedulerModule } from '../../src/controllers/schedulers/registry.ts';
import type { ClusterStatus } from '../../src/crd/status.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { Choice } from '../../src/sim/choice.ts';
import type { SimDomain } from '../../src/sim/domain.ts';
import { Injector } from '../../src/sim/faults/injector.ts';
import type { FaultName, Mixture } from '../../src/sim/faults/kinds.ts';
import { SimGuests } from '../../src/sim/guests.ts';
import { SimHypervisor } from '../../src/sim/hypervisor.ts';
import { type EditedSource, MemorySource } from '../../src/sim/memory-source.ts';
import { MemoryState } from '../../src/sim/memory-state.ts';
import { SlurmGuests } from '../../src/sim/slurm/slurm-guests.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { identity } from '../fakes/builders.ts';
import { Oracle } from '../oracle/oracle.ts';
import { drain } from './drain.ts';
import { ImageFiles } from './image-files.ts';
import {
  type CrashPoint,
  clockThrough,
  type Death,
  hypervisorThrough,
  Membrane,
  memoryThrough,
  oneHypervisor,
  runnerThrough,
  shortlyMs,
  sourceThrough,
  stateThrough,
  stretched,
} from './membrane.ts';
import { SourceFiles } from './source-files.ts';
import { trapping } from './traps.ts';
import { WatchedHypervisor } from './watched-hypervisor.ts';
import { watchedLog, watchedRunner, watchedState } from './watched-ports.ts';
import { witnessOf } from './witness.ts';

/** The BenchHost that all clusters are on. */
const hostName = 'rhodey';
const slurmModule = schedulerModule('slurm');

/** Keys are not text, as most keys are not; another one each time, and the same in every run. */
function schedulerOf() {
  let made = 0;
  const key = async () => {
    made += 1;
    return Uint8Array.from({ length: 128 }, (_, index) => (index * 37 + made * 11 + 0xec) % 256);
  };
  return { ...slurmModule, secrets: { 'munge.key': key } };
}

export interface WorldOptions {
  /** Decides all that is left to chance; without it nothing is. */
  choice?: Choice;
  /** Faults that happen by that choice. */
  mixture?: Mixture;
  /** Manifests are in files, read as in production; without it they are seen at once. */
  inFiles?: boolean;
  /** Hears of each of them. */
  tell?: (fault: FaultName, where: string) => void;
  /** Says of each effect whether the process dies at it. */
  dies?: (effect: string) => CrashPoint['when'] | undefined;
  /** Another installation on the host of that world, with files and a state of its own. */
  beside?: World;
  /** By the names of their BenchHosts; nobody watches over them. */
  otherHosts?: ReadonlyMap<string, Hypervisor>;
}

/** Of who is beside another one. */
export const neighbourIdentity: Identity = {
  installation: '2b91e7d4-3b5a-4c7d-8e9f-000000000002',
  controllerKey: 'ssh-ed25519 AAAAneighbour',
};

/** Whatever runs while it moves on, reaches for nothing outside its world. */
class TrappedClock extends VirtualClock {
  override run(condition: () => boolean, limitMs: number): boolean {
    return trapping(() => super.run(condition, limitMs));
  }
}

export class World {
  readonly clock: VirtualClock;
  readonly source: EditedSource;
  /** The same, where it is of files. */
  readonly #files: SourceFiles | undefined;
  /** Where its controller runs. */
  readonly images: ImageFiles;
  readonly identity: Identity;
  readonly state: MemoryState;
  readonly hypervisor: SimHypervisor;
  /** Where faults by choice come from. */
  readonly injector: Injector | undefined;
  /** The Slurm clusters in the guests: jobs, drains by hand, deaths of daemons, records. */
  readonly slurm: SlurmGuests;
  readonly watched: WatchedHypervisor;
  /** Judges each effect of all processes. */
  readonly oracle: Oracle;
  readonly secrets = new Map<string, Uint8Array>();
  readonly guests: SimGuests;
  /** Every effect that was tried, in order, by all processes. */
  readonly effects = { names: [] as string[] };
  /** Errors that a round threw at the fence. */
  readonly thrown: Error[] = [];
  /** What controllers wait for; the machines of the world wait too. */
  readonly timers = new Set<object>();
  crashes = 0;
  /** Of them, those at the points that `start` was given. */
  struck = 0;
  /** By how much the clock of the next process is off. */
  #wallOffset = 0;
  /** Of long waits, of the controller's and of the daemons' in the guests; see `stretched`. */
  stretch = 1;
  readonly #scheduler = schedulerOf();
  #membrane: Membrane | undefined;
  #controller: Controller | undefined;

  readonly #options: WorldOptions;

  constructor(options: WorldOptions = {}) {
    const { choice, mixture = new Map(), tell = () => {}, beside } = options;
    this.#options = options;
    this.identity = beside ? neighbourIdentity : identity;
    const { installation } = this.identity;
    this.state = new MemoryState(installation);
    this.clock =
      beside?.clock ?? new TrappedClock({ ...(choice && { choice }), ...(drain && { drain }) });
    this.hypervisor = beside?.hypervisor ?? new SimHypervisor({ clock: this.clock });
    this.slurm =
      beside?.slurm ??
      new SlurmGuests({
        clock: stretched(this.clock, () => this.stretch),
        hypervisor: this.hypervisor,
      });
    const { clock, hypervisor, slurm } = this;
    this.injector = beside?.injector ?? (choice && new Injector({ clock, choice, mixture, tell }));
    if (beside === undefined) this.injector?.afflict(hypervisor);
    this.#files = choice && options.inFiles ? this.#sourceFiles(choice) : undefined;
    const source = this.#files ?? new MemorySource();
    this.source = source;
    this.images = new ImageFiles(source);
    this.guests = beside?.guests ?? new SimGuests({ clock, hypervisor, program: slurm });
    const scene = {
      ...{ clock, source, hypervisor, slurm, installation },
      guests: this.guests,
      secrets: this.secrets,
    };
    const people = {
      requests: () => this.state.requested(),
      confirmations: () => this.state.confirmed(),
    };
    this.oracle = new Oracle(witnessOf({ ...scene, ...people }, hostName));
    const sender = { installation, fileAt: (path: string) => this.images.at(path) };
    const of = { host: hostName, sender };
    this.watched = new WatchedHypervisor(hypervisor, clock, this.oracle, of);
    const sourceChanged = () => this.oracle.sourceChanged();
    source.onChange(sourceChanged);
    this.state.onDeletionRequest(sourceChanged);
  }

  /** Starts a controller; a new one follows a second after each death. */
  async start(...crashes: (CrashPoint | undefined)[]): Promise<void> {
    const [crash, ...later] = crashes;
    this.oracle.processStarted();
    // Killed by somebody, it leaves the death that was meant for it to the next.
    const died = ({ atPoint, awayMs }: Death) => {
      this.crashes += 1;
      if (atPoint) this.struck += 1;
      const at = atPoint && crash && { ...crash, effect: this.effects.names.at(-1) ?? '' };
      this.oracle.processDied(at || undefined);
      this.clock.after(awayMs, () => void this.start(...(atPoint ? later : crashes)));
    };
    const membrane = new Membrane(this.effects, crash, died, this.#options.dies);
    const { choice } = this.#options;
    const runner = this.injector?.commands(this.guests) ?? this.guests;
    this.#membrane = membrane;
    const clock = clockThrough(
      membrane,
      stretched(counted(this.clock, this.timers), () => this.stretch),
      this.#wallOffset,
    );
    const memory = memoryThrough(membrane, this.state);
    const source = this.#files ? await this.#files.open(clock, memory) : this.source;
    // It may have been killed by somebody before it has read all.
    if (!membrane.alive) return;
    this.#controller = new Controller(
      {
        source: sourceThrough(membrane, source),
        state: stateThrough(membrane, watchedState(this.oracle, this.state, this.secrets)),
        runner: runnerThrough(membrane, watchedRunner(this.oracle, runner)),
        hypervisor: oneHypervisor(
          hypervisorThrough(membrane, this.watched, (listener) =>
            this.injector ? this.injector.events(listener) : listener,
          ),
          this.#options.otherHosts,
        ),
        scheduler: () => this.#scheduler,
        clock,
        random: () => (choice?.choose(100, 'jitter') ?? 0) / 100,
        log: watchedLog(this.oracle, this.thrown),
      },
      { identity: this.identity },
    );
    await this.#controller.start();
  }

  #sourceFiles(choice: Choice): SourceFiles {
    return new SourceFiles({
      ...{ clock: this.clock, choice },
      eventDelayMs: () => this.injector?.fileEventMs(),
      misread: (message) => this.oracle.misread(message),
    });
  }

  /** kill -9; a new process comes a second later, or after that time. */
  kill(awayMs = shortlyMs): void {
    this.#membrane?.kill(awayMs);
  }

  /** The state directory has another record of a cluster, or none, as from a backup. */
  async restore(name: string, record?: ClusterRecord): Promise<void> {
    await (record ? this.state.putCluster(record) : this.state.removeCluster('default', name));
    this.oracle.stateRestored(`default/${name}`, record?.status);
  }

  /** The process dies, and the next one has a clock that shows so much more. */
  jumpClock(milliseconds: number): void {
    this.#wallOffset += milliseconds;
    this.oracle.clockJumped();
    this.kill();
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

  /** And at rest: what is not wanted any more is gone. */
  isReady(name: string, generation = 1): boolean {
    const status = this.status(name);
    return (
      status?.observedGeneration === generation &&
      this.condition(name, 'Ready')?.status === 'True' &&
      this.condition(name, 'Reconciling')?.status === 'False' &&
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
      volumes: [...volumes.values()].map((volume) => ({ ...volume })).sort(byName),
      networks: [...networks.values()]
        .map(({ name, uuid, active, owner }) => ({ name, uuid, active, owner }))
        .sort(byName),
    };
  }
}

function counted(clock: Clock, timers: Set<object>): Clock {
  return {
    now: () => clock.now(),
    after(milliseconds, callback) {
      const timer = {};
      timers.add(timer);
      const cancel = clock.after(milliseconds, () => {
        timers.delete(timer);
        callback();
      });
      return () => {
        timers.delete(timer);
        cancel();
      };
    },
  };
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : 1;
}
