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
  type HostInventory,
  type Hypervisor,
  PortError,
} from '../ports.ts';
import type { GuestFacts } from '../schedulers/scheduler.ts';

export interface GuestDomain {
  hostName: string;
  hypervisor: Hypervisor;
  domain: DomainView;
  inventory: HostInventory;
  user: string;
}

export type Visit =
  | { kind: 'answered'; address: string; result: GuestResult; at: number }
  | {
      kind: 'unproven';
      address?: string;
      reason: string;
      message: string;
      at: number;
      slow?: true;
    };

interface Known {
  /** The run of the domain that this knowledge is about. */
  run: string;
  hostKey?: string;
  target?: GuestTarget;
  candidates?: string;
  facts?: { facts: GuestFacts<unknown>; at: number };
  /** Its scheduler has answered in this run of the domain. */
  answered?: true;
}

const visitTimeoutMs = 20_000;
/** How old the answer of a late visit may be when a round takes it. */
const freshMs = 5_000;

interface Pending {
  /** The run of the domain that is visited. */
  run: string;
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
  ): { address: string; facts?: GuestFacts<unknown> } | undefined {
    const address = this.proven(guest);
    const known = this.#of(guest.domain).facts;
    const fresh = known !== undefined && this.#clock.now() - known.at <= maxAgeMs;
    return address === undefined ? undefined : { address, ...(fresh && { facts: known.facts }) };
  }

  remember(guest: GuestDomain, facts: GuestFacts<unknown>): void {
    this.#of(guest.domain).facts = { facts, at: this.#clock.now() };
  }

  /** A unit of ours changes what was true; to be called before it starts and after it has ended. */
  forgetFacts(uuid: string): void {
    delete this.#known.get(uuid)?.facts;
    this.#pending.delete(uuid);
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
   * answer is given to the next one.
   */
  async visit(
    guest: GuestDomain,
    script: string,
    patienceMs: number,
    signal: AbortSignal,
  ): Promise<Visit> {
    const { uuid, name } = guest.domain;
    const before = this.#pending.get(uuid);
    const run = runOf(guest.domain);
    const same = before?.script === script && before.run === run;
    if (before?.late !== undefined || !same) this.#pending.delete(uuid);
    if (before?.late && same && this.#clock.now() - before.late.at < freshMs) return before.late;
    const pending = this.#pending.get(uuid) ?? {
      run,
      script,
      visit: this.#visit(guest, script, signal),
    };
    this.#pending.set(uuid, pending);
    let cancel = () => {};
    const impatient = new Promise<undefined>((resolve) => {
      cancel = this.#clock.after(patienceMs, () => resolve(undefined));
    });
    const visit = await Promise.race([pending.visit, impatient]);
    cancel();
    if (visit !== undefined) {
      if (this.#pending.get(uuid) === pending) this.#pending.delete(uuid);
      return visit;
    }
    void pending.visit.then((late) => {
      pending.late = late;
      this.#onLate(guest);
    });
    const address = this.#known.get(uuid)?.target?.address;
    const late = waiting('WaitingForSSH', `${name} is slow to answer`);
    return { ...late, slow: true, ...(address && { address }), at: this.#clock.now() };
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
      return { kind: 'answered', address, result, at: at() };
    } catch (thrown) {
      const error = toError(thrown);
      const address = known.target?.address;
      this.#distrust(guest.domain.uuid);
      return {
        ...waiting('WaitingForSSH', error.message),
        ...(address && { address }),
        at: at(),
      };
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
    const run = runOf(domain);
    const known = this.#known.get(domain.uuid);
    if (known?.run === run) return known;
    if (known) this.#runner.forget(domain.uuid);
    const fresh: Known = { run };
    this.#known.set(domain.uuid, fresh);
    return fresh;
  }

  /** Something did not fit: everything is read and proven anew at the next visit. */
  #distrust(uuid: string): void {
    const known = this.#known.get(uuid);
    if (known === undefined) return;
    this.#known.set(uuid, { run: known.run });
  }
}

function runOf(domain: DomainView): string {
  return `${domain.uuid}#${domain.id}`;
}

function leases(guest: GuestDomain): string[] {
  return guest.inventory.networks
    .filter(({ name }) => guest.domain.networks.includes(name))
    .flatMap((network) => network.leases)
    .filter(({ mac }) => guest.domain.macs.includes(mac.toLowerCase()))
    .sort((a, b) => b.expiresAt - a.expiresAt)
    .map(({ address }) => address);
}

function waiting(reason: string, message: string) {
  return { kind: 'unproven', reason, message } as const;
}
