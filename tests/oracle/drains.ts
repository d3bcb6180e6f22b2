/**
 * What is known of every worker's record with its scheduler: who closed it, when it was last seen
 * empty, since when its removal is told to people. The scheduler's records are on the head's disk,
 * so they stay known while the head is away.
 */
import type {
  DomainTruth,
  Effect,
  HostTruth,
  RecordTruth,
  SchedulerTruth,
  StatusTruth,
  Truth,
} from './truth.ts';

/** How old the proof may be that a node is closed and empty, in milliseconds. */
export const proofMs = 5000;

export interface KnownRecord extends RecordTruth {
  /** It is closed with a reason that a command of the controller gave it. */
  closedByUs: boolean;
  /** When it was last seen closed and without a job. */
  emptyAt?: number;
}

interface KnownScheduler {
  head: string;
  /** Where its disk is. */
  disk?: string;
  answers: boolean;
  records: Map<string, KnownRecord>;
}

export class Drains {
  readonly #schedulers = new Map<string, KnownScheduler>();
  /** By cluster and node: since when its status says without a break that it is on its way out. */
  readonly #told = new Map<string, number>();
  /**
   * By cluster and node: the reasons that commands of ours have closed it with. A head that loses
   * its power, or comes back from a backup, has records of before: also one that was deleted since.
   */
  readonly #ours = new Map<string, Set<string>>();
  /** Records that were closed and without a job at the last look. */
  #empty: KnownRecord[] = [];

  saw({ schedulers, hosts, now }: Truth): void {
    this.#forgetLost(hosts);
    for (const truth of schedulers) this.#saw(truth, now);
    for (const known of this.#schedulers.values()) {
      const [disk] = domainsOf(hosts).find(({ uuid }) => uuid === known.head)?.files ?? [];
      if (disk !== undefined) known.disk = disk;
    }
    this.#empty = [...this.#schedulers.values()].flatMap(({ records }) =>
      [...records.values()].filter(({ emptyAt }) => emptyAt === now),
    );
  }

  /** All is as it was at the last look: what was empty then is so still. */
  lasts(now: number): void {
    for (const record of this.#empty) record.emptyAt = now;
  }

  /** The disks with the records are of before: what is on them is known when it is seen. */
  forget(): void {
    this.#schedulers.clear();
    this.#empty = [];
  }

  /** A command of ours took place: what it closed is closed by us. */
  done(effect: Effect, before: Truth, after: Truth): void {
    for (const { cluster, name, reason } of closedBy(effect, before, after)) {
      const key = `${cluster} ${name}`;
      this.#ours.set(key, (this.#ours.get(key) ?? new Set()).add(reason));
    }
    this.saw(after);
  }

  /** A status was written. */
  told(cluster: string, status: StatusTruth, now: number): void {
    const leaving = new Set(
      // A power-off that fails is tried again, and the time that it waited for has passed already.
      status.nodes
        .filter(({ phase }) => phase === 'Draining' || phase === 'Deleting')
        .map(({ name }) => name),
    );
    for (const key of this.#told.keys()) {
      const [of, node = ''] = key.split(' ');
      if (of === cluster && !leaving.has(node)) this.#told.delete(key);
    }
    for (const node of leaving) {
      const key = `${cluster} ${node}`;
      if (!this.#told.has(key)) this.#told.set(key, now);
    }
  }

  drainingSince(cluster: string, node: string): number | undefined {
    return this.#told.get(`${cluster} ${node}`);
  }

  /** Undefined when the scheduler never had a record of it, or has none any more. */
  record(cluster: string, node: string): KnownRecord | undefined {
    return this.#schedulers.get(cluster)?.records.get(node);
  }

  /** A command of ours has once closed the node with that reason. */
  isReasonOurs(cluster: string, node: string, reason: string): boolean {
    return this.#ours.get(`${cluster} ${node}`)?.has(reason) === true;
  }

  answers(cluster: string): boolean {
    return this.#schedulers.get(cluster)?.answers ?? false;
  }

  /** Records are on the disk of the head: they end with it, unless its machine still runs on it. */
  #forgetLost(hosts: HostTruth[]): void {
    const disks = new Set(
      hosts.flatMap(({ poolPath, volumes }) => volumes.map(({ name }) => `${poolPath}/${name}`)),
    );
    for (const [cluster, { head, disk }] of this.#schedulers) {
      const runs = domainsOf(hosts).some(({ uuid, id }) => uuid === head && id !== -1);
      if (disk !== undefined && !disks.has(disk) && !runs) this.#schedulers.delete(cluster);
    }
  }

  #saw(truth: SchedulerTruth, now: number): void {
    const known = this.#schedulers.get(keyOf(truth));
    const same = known?.head === truth.head;
    if (!truth.answers && truth.records.length === 0 && same) {
      known.answers = false;
      return;
    }
    const records = new Map(
      truth.records.map((record) => {
        const old = same ? known.records.get(record.name) : undefined;
        const isEmpty = record.closed && record.jobs === 0;
        const emptyAt = isEmpty ? now : old?.emptyAt;
        const { name, reason = '' } = record;
        const next: KnownRecord = {
          ...record,
          closedByUs: record.closed && this.isReasonOurs(keyOf(truth), name, reason),
          ...(emptyAt !== undefined && { emptyAt }),
        };
        return [record.name, next];
      }),
    );
    const { head, answers } = truth;
    const disk = same ? known.disk : undefined;
    this.#schedulers.set(keyOf(truth), { head, answers, records, ...(disk && { disk }) });
  }
}

/** The workers that a command of ours has closed. */
export function closedBy(
  effect: Effect,
  before: Truth,
  after: Truth,
): { cluster: string; name: string; reason: string }[] {
  if (effect.kind !== 'guest' || effect.reads) return [];
  return after.schedulers.flatMap((truth) => {
    const old = before.schedulers.find((item) => keyOf(item) === keyOf(truth));
    const closed = truth.records.filter((record) => {
      const was = old?.records.find(({ name }) => name === record.name);
      const closes = record.closed && (!was?.closed || was.reason !== record.reason);
      return closes && effect.script.includes(record.name);
    });
    return closed.map(({ name, reason = '' }) => ({ cluster: keyOf(truth), name, reason }));
  });
}

function domainsOf(hosts: HostTruth[]): DomainTruth[] {
  return hosts.flatMap(({ domains }) => domains);
}

export function keyOf({ namespace, cluster }: SchedulerTruth): string {
  return `${namespace}/${cluster}`;
}
