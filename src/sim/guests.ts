/**
 * Guests in memory, behind the simulated hypervisor: a guest answers when its domain has run long
 * enough, only at its own address, and only to a caller that knows its host key. What is on its
 * disk lives as long as the volume; all else lives until the machine stops. What the software in
 * the guests does is told by a program, so any scheduler can be played.
 */
import {
  type GuestResult,
  type GuestRunner,
  type GuestTarget,
  PortError,
} from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';
import type { SimDomain } from './domain.ts';
import { filesOf, sectionsOf, unitOf } from './guest-texts.ts';
import type { SimVolume } from './host.ts';
import { type SimHypervisor, simHostKey } from './hypervisor.ts';

export interface SimUnit {
  name: string;
  activeState: 'activating' | 'active' | 'failed';
  attempts: number;
  endedAt?: number;
  journal: string;
}

/** One run of one guest, from the start of its domain to the end of that. */
export interface SimGuest {
  domain: SimDomain;
  /** Of this run; the domain has another one after its next start. */
  run: number;
  /** Files that outlive this run, by path; bytes as latin1. */
  disk: Map<string, string>;
  units: Map<string, SimUnit>;
}

/** Milliseconds that pass in the guest, one wait after the other; then the result. */
export type GuestWork = Generator<number, GuestResult, void>;

/** The software in the guests. What it does not know it must throw, never guess. */
export interface GuestProgram {
  /** The guest has booted; called once in each run, before anything else. */
  boot(guest: SimGuest): void;
  /** Runs a shell script; its errors go among its output where `merged`. */
  run(guest: SimGuest, script: string, merged: boolean): GuestWork;
  /** What its kernel tells: name, CPUs, memory. */
  kernel(guest: SimGuest): { hostname: string; cpus: number; memoryKiB: number };
}

export interface SimGuestsOptions {
  clock: Clock;
  hypervisor: SimHypervisor;
  program: GuestProgram;
  /** From the start of the domain until it has booted and SSH answers; default 4 s. */
  sshAfterMs?: number;
  /** Of one command; default 50 ms. */
  roundTripMs?: number;
}

export class SimGuests implements GuestRunner {
  /** Guests by name that do not answer SSH for now; what runs in them goes on. */
  readonly silent = new Set<string>();
  /** Nodes at whose address something shows another host key. */
  readonly impostors = new Set<string>();
  readonly #options: SimGuestsOptions;
  readonly #disks = new WeakMap<SimVolume, Map<string, string>>();
  readonly #runs = new Map<number, SimGuest>();
  readonly #failures = new Map<string, number>();

  constructor(options: SimGuestsOptions) {
    this.#options = options;
    options.hypervisor.onChange(({ domain }) => this.#watch(domain));
  }

  /** The guest of a domain that has booted, for tests and programs. */
  guest(name: string): SimGuest | undefined {
    const { hypervisor } = this.#options;
    const domain = [...hypervisor.domains.values()].find((item) => item.name === name);
    return domain && this.#runs.get(domain.run);
  }

  /** The next units whose name begins so fail before they do anything, so many times. */
  failUnits(family: string, times: number): void {
    this.#failures.set(family, times);
  }

  async run(
    target: GuestTarget,
    script: string,
    options: { timeoutMs: number; signal: AbortSignal },
  ): Promise<GuestResult> {
    await this.#wait(this.#options.roundTripMs ?? 50, options.signal);
    const guest = this.#reach(target);
    if (this.silent.has(target.node)) {
      await this.#wait(options.timeoutMs, options.signal);
      throw new PortError('timeout', `${target.node} does not answer`);
    }
    const sections = sectionsOf(script);
    if (sections !== undefined) return this.#facts(guest, sections, options.signal);
    const unit = unitOf(script);
    if (unit === undefined) {
      const work = this.#options.program.run(guest, script, false);
      return this.#result(guest, work, options.signal);
    }
    return this.#startUnit(guest, unit.name, unit.script, filesOf(script), options.signal);
  }

  forget(): void {}

  async close(): Promise<void> {}

  /** A domain that was started boots, whether anybody looks or not. */
  #watch(uuid: string | undefined): void {
    const { hypervisor, clock, sshAfterMs = 4000 } = this.#options;
    const domain = hypervisor.domains.get(uuid ?? '');
    if (domain === undefined || domain.run === 0 || this.#runs.has(domain.run)) return;
    const { run, startedAt } = domain;
    clock.after(Math.max(0, startedAt + sshAfterMs - clock.now()), () => {
      if (domain.run === run && hypervisor.rootOf(domain) !== undefined) this.#of(domain);
    });
  }

  #of(domain: SimDomain): SimGuest {
    const known = this.#runs.get(domain.run);
    if (known !== undefined) return known;
    const volume = this.#options.hypervisor.rootOf(domain);
    if (volume === undefined) {
      throw new PortError('unreachable', `${domain.name} has lost its disk`);
    }
    const disk = this.#disks.get(volume) ?? new Map<string, string>();
    this.#disks.set(volume, disk);
    const guest = { domain, run: domain.run, disk, units: new Map<string, SimUnit>() };
    for (const [run, known] of this.#runs) if (known.domain.run !== run) this.#runs.delete(run);
    this.#runs.set(domain.run, guest);
    this.#options.program.boot(guest);
    return guest;
  }

  /** As SSH would: by address, then by what the machine there proves of itself. */
  #reach(target: GuestTarget): SimGuest {
    const { hypervisor, clock, sshAfterMs = 4000 } = this.#options;
    const domain = [...hypervisor.domains.values()].find(
      (item) => item.state === 'running' && hypervisor.addressOf(item) === target.address,
    );
    if (domain === undefined || domain.hung || clock.now() < domain.startedAt + sshAfterMs) {
      throw new PortError('unreachable', `${target.address} does not answer`);
    }
    const isProven = simHostKey(domain.uuid) === target.hostKey && domain.uuid === target.uuid;
    if (!isProven || this.impostors.has(target.node)) {
      throw new PortError('conflict', `${target.address} is another machine`);
    }
    return this.#of(domain);
  }

  async #facts(
    guest: SimGuest,
    sections: { facts: string; view?: string },
    signal: AbortSignal,
  ): Promise<GuestResult> {
    const { program, clock } = this.#options;
    const uptime = (clock.now() - guest.domain.startedAt) / 1000;
    const { hostname, cpus, memoryKiB } = program.kernel(guest);
    const facts = await this.#result(guest, program.run(guest, sections.facts, false), signal);
    const nonce = `${guest.domain.uuid}-${clock.now()}`;
    const lines = [
      `bc1:bootId=boot-${guest.run}`,
      `bc1:hostname=${hostname}`,
      `bc1:cpus=${cpus}`,
      `bc1:memoryKiB=${memoryKiB}`,
      `bc1:uptime=${uptime}`,
      ...[...guest.units.values()].flatMap((unit) => this.#unitLines(guest, unit)),
      `bc1:begin=facts/${nonce}`,
      facts.stdout,
      `bc1:end=facts/${nonce}`,
    ];
    if (sections.view !== undefined) {
      const view = await this.#result(guest, program.run(guest, sections.view, true), signal);
      lines.push(`bc1:begin=view/${nonce}`, view.stdout, `bc1:end=view/${nonce}`);
      lines.push(`bc1:viewStatus=${view.exitCode}`);
    }
    lines.push('bc1:complete=1', '');
    return { exitCode: 0, stdout: lines.join('\n'), stderr: '' };
  }

  #unitLines(guest: SimGuest, unit: SimUnit): string[] {
    const ended = unit.endedAt === undefined ? 0 : unit.endedAt - guest.domain.startedAt;
    const id = `benchcluster-${unit.name}.service`;
    return [
      `bc1:unit.Id=${id}`,
      `bc1:unit.ActiveState=${unit.activeState}`,
      `bc1:unit.Result=${unit.activeState === 'failed' ? 'exit-code' : 'success'}`,
      `bc1:unit.ExecMainStatus=${unit.activeState === 'failed' ? 1 : 0}`,
      `bc1:unit.InactiveEnterTimestampMonotonic=${ended * 1000}`,
      `bc1:attempts=${unit.name}=${unit.attempts}`,
      `bc1:journal=${id}=${Buffer.from(unit.journal.slice(-1500)).toString('base64')}`,
    ];
  }

  /** The unit goes on when the caller is gone; only the end of the machine ends it. */
  async #startUnit(
    guest: SimGuest,
    name: string,
    script: string,
    files: [path: string, content: string][],
    signal: AbortSignal,
  ): Promise<GuestResult> {
    const before = guest.units.get(name);
    if (before?.activeState === 'active' || before?.activeState === 'activating') return done(0);
    for (const [path, content] of files) guest.disk.set(path, content);
    const attempts = (before?.attempts ?? 0) + 1;
    const unit: SimUnit = { name, activeState: 'activating', attempts, journal: '' };
    guest.units.set(name, unit);
    const ends = (result: GuestResult) => {
      unit.activeState = result.exitCode === 0 ? 'active' : 'failed';
      unit.journal = result.stdout;
      unit.endedAt = this.#options.clock.now();
    };
    const work = this.#failing(name) ?? this.#options.program.run(guest, script, true);
    const { exitCode, stdout } = await this.#result(guest, work, signal, ends);
    return done(exitCode, exitCode === 0 ? '' : stdout);
  }

  #failing(name: string): GuestWork | undefined {
    for (const [family, times] of this.#failures) {
      if (!name.startsWith(family) || times === 0) continue;
      this.#failures.set(family, times - 1);
      return failsOnRequest(family);
    }
    return undefined;
  }

  /** Work goes on in the guest when nobody waits for it any more, until the machine stops. */
  #result(
    guest: SimGuest,
    work: GuestWork,
    signal: AbortSignal,
    ends: (result: GuestResult) => void = () => {},
  ): Promise<GuestResult> {
    const { clock } = this.#options;
    return new Promise((resolve, reject) => {
      const cancelled = () => reject(new PortError('cancelled', 'cancelled'));
      const onward = (): void => {
        if (guest.domain.run !== guest.run) {
          reject(new PortError('unreachable', `${guest.domain.name} is gone`));
          return;
        }
        const step = work.next();
        if (!step.done) {
          clock.after(step.value, onward);
          return;
        }
        signal.removeEventListener('abort', cancelled);
        ends(step.value);
        resolve(step.value);
      };
      signal.addEventListener('abort', cancelled, { once: true });
      try {
        onward();
      } catch (thrown) {
        // Whoever asked might take it for a failure of the guest, so it goes to whoever moves time.
        clock.after(0, () => {
          throw thrown;
        });
      }
    });
  }

  #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal.aborted) {
        reject(new PortError('cancelled', 'cancelled'));
        return;
      }
      const onAbort = (): void => {
        cancel();
        reject(new PortError('cancelled', 'cancelled'));
      };
      const cancel = this.#options.clock.after(milliseconds, () => {
        signal.removeEventListener('abort', onAbort);
        resolve();
      });
      signal.addEventListener('abort', onAbort, { once: true });
    });
  }
}

function* failsOnRequest(family: string): GuestWork {
  yield 1000;
  return { exitCode: 1, stdout: `${family} failed on request`, stderr: '' };
}

function done(exitCode: number, stderr = ''): GuestResult {
  return { exitCode, stdout: '', stderr };
}
