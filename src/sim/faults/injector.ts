/**
 * Makes faults happen where calls pass: to a host, to a guest, from a host as events. It decides by
 * the choice of the run, and tells what it did.
 */
import { type GuestRunner, type HostInventory, PortError } from '../../controllers/ports.ts';
import type { Clock } from '../../lib/clock.ts';
import { between, type Choice, chance, pick } from '../choice.ts';
import type { Mishap } from '../fault-plan.ts';
import type { SimCall, SimHypervisor } from '../hypervisor.ts';
import type { FaultName, Mixture } from './kinds.ts';

const volumeCalls = new Set<SimCall>(['createVolume', 'deleteVolume', 'uploadArtifact']);
const reads = new Set<SimCall>(['inventory', 'hostKey', 'guestAddresses', 'consoleLog']);
/** What a driver allows a short call before it gives up. */
const callDeadlineMs = 30_000;
/** Listings that are kept. */
const maxPast = 200;
const longestAnswerMs = 2_000;
const longestLateMs = 10_000;

export interface InjectorOptions {
  clock: Clock;
  choice: Choice;
  mixture: Mixture;
  /** What happened, where. */
  tell: (fault: FaultName, where: string) => void;
}

export class Injector {
  /** False: nothing happens any more. */
  active = true;
  /** Nobody is connected until then, so nobody hears what happens. */
  eventsLostUntil = 0;
  readonly #options: InjectorOptions;

  constructor(options: InjectorOptions) {
    this.#options = options;
  }

  /** Whether that fault strikes here and now. */
  strikes(fault: FaultName, where: string): boolean {
    const { choice, mixture, tell } = this.#options;
    const rate = this.active ? (mixture.get(fault) ?? 0) : 0;
    if (!chance(choice, rate, fault)) return false;
    tell(fault, where);
    return true;
  }

  /** Faults of all calls to that host. */
  afflict(hypervisor: SimHypervisor): void {
    const past: HostInventory[] = [];
    hypervisor.faults.mishap = (call) =>
      reads.has(call) ? this.#ofRead(hypervisor, call, past) : this.#ofWrite(hypervisor, call);
  }

  /** How events come to one who listens: lost, late or twice. */
  events<Event>(listener: (event: Event) => void): (event: Event) => void {
    const { clock } = this.#options;
    return (event) => {
      const isDeaf = this.active && clock.now() < this.eventsLostUntil;
      const lateMs = isDeaf ? undefined : this.#lateMs();
      if (lateMs === undefined) return;
      if (lateMs > 0) {
        clock.after(lateMs, () => listener(event));
        return;
      }
      listener(event);
      if (this.strikes('eventTwice', 'event')) listener(event);
    };
  }

  /** How late a file system tells of a change, in ms; undefined when it never does. */
  fileEventMs(): number | undefined {
    const lateMs = this.#lateMs();
    return lateMs === undefined ? undefined : Math.max(1, lateMs);
  }

  /** Of one event; undefined when it is lost. */
  #lateMs(): number | undefined {
    if (this.strikes('eventLost', 'event')) return undefined;
    if (!this.strikes('eventLate', 'event')) return 0;
    return between(this.#options.choice, 1, longestLateMs, 'event late by ms');
  }

  /** Faults of commands in guests; they end as SSH's do, by an error of the port. */
  commands(runner: GuestRunner): GuestRunner {
    const { clock, choice } = this.#options;
    return {
      run: async (target, script, options) => {
        const at = target.node;
        if (this.strikes('commandNotSent', at)) throw unreachable(`${at} closed the connection`);
        if (this.strikes('commandSlow', at)) {
          await sleep(clock, between(choice, 1000, 25_000, 'command ms'), options.signal);
        }
        const result = await runner.run(target, script, options);
        if (this.strikes('commandAnswerLost', at)) {
          throw new PortError('timeout', `${at}: the connection broke, outcome unknown`);
        }
        if (this.strikes('commandExits', at)) {
          return { exitCode: 255, stdout: '', stderr: 'terminated' };
        }
        if (this.strikes('outputCut', at)) {
          const end = choice.choose(result.stdout.length + 1, 'output cut');
          return { ...result, stdout: result.stdout.slice(0, end) };
        }
        return result;
      },
      forget: (uuid) => runner.forget(uuid),
      close: () => runner.close(),
    };
  }

  #ofRead(hypervisor: SimHypervisor, call: SimCall, past: HostInventory[]): Mishap | undefined {
    if (this.strikes('connectionReset', call)) return this.#restarts(hypervisor);
    if (this.strikes('readFails', call)) {
      return { refusal: busyPool() };
    }
    if (this.strikes('readHangs', call)) return { delayMs: callDeadlineMs, refusal: timeout(call) };
    if (this.strikes('oldListing', call)) return { answerMs: this.#answerMs() };
    return call === 'inventory' ? this.#ofListing(past) : undefined;
  }

  /** It may be one of before. */
  #ofListing(past: HostInventory[]): Mishap | undefined {
    const { choice, mixture } = this.#options;
    if (!this.active || !mixture.has('timeTravel')) return undefined;
    const travels = this.strikes('timeTravel', 'inventory');
    return {
      answer: (truth) => {
        past.push(truth as HostInventory);
        if (past.length > maxPast) past.shift();
        return travels ? pick(choice, past, 'listing of before') : truth;
      },
    };
  }

  #ofWrite(hypervisor: SimHypervisor, call: SimCall): Mishap | undefined {
    const needsRoom = call === 'createVolume' || call === 'uploadArtifact';
    if (this.strikes('connectionReset', call)) return this.#restarts(hypervisor);
    if (this.strikes('refused', call)) {
      return { refusal: new PortError('failed', `${call}: internal error`) };
    }
    if (volumeCalls.has(call) && this.strikes('poolBusy', call)) return { refusal: busyPool() };
    if (needsRoom && this.strikes('poolFull', call)) {
      return { refusal: new PortError('failed', 'no space left on device') };
    }
    if (call === 'uploadArtifact' && this.strikes('uploadCut', call)) {
      hypervisor.uploads.toCut += 1;
      return { delayMs: this.#answerMs() };
    }
    if (this.strikes('answerLost', call)) return { lost: timeout(call) };
    if (this.strikes('writeHangs', call)) {
      return { answerMs: callDeadlineMs, lost: timeout(call) };
    }
    if (this.strikes('slowWrite', call)) {
      return { delayMs: this.#answerMs(), answerMs: this.#answerMs() };
    }
    return undefined;
  }

  /** A libvirtd that is restarted: every guest runs on, but nobody is told what happens meanwhile. */
  #restarts(hypervisor: SimHypervisor): Mishap {
    const { clock, choice } = this.#options;
    this.eventsLostUntil = clock.now() + between(choice, 100, 5_000, 'connection away for ms');
    const lost = unreachable('the connection was reset');
    return { after: () => hypervisor.restartDaemon(), lost };
  }

  #answerMs(): number {
    return between(this.#options.choice, 1, longestAnswerMs, 'answer ms');
  }
}

/** While libvirt refreshes a pool, or another volume is made in it. */
function busyPool(): PortError {
  return new PortError('failed', 'pool has asynchronous jobs running');
}

function unreachable(message: string): PortError {
  return new PortError('unreachable', message);
}

function timeout(call: string): PortError {
  return new PortError('timeout', `${call}: no answer in time`);
}

function sleep(clock: Clock, milliseconds: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const cancel = clock.after(milliseconds, resolve);
    signal.addEventListener(
      'abort',
      () => {
        cancel();
        resolve();
      },
      { once: true },
    );
  });
}
