/**
 * Knows where the guests are. An address is believed only when the machine behind it has shown
 * the host key that the guest agent told us and the product UUID of the domain; what was proven
 * is kept for as long as the domain runs and its newest lease stays the same.
 */
import type { Clock } from '../../lib/clock.ts';
import { toError } from '../../lib/error.ts';
import {
  type DomainView,
  type GuestResult,
  type GuestRunner,
  type GuestTarget,
  PortError,
} from '../ports.ts';
import type { GuestFacts } from '../schedulers/scheduler.ts';
import { type GuestDomain, leases, type Visit } from './guest-visit.ts';
import type { GuestView } from './observed.ts';

interface Known {
  /** The run of the domain that this knowledge is about: its `id`. */
  run: number;
  hostKey?: string;
  target?: GuestTarget;
  candidates?: string;
  facts?: { facts: GuestFacts<unknown>; at: number };
  /** While a unit of ours runs: the facts of just before it. */
  factsBefore?: GuestFacts<unknown>;
  /** Its scheduler has answered in this run of the domain. */
  answered?: true;
  /** Why the last visit failed, until one is answered. */
  failure?: Waiting;
}

type Waiting = ReturnType<typeof waiting>;

const visitTimeoutMs = 20_000;
/** How old an answer may be when a round goes by it. */
const freshMs = 5_000;

interface Pending {
  /** The run of the domain that is visited: its `id`. */
  run: number;
  script: string;
  visit: Promise<Visit>;
  /** Set when it ended after the round had stopped waiting for it. */
  late?: Visit;
}

export class Guests {
  readonly #runner: GuestRunner;
  readonly #clock: Clock;
  readonly #onLate: (guest: GuestDomain) => void;
  readonly #known = new Map<string, Known>();
  readonly #pending = new Map<string, Pending>();

  /** `onLate` is called when a visit ends that its round did not wait for any more. */
  constructor(runner: GuestRunner, clock: Clock, onLate: (guest: GuestDomain) => void) {
    this.#runner = runner;
    this.#clock = clock;
    this.#onLate = onLate;
  }

  /** The address proven for the present run of the domain and its present leases, if any. */
  proven(guest: GuestDomain): string | undefined {
    const known = this.#of(guest.domain);
    if (known.candidates !== leases(guest).join()) return undefined;
    return known.target?.address;
  }

  /** What the last visit told, as long as the address holds; facts not older than `maxAgeMs`. */
  recall(
    guest: GuestDomain,
    maxAgeMs: number,
  ): Omit<Extract<GuestView, { kind: 'proven' }>, 'kind'> | undefined {
    const address = this.proven(guest);
    if (address === undefined) return undefined;
    const { facts: known, factsBefore } = this.#of(guest.domain);
    const fresh = known !== undefined && this.#clock.now() - known.at <= maxAgeMs;
    return { address, ...(fresh && { facts: known.facts }), ...(factsBefore && { factsBefore }) };
  }

  remember(guest: GuestDomain, facts: GuestFacts<unknown>): void {
    this.#of(guest.domain).facts = { facts, at: this.#clock.now() };
  }

  /** A unit of ours changes what was true: to be called before it starts. */
  unitStarts(uuid: string): void {
    const known = this.#known.get(uuid);
    const before = known?.facts?.facts;
    this.unitEnded(uuid);
    if (known && before) known.factsBefore = before;
  }

  /** To be called after a unit has ended, however. */
  unitEnded(uuid: string): void {
    const known = this.#known.get(uuid);
    delete known?.facts;
    delete known?.factsBefore;
    this.#pending.delete(uuid);
  }

  /** Whether what was told then may still be gone by. */
  isFresh(at: number): boolean {
    return this.#clock.now() - at < freshMs;
  }

  hasAnswered(guest: GuestDomain): boolean {
    return this.#of(guest.domain).answered === true;
  }

  noteAnswer(guest: GuestDomain): void {
    this.#of(guest.domain).answered = true;
  }

  /** The proven target of a domain. By UUID: clusters of two hosts may have nodes of one name. */
  targetOf(uuid: string): GuestTarget | undefined {
    return this.#known.get(uuid)?.target;
  }

  /**
   * Runs a script in the guest, proving first where it is. Never throws for what guests do. One
   * visit at a time; a guest that takes longer than `patienceMs` does not hold up the round: its
   * answer is given to the next one. While `beside` is not settled, the round waits anyway.
   */
  async visit(
    guest: GuestDomain,
    script: string,
    patienceMs: number,
    signal: AbortSignal,
    beside?: Promise<unknown>,
  ): Promise<Visit> {
    const { uuid, name } = guest.domain;
    const before = this.#pending.get(uuid);
    const run = guest.domain.id;
    const same = before?.script === script && before.run === run;
    if (before?.late !== undefined || !same) this.#pending.delete(uuid);
    if (before?.late && same && this.#clock.now() - before.late.at < freshMs) return before.late;
    const pending = this.#pending.get(uuid) ?? {
      run,
      script,
      visit: this.#visit(guest, script, signal),
    };
    this.#pending.set(uuid, pending);
    const visit = await this.#inTime(pending.visit, patienceMs, beside);
    if (visit !== undefined) {
      if (this.#pending.get(uuid) === pending) this.#pending.delete(uuid);
      return visit;
    }
    void pending.visit.then((late) => {
      pending.late = late;
      this.#onLate(guest);
    });
    const known = this.#known.get(uuid);
    const address = known?.target?.address;
    // What was wrong last is still so; saying another thing at each visit would be noise.
    const late = known?.failure ?? waiting('WaitingForSSH', `${name} is slow to answer`);
    return { ...late, slow: true, ...(address && { address }), at: this.#clock.now() };
  }

  /** Undefined when the visit has not ended so long after `beside` was settled. */
  async #inTime(
    visit: Promise<Visit>,
    patienceMs: number,
    beside: Promise<unknown> | undefined,
  ): Promise<Visit | undefined> {
    const first = beside && (await Promise.race([visit, beside.then(() => undefined)]));
    if (first) return first;
    let cancel = () => {};
    const impatient = new Promise<undefined>((resolve) => {
      cancel = this.#clock.after(patienceMs, () => resolve(undefined));
    });
    return Promise.race([visit, impatient]).finally(() => cancel());
  }

  async #visit(guest: GuestDomain, script: string, signal: AbortSignal): Promise<Visit> {
    const known = this.#of(guest.domain);
    const at = () => this.#clock.now();
    try {
      const candidates = await this.#candidates(guest, signal);
      const [newest] = candidates;
      if (newest === undefined) {
        const mac = guest.domain.macs.join(', ');
        return { ...waiting('WaitingForAddress', `no DHCP lease for ${mac} yet`), at: at() };
      }
      const hostKey = known.hostKey ?? (await this.#hostKey(guest, signal));
      if (hostKey === undefined) {
        const message = 'the guest agent is not connected yet, so no host key is known';
        return { ...waiting('WaitingForAgent', message), address: newest, at: at() };
      }
      known.hostKey = hostKey;
      const { address, result } = await this.#tryEach(guest, hostKey, candidates, script, signal);
      known.candidates = leases(guest).join();
      delete known.failure;
      return { kind: 'answered', address, result, at: at() };
    } catch (thrown) {
      const address = known.target?.address;
      const failure = waiting('WaitingForSSH', toError(thrown).message);
      this.#distrust(guest.domain.uuid, failure);
      return { ...failure, ...(address && { address }), at: at() };
    }
  }

  forget(uuid: string): void {
    this.#known.delete(uuid);
    this.#runner.forget(uuid);
  }

  async #tryEach(
    guest: GuestDomain,
    hostKey: string,
    candidates: string[],
    script: string,
    signal: AbortSignal,
  ): Promise<{ address: string; result: GuestResult }> {
    const { domain, hostName, user } = guest;
    let failure: Error | undefined;
    for (const address of candidates) {
      const target = {
        host: hostName,
        node: domain.name,
        uuid: domain.uuid,
        address,
        user,
        hostKey,
      };
      try {
        const result = await this.#runner.run(target, script, {
          timeoutMs: visitTimeoutMs,
          signal,
        });
        this.#of(domain).target = target;
        return { address, result };
      } catch (thrown) {
        failure = toError(thrown);
      }
    }
    throw failure ?? new PortError('unreachable', `${domain.name} has no address`);
  }

  /** Newest lease first; the guest agent and ARP only where no lease is. */
  async #candidates(guest: GuestDomain, signal: AbortSignal): Promise<string[]> {
    const known = leases(guest);
    if (known.length > 0 || !guest.domain.agentConnected) return known.slice(0, 3);
    const reported = await guest.hypervisor.guestAddresses(guest.domain.uuid, signal);
    return reported
      .filter(({ mac }) => guest.domain.macs.includes(mac))
      .map(({ address }) => address)
      .slice(0, 3);
  }

  async #hostKey(guest: GuestDomain, signal: AbortSignal): Promise<string | undefined> {
    if (!guest.domain.agentConnected) return undefined;
    return guest.hypervisor.hostKey(guest.domain.uuid, signal);
  }

  /** Knowledge dies with the run of the domain: a new start may be a new disk. */
  #of(domain: DomainView): Known {
    const run = domain.id;
    const known = this.#known.get(domain.uuid);
    if (known?.run === run) return known;
    if (known) this.#runner.forget(domain.uuid);
    const fresh: Known = { run };
    this.#known.set(domain.uuid, fresh);
    return fresh;
  }

  /** Something did not fit: everything is read and proven anew at the next visit. */
  #distrust(uuid: string, failure: Waiting): void {
    const known = this.#known.get(uuid);
    if (known === undefined) return;
    this.#known.set(uuid, { run: known.run, failure });
  }
}

function waiting(reason: string, message: string) {
  return { kind: 'unproven', reason, message } as const;
}
