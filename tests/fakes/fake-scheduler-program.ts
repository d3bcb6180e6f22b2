/**
 * The fake scheduler inside of the guests: the daemon on the head keeps its records on the head's
 * disk; a worker is up while the unit that joined it is active. Commands are those that the
 * module sends.
 */
import type { GuestResult } from '../../src/controllers/ports.ts';
import { done, type GuestProgram, type SimGuest, type SimGuests } from '../../src/sim/guests.ts';
import { type FakeView, keyPath } from './fake-scheduler.ts';

interface NodeRecord {
  drain?: string;
  jobs: number;
}

export class FakeSchedulerProgram implements GuestProgram {
  /** Units of these names fail so many times. */
  readonly failures = new Map<string, number>();
  /** Set by the world once the guests exist. */
  guests: SimGuests | undefined;
  readonly #unitMs: number;

  constructor(unitMs = 3000) {
    this.#unitMs = unitMs;
  }

  facts(guest: SimGuest): string {
    return String(guest.disk.files.size);
  }

  view(guest: SimGuest): { exitCode: number; output: string } {
    if (guest.units.get('form')?.activeState !== 'active') {
      return { exitCode: 1, output: 'the daemon does not run' };
    }
    const head = { name: guest.domain.name, up: true, jobs: 0 };
    const workers = [...records(guest)].map(([name, record]) => ({
      name,
      ...record,
      up: this.#isUp(name),
    }));
    const view: FakeView = [head, ...workers];
    return { exitCode: 0, output: JSON.stringify(view) };
  }

  unit(guest: SimGuest, unit: string): { ms: number; end: () => string | undefined } {
    return { ms: this.#unitMs, end: () => this.#end(guest, unit) };
  }

  script(guest: SimGuest, script: string): GuestResult {
    const [, verb, name = '', reason] = /^fake-ctl (\w+) (\S+) (.*)$/.exec(script) ?? [];
    if (guest.units.get('form')?.activeState !== 'active') return done(1, 'no daemon');
    const record = records(guest).get(name);
    if (record === undefined) return done(1, `no node ${name}`);
    if (verb === 'delete' && record.jobs > 0 && this.#isUp(name))
      return done(1, `${name} has jobs`);
    if (verb === 'delete') records(guest).delete(name);
    if (verb === 'drain' && reason !== undefined) record.drain = reason;
    if (verb === 'resume') delete record.drain;
    return done(0);
  }

  /** Jobs on a node of the cluster of that head; negative when they end. */
  addJobs(head: string, name: string, jobs: number): void {
    const guest = this.guests?.guest(head);
    const record = guest && records(guest).get(name);
    if (record !== undefined) record.jobs += jobs;
  }

  /** A person closes a node for work. */
  drainByHand(head: string, name: string, reason: string): void {
    const guest = this.guests?.guest(head);
    const record = guest && records(guest).get(name);
    if (record !== undefined) record.drain = reason;
  }

  /** What the head knows, or nothing when it does not run. */
  nodes(head: string): ReadonlyMap<string, NodeRecord> {
    const guest = this.guests?.guest(head);
    return guest === undefined ? new Map() : records(guest);
  }

  #isUp(name: string): boolean {
    const units = [...(this.guests?.guest(name)?.units.values() ?? [])];
    return units.some((unit) => unit.name.startsWith('join-') && unit.activeState === 'active');
  }

  #end(guest: SimGuest, unit: string): string | undefined {
    const failures = this.failures.get(unit) ?? 0;
    if (failures > 0) {
      this.failures.set(unit, failures - 1);
      return `${unit} failed on request`;
    }
    if (unit === 'form') return undefined;
    const head = this.#headOf(guest);
    if (head?.units.get('form')?.activeState !== 'active') return 'the head does not answer';
    if (head.disk.files.get(keyPath) !== guest.disk.files.get(keyPath)) return 'wrong key';
    const known = records(head).get(guest.domain.name);
    records(head).set(guest.domain.name, known ?? { jobs: 0 });
    return undefined;
  }

  #headOf(guest: SimGuest): SimGuest | undefined {
    const { node } = guest.domain.owner ?? {};
    return node && this.guests?.guest(`${node.cluster}-head-0`);
  }
}

function records(head: SimGuest): Map<string, NodeRecord> {
  const known = head.disk.data.get('nodes');
  if (known instanceof Map) return known;
  const fresh = new Map<string, NodeRecord>();
  head.disk.data.set('nodes', fresh);
  return fresh;
}
