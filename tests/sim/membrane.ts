/**
 * What separates a controller's process from the world, so that it can die at any effect. Every
 * effect passes here and is counted. After its death nothing of the process reaches the world any
 * more, and no promise of it ever settles, so that not even a `finally` runs: that is kill -9.
 */

import type {
  GuestRunner,
  Hypervisor,
  ManifestSource,
  StateStore,
} from '../../src/controllers/ports.ts';
import type { BenchHost } from '../../src/crd/bench-host.ts';
import type { ManifestMemory } from '../../src/drivers/manifest-memory.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { MemoryState } from '../../src/sim/memory-state.ts';

export interface CrashPoint {
  /** Counted from 1 over the whole test. */
  effect: number;
  /** Before the effect reaches the world, or after it but before its answer. */
  when: 'before' | 'after';
}

export interface Death {
  /** The one that was meant for the process. */
  atPoint: boolean;
  awayMs: number;
}

export const shortlyMs = 1000;
const atPoint: Death = { atPoint: true, awayMs: shortlyMs };

/** Counts the effects of all processes of a world. */
export interface EffectLog {
  names: string[];
}

export class Membrane {
  alive = true;
  readonly #death = new AbortController();
  readonly #streams = new WeakMap<AbortSignal, AbortSignal>();
  readonly #log: EffectLog;
  readonly #crash: CrashPoint | undefined;
  readonly #onDeath: (death: Death) => void;
  readonly #dies: ((effect: string) => CrashPoint['when'] | undefined) | undefined;

  /** It dies at that point, or whenever `dies` says so of an effect. */
  constructor(
    log: EffectLog,
    crash: CrashPoint | undefined,
    onDeath: (death: Death) => void,
    dies?: (effect: string) => CrashPoint['when'] | undefined,
  ) {
    this.#log = log;
    this.#crash = crash;
    this.#onDeath = onDeath;
    this.#dies = dies;
  }

  /** Ends the process without warning; the next one comes after that time. */
  kill(awayMs: number): void {
    this.#die({ atPoint: false, awayMs });
  }

  /** Also at its death: what streams from the process ends with it. */
  streams(signal: AbortSignal): AbortSignal {
    const known = this.#streams.get(signal);
    if (known) return known;
    // The same one each time, because a signal also tells which cluster asks.
    const streams = AbortSignal.any([signal, this.#death.signal]);
    this.#streams.set(signal, streams);
    return streams;
  }

  read<T>(call: () => Promise<T>): Promise<T> {
    return this.#pass(call);
  }

  effect<T>(name: string, call: () => Promise<T>): Promise<T> {
    if (!this.alive) return never();
    this.#log.names.push(name);
    const isPoint = this.#log.names.length === this.#crash?.effect;
    const when = isPoint ? this.#crash?.when : this.#dies?.(name);
    if (when === undefined) return this.#pass(call);
    if (when === 'before') {
      this.#die(atPoint);
      return never();
    }
    // It reaches the world, and then the power goes.
    return this.#pass(() => call().finally(() => this.#die(atPoint)));
  }

  callback<A extends unknown[]>(call: (...args: A) => void): (...args: A) => void {
    return (...args) => {
      if (this.alive) call(...args);
    };
  }

  #die(death: Death): void {
    if (!this.alive) return;
    this.alive = false;
    this.#death.abort();
    this.#onDeath(death);
  }

  #pass<T>(call: () => Promise<T>): Promise<T> {
    if (!this.alive) return never();
    return new Promise<T>((resolve, reject) => {
      call().then(
        (value) => this.alive && resolve(value),
        (error: unknown) => this.alive && reject(error),
      );
    });
  }
}

function never<T>(): Promise<T> {
  return new Promise<T>(() => {});
}

/** Half a minute is how often a cluster at rest looks. */
const longMs = 25_000;

/** Long waits take so many times as long: a day at rest is then a hundred rounds, not thousands. */
export function stretched(clock: Clock, stretch: () => number): Clock {
  return {
    now: () => clock.now(),
    after: (ms, callback) => clock.after(ms * (ms >= longMs ? stretch() : 1), callback),
  };
}

/** `offsetMs`: by how much the process takes the time for another one. */
export function clockThrough(membrane: Membrane, clock: Clock, offsetMs: number): Clock {
  return {
    now: () => clock.now() + offsetMs,
    after: (ms, callback) => clock.after(ms, membrane.callback(callback)),
  };
}

export function sourceThrough(membrane: Membrane, source: ManifestSource): ManifestSource {
  return {
    snapshot: () => source.snapshot(),
    onChange: (listener) => source.onChange(membrane.callback(listener)),
    close: async () => {},
  };
}

export function runnerThrough(membrane: Membrane, runner: GuestRunner): GuestRunner {
  return {
    run: (target, script, options) => {
      const call = () => runner.run(target, script, options);
      if (script.includes('bc1:begin=facts')) return membrane.read(call);
      const unit = /--unit=(\S+)/.exec(script)?.[1] ?? script;
      return membrane.effect(`guest ${target.node} ${unit}`, call);
    },
    forget: () => {},
    close: async () => {},
  };
}

export function stateThrough(membrane: Membrane, state: StateStore): StateStore {
  return {
    installation: () => membrane.read(() => state.installation()),
    clusters: () => membrane.read(() => state.clusters()),
    events: () => membrane.read(() => state.events()),
    putCluster: (record) => membrane.effect('putCluster', () => state.putCluster(record)),
    removeCluster: (namespace, name) =>
      membrane.effect('removeCluster', () => state.removeCluster(namespace, name)),
    deletionRequests: () => membrane.read(() => state.deletionRequests()),
    forgetDeletionRequest: (namespace, name) =>
      membrane.effect('forgetDeletionRequest', () => state.forgetDeletionRequest(namespace, name)),
    onDeletionRequest: (listener) => state.onDeletionRequest(membrane.callback(listener)),
    deletionLedger: () => membrane.read(() => state.deletionLedger()),
    putDeletionLedger: (ledger) =>
      membrane.effect('putDeletionLedger', () => state.putDeletionLedger(ledger)),
    confirmations: () => membrane.read(() => state.confirmations()),
    forgetConfirmation: (revision) =>
      membrane.effect('forgetConfirmation', () => state.forgetConfirmation(revision)),
    onConfirmation: (listener) => state.onConfirmation(membrane.callback(listener)),
    putStatus: (namespace, name, status) =>
      membrane.effect('putStatus', () => state.putStatus(namespace, name, status)),
    // No crash point of its own: losing it is losing the status that is written after it.
    appendEvent: (event) => membrane.read(() => state.appendEvent(event)),
    secret: (name, create) => membrane.effect(`secret ${name}`, () => state.secret(name, create)),
  };
}

export function memoryThrough(membrane: Membrane, state: MemoryState): ManifestMemory {
  return {
    read: () => membrane.read(() => state.remembered()),
    write: (files) => membrane.effect('remember', () => state.remember(files)),
  };
}

type Listener = Parameters<Hypervisor['onChange']>[0];

/** `hears`: what becomes of events on their way. */
export function hypervisorThrough(
  membrane: Membrane,
  real: Hypervisor,
  hears: (listener: Listener) => Listener = (listener) => listener,
): Hypervisor {
  return {
    inventory: (signal) => membrane.read(() => real.inventory(signal)),
    onChange: (listener) => real.onChange(hears(membrane.callback(listener))),
    hostKey: (uuid, signal) => membrane.read(() => real.hostKey(uuid, signal)),
    guestAddresses: (uuid, signal) => membrane.read(() => real.guestAddresses(uuid, signal)),
    consoleLog: (volume, maxBytes, signal) =>
      membrane.read(() => real.consoleLog(volume, maxBytes, signal)),
    uploadArtifact: (artifact, progress, signal) =>
      membrane.effect(`upload ${artifact.volume}`, () =>
        real.uploadArtifact(artifact, membrane.callback(progress), membrane.streams(signal)),
      ),
    createVolume: (volume, signal) =>
      membrane.effect(`createVolume ${volume.name}`, () => real.createVolume(volume, signal)),
    deleteVolume: (name, onlyUsedBy, signal) =>
      membrane.effect(`deleteVolume ${name}`, () => real.deleteVolume(name, onlyUsedBy, signal)),
    defineDomain: (domain, signal) =>
      membrane.effect(`define ${domain.name}`, () => real.defineDomain(domain, signal)),
    changeDomain: (change, domain, signal) =>
      membrane.effect(`${change} ${domain.uuid}`, () => real.changeDomain(change, domain, signal)),
    createNetwork: (network, signal) =>
      membrane.effect(`createNetwork ${network.name}`, () => real.createNetwork(network, signal)),
    removeNetwork: (network, signal) =>
      membrane.effect(`removeNetwork ${network.name}`, () => real.removeNetwork(network, signal)),
    close: async () => {},
  };
}

/** The same object for the same host, as the port asks for: one for all but the others. */
export function oneHypervisor(
  hypervisor: Hypervisor,
  others: ReadonlyMap<string, Hypervisor> = new Map(),
): (host: BenchHost) => Hypervisor {
  return ({ metadata }) => others.get(metadata.name) ?? hypervisor;
}
