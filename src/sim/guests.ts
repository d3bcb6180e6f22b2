/**
 * Guests in memory, behind the fake hypervisor: a guest answers when its domain has run long
 * enough, only at its own address, and only to a caller that knows its host key. What is on its
 * disk lives as long as the volume; units live until the machine stops. What the commands mean is
 * told by a program, so any scheduler can be played.
 */
import {
  type GuestResult,
  type GuestRunner,
  type GuestTarget,
  PortError,
} from '../controllers/ports.ts';
import type { Clock } from '../lib/clock.ts';
import { poolPath, type SimDomain, type SimVolume } from './host.ts';
import { type SimHypervisor, simHostKey } from './hypervisor.ts';

/** What a guest keeps over a reboot. */
export interface SimDisk {
  files: Map<string, string>;
  /** Whatever the program wants to keep. */
  data: Map<string, unknown>;
}

export interface SimUnit {
  name: string;
  activeState: 'activating' | 'active' | 'failed';
  attempts: number;
  endedAt?: number;
  journal: string;
}

/** One guest at one moment. */
export interface SimGuest {
  domain: SimDomain;
  disk: SimDisk;
  units: Map<string, SimUnit>;
}

/** What the software in the guests does. */
export interface GuestProgram {
  facts(guest: SimGuest): string;
  view(guest: SimGuest): { exitCode: number; output: string };
  /** How long the unit takes; `end` has its effects and gives the journal of a failure. */
  unit(guest: SimGuest, unit: string): { ms: number; end: () => string | undefined };
  script(guest: SimGuest, script: string): GuestResult;
}

export interface SimGuestsOptions {
  clock: Clock;
  hypervisor: SimHypervisor;
  program: GuestProgram;
  /** From the start of the domain until SSH answers; default 4 s. */
  sshAfterMs?: number;
  /** Of one command; default 50 ms. */
  roundTripMs?: number;
}

export class SimGuests implements GuestRunner {
  /** Guests by name that do not answer for now. */
  readonly silent = new Set<string>();
  /** Commands so far that changed something. */
  changes = 0;
  readonly #options: SimGuestsOptions;
  readonly #disks = new WeakMap<SimVolume, SimDisk>();
  readonly #units = new Map<number, Map<string, SimUnit>>();

  constructor(options: SimGuestsOptions) {
    this.#options = options;
  }

  /** The guest of a domain that runs, for tests and programs. */
  guest(name: string): SimGuest | undefined {
    const { hypervisor } = this.#options;
    const domain = [...hypervisor.domains.values()].find((item) => item.name === name);
    return domain === undefined || domain.state !== 'running' ? undefined : this.#of(domain);
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
    if (script.includes('bc1:begin=facts')) return this.#facts(guest, script);
    this.changes += 1;
    const unit = /--unit=benchcluster-(\S+)\.service/.exec(script)?.[1];
    if (unit === undefined) return this.#options.program.script(guest, script);
    return this.#startUnit(guest, unit, script, options.signal);
  }

  forget(): void {}

  async close(): Promise<void> {}

  #of(domain: SimDomain): SimGuest {
    const root = domain.files[0]?.slice(poolPath.length + 1) ?? '';
    const volume = this.#options.hypervisor.volumes.get(root);
    if (volume === undefined)
      throw new PortError('unreachable', `${domain.name} has lost its disk`);
    const disk = this.#disks.get(volume) ?? { files: new Map(), data: new Map() };
    this.#disks.set(volume, disk);
    const units = this.#units.get(domain.id) ?? new Map<string, SimUnit>();
    this.#units.set(domain.id, units);
    return { domain, disk, units };
  }

  /** As SSH would: by address, then by what the machine there proves of itself. */
  #reach(target: GuestTarget): SimGuest {
    const { hypervisor, clock, sshAfterMs = 4000 } = this.#options;
    const leases = [...hypervisor.networks.values()].flatMap((network) => network.leases);
    const macs = leases.filter(({ address }) => address === target.address).map(({ mac }) => mac);
    const domain = [...hypervisor.domains.values()].find(
      (item) => macs.includes(item.mac) && item.state === 'running',
    );
    if (domain === undefined || clock.now() < domain.startedAt + sshAfterMs) {
      throw new PortError('unreachable', `${target.address} does not answer`);
    }
    if (simHostKey(domain.uuid) !== target.hostKey || domain.uuid !== target.uuid) {
      throw new PortError('conflict', `${target.address} is another machine`);
    }
    return this.#of(domain);
  }

  #facts(guest: SimGuest, script: string): GuestResult {
    const { program, clock } = this.#options;
    const nonce = `${guest.domain.uuid}-${clock.now()}`;
    const uptime = (clock.now() - guest.domain.startedAt) / 1000;
    const lines = [
      `bc1:bootId=boot-${guest.domain.id}`,
      `bc1:hostname=${guest.domain.name}`,
      'bc1:cpus=1',
      'bc1:memoryKiB=1000000',
      `bc1:uptime=${uptime}`,
      ...[...guest.units.values()].flatMap((unit) => this.#unitLines(guest, unit)),
      `bc1:begin=facts/${nonce}`,
      program.facts(guest),
      `bc1:end=facts/${nonce}`,
    ];
    if (script.includes('bc1:begin=view')) {
      const view = program.view(guest);
      lines.push(`bc1:begin=view/${nonce}`, view.output, `bc1:end=view/${nonce}`);
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
      `bc1:journal=${id}=${Buffer.from(unit.journal).toString('base64')}`,
    ];
  }

  /** The unit goes on when the caller is gone; only the end of the machine ends it. */
  async #startUnit(
    guest: SimGuest,
    name: string,
    script: string,
    signal: AbortSignal,
  ): Promise<GuestResult> {
    const { program, clock } = this.#options;
    const before = guest.units.get(name);
    if (before?.activeState === 'active' || before?.activeState === 'activating') return done(0);
    for (const [path, content] of filesOf(script)) guest.disk.files.set(path, content);
    const attempts = (before?.attempts ?? 0) + 1;
    const unit: SimUnit = { name, activeState: 'activating', attempts, journal: '' };
    guest.units.set(name, unit);
    const { ms, end } = program.unit(guest, name);
    const { id } = guest.domain;
    clock.after(ms, () => {
      if (guest.domain.id !== id) return;
      const failure = end();
      unit.activeState = failure === undefined ? 'active' : 'failed';
      unit.journal = failure ?? '';
      unit.endedAt = clock.now();
    });
    await this.#wait(ms + 1, signal);
    if (guest.domain.id !== id) throw new PortError('unreachable', `${guest.domain.name} is gone`);
    return unit.endedAt !== undefined && unit.journal === '' ? done(0) : done(1, unit.journal);
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

export function done(exitCode: number, stderr = ''): GuestResult {
  return { exitCode, stdout: '', stderr };
}

/** The files that a start script writes, by path: as base64, or as one quoted word of text. */
export function filesOf(script: string): [string, string][] {
  const coded = /base64 -d >(\S+)\.benchcluster <<'bc1-end'\n([A-Za-z0-9+/=\n]*?)\nbc1-end\n/g;
  const plain = /^printf %s ((?:'[^']*'|\\'|[^\s'\\])+) >(\S+)\.benchcluster$/gm;
  const files = [
    ...[...script.matchAll(coded)].map(([, path = '', content = '']): [string, string] => [
      path,
      Buffer.from(content, 'base64').toString('latin1'),
    ]),
    ...[...script.matchAll(plain)].map(([, word = '', path = '']): [string, string] => [
      path,
      Buffer.from(unquoted(word)).toString('latin1'),
    ]),
  ];
  const moves = script.match(/^mv \S+\.benchcluster /gm) ?? [];
  if (files.length !== moves.length) throw new Error(`files that are not understood in: ${script}`);
  return files;
}

function unquoted(word: string): string {
  return word.replaceAll(/'([^']*)'|\\'/g, (_, text: string | undefined) => text ?? "'");
}
