/**
 * The controller of BenchClusters: keeps the queue of cluster keys and runs one round for each:
 * observe → plan → execute → report. What wakes a round: a changed manifest, a libvirt event, an
 * operation that ended, a wait that is due.
 */
import { toError } from '../../lib/error.ts';
import { digestOf } from '../../lib/hash.ts';
import { Queue } from '../loop/queue.ts';
import type { ClusterRecord } from '../ports.ts';
import type { CatalogEntry } from './catalog.ts';
import { type Cluster, Clusters } from './clusters.ts';
import type { ControllerOptions, ControllerPorts } from './controller-ports.ts';
import type { DesiredCluster } from './desired.ts';
import { Effects } from './effects.ts';
import type { ExecutePorts } from './execute.ts';
import { Guests } from './guests.ts';
import { Janitor } from './janitor.ts';
import { observe, observeHost, type Seen } from './observe.ts';
import type { Observed } from './observed.ts';
import { hostActions, hostPlan, type Plan, type PlannedAction, plan } from './plan.ts';
import { noteError, tellError } from './round-error.ts';
import { Sightings } from './sightings.ts';
import { SourceGate } from './source-gate.ts';
import { SourceReport } from './source-report.ts';
import { WatchedHosts } from './watched-hosts.ts';
import { writeStatus } from './write-status.ts';

/** What a round saw and decided. */
interface Round {
  desired: DesiredCluster;
  observed: Observed;
  planned: Plan;
  /** See `Operations.mark`. */
  seen: number;
}

const catalogKey = ' catalog';
/** After a cluster's key: its round of the VMs alone, which waits for no guest. */
const hostSuffix = ' host';

export class Controller {
  readonly #ports: ControllerPorts;
  readonly #options: ControllerOptions;
  readonly #startedAt: number;
  readonly #guests: Guests;
  readonly #queue: Queue;
  readonly #clusters: Clusters;
  readonly #hosts: WatchedHosts;
  readonly #abort = new AbortController();
  #unsubscribe: () => void = () => {};
  readonly #sourceReport: SourceReport;
  readonly #gate: SourceGate;
  readonly #janitor: Janitor;

  constructor(ports: ControllerPorts, options: ControllerOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#startedAt = ports.clock.now();
    this.#clusters = new Clusters(options.identity, (key, record) => this.#cluster(key, record));
    this.#guests = new Guests(ports.runner, ports.clock, ({ hostName, domain }) =>
      this.#wakeHost(hostName, domain.uuid),
    );
    this.#hosts = new WatchedHosts(ports.hypervisor, (host, domain) =>
      this.#wakeHost(host, domain),
    );
    this.#gate = new SourceGate(ports, (time) => this.#queue.addAt(catalogKey, time));
    const { installation } = options.identity;
    this.#janitor = new Janitor({ ports, installation, records: () => this.#clusters.records() });
    this.#sourceReport = new SourceReport(ports.log, options.onSource);
    this.#queue = new Queue({
      clock: ports.clock,
      workers: options.workers ?? 200,
      run: (key) => this.#fenced(key),
    });
  }

  /** Loads what was last good and begins to reconcile; returns at once after that. */
  async start(): Promise<void> {
    for (const record of await this.#ports.state.clusters()) {
      const { namespace, name } = record.cluster.metadata;
      this.#clusters.of(`${namespace}/${name}`, record);
    }
    const read = () => this.#queue.add(catalogKey);
    const unsubscribes = [
      this.#ports.source.onChange(read),
      this.#ports.state.onDeletionRequest(read),
      this.#ports.state.onConfirmation(read),
    ];
    this.#unsubscribe = () => {
      for (const unsubscribe of unsubscribes) unsubscribe();
    };
    this.#queue.add(catalogKey);
    this.#janitor.start();
  }

  /** Ends the rounds and operations under way; what they left undone is done by the next start. */
  async close(): Promise<void> {
    this.#unsubscribe();
    this.#hosts.close();
    this.#abort.abort();
    await this.#janitor.close();
    await this.#queue.close();
    await Promise.all(this.#clusters.all().map(({ effects }) => effects.close()));
  }

  #cluster(key: string, record?: ClusterRecord): Cluster {
    const { clock, random, log } = this.#ports;
    const limit = this.#options.effects ?? 8;
    return {
      ...(record?.status && { status: record.status }),
      faults: [],
      effects: new Effects({
        ...{ clock, random, log, limit, wake: () => this.#wake(key) },
        ...(record?.status && { before: record.status }),
      }),
      sightings: new Sightings(clock, record?.status),
    };
  }

  /** The fence: whatever one cluster throws is logged and retried, and never stops the others. */
  async #fenced(key: string): Promise<void> {
    try {
      if (key === catalogKey) await this.#readCatalog();
      else if (key.endsWith(hostSuffix)) await this.#hostRound(key.slice(0, -hostSuffix.length));
      else await this.#round(key);
    } catch (thrown) {
      if (this.#abort.signal.aborted) return;
      const error = toError(thrown);
      this.#ports.log.error({ cluster: key, err: error }, 'round failed');
      const name = key.endsWith(hostSuffix) ? key.slice(0, -hostSuffix.length) : key;
      if (key === catalogKey) this.#tellAll(error);
      const cluster = this.#clusters.get(name);
      this.#queue.addAt(key, noteError(cluster, error, this.#ports));
      const status = cluster && (await tellError(name, cluster, this.#ports));
      if (status) this.#options.onStatus?.(name, status);
    }
  }

  /** What is wanted could not be read or stored: what was last good goes on, and each says why. */
  #tellAll({ message }: Error): void {
    const faults = [{ file: 'source', message: `cannot be followed: ${message}` }];
    for (const [key, cluster] of this.#clusters.entries()) {
      if (cluster.seen && digestOf(cluster.faults) === digestOf(faults)) continue;
      cluster.faults = faults;
      cluster.seen = true;
      this.#wake(key);
    }
  }

  async #readCatalog(): Promise<void> {
    const snapshot = this.#ports.source.snapshot();
    this.#sourceReport.tell(snapshot);
    const woken: string[] = [];
    try {
      for (const entry of await this.#gate.read(snapshot, this.#clusters.records())) {
        if (await this.#take(entry)) woken.push(entry.key);
      }
    } finally {
      // Not before all are known: one that goes must know what one wants that came with it.
      for (const key of woken) this.#wake(key);
    }
  }

  /** Whether its cluster is to be looked at. */
  async #take(entry: CatalogEntry): Promise<boolean> {
    const cluster = this.#clusters.of(entry.key);
    const told = digestOf([cluster.faults, cluster.hold]);
    cluster.faults = entry.faults;
    if (entry.hold) cluster.hold = entry.hold;
    else delete cluster.hold;
    if (entry.changed && entry.record) {
      await this.#ports.state.putCluster(entry.record);
      this.#clusters.take(entry.key, cluster, entry.record);
      cluster.effects.forgetFailures();
    }
    const isNews = told !== digestOf([cluster.faults, cluster.hold]);
    const fresh = cluster.status === undefined || !cluster.seen;
    cluster.seen = true;
    return entry.changed || isNews || fresh;
  }

  /** The round of the VMs first: it needs no guest, and a slow one must not hold it up. */
  #wake(key: string): void {
    this.#queue.add(`${key}${hostSuffix}`);
    this.#queue.add(key);
  }

  async #hostRound(key: string): Promise<void> {
    const cluster = this.#clusters.get(key);
    if (cluster?.record === undefined) return;
    const { record } = cluster;
    const { desired, ports, context, seen } = this.#scene(key, cluster, record);
    const found = await observeHost(desired, ports, context, this.#abort.signal);
    if (this.#isOver(key, record)) return;
    const observed = this.#known(key, cluster, record, found);
    const planned = plan(desired, observed, ports.scheduler, this.#ports.clock.now());
    const said = hostPlan(planned, cluster.status);
    cluster.effects.settle(said, false);
    await this.#act(cluster, hostActions(planned), { desired, ports, seen }, async () => {
      // What guests and scheduler say is for the other round to tell.
      if (!said.nodes.some(({ outcome }) => outcome.byHost)) return;
      await this.#writeStatus(key, cluster, { desired, observed, planned: said, seen });
    });
  }

  async #round(key: string): Promise<void> {
    const cluster = this.#clusters.get(key);
    if (cluster?.record === undefined) return;
    const { record } = cluster;
    const { desired, ports, context, seen } = this.#scene(key, cluster, record);
    const found = await observe(desired, ports, context, this.#abort.signal);
    if (this.#isOver(key, record)) return;
    const observed = this.#known(key, cluster, record, found);
    const planned = plan(desired, observed, ports.scheduler, this.#ports.clock.now());
    cluster.effects.settle(planned, 'inventory' in observed.host && 'view' in observed.scheduler);
    delete cluster.error;
    await this.#act(cluster, planned.actions, { desired, ports, seen }, () =>
      this.#report(key, cluster, { desired, observed, planned, seen }),
    );
  }

  /** It is told a moment later, so that what is told knows of what is started here. */
  async #act(
    { effects }: Cluster,
    actions: readonly PlannedAction[],
    { desired, ports, seen }: { desired: DesiredCluster; ports: ExecutePorts; seen: number },
    tell: () => Promise<void>,
  ): Promise<void> {
    const told = Promise.resolve().then(tell);
    for (const item of actions) effects.start(desired, item, ports, seen, told);
    await told;
  }

  /** The process ends, or the record is another one now, whose own round has been woken. */
  #isOver(key: string, record: ClusterRecord): boolean {
    return this.#abort.signal.aborted || this.#clusters.get(key)?.record !== record;
  }

  /** Looking takes time: what others want and what was told last is as it is after it. */
  #known(key: string, cluster: Cluster, record: ClusterRecord, found: Seen): Observed {
    const others = this.#clusters.others(key, record);
    return { ...found, others, ...(cluster.status && { previous: cluster.status }) };
  }

  /** What a round begins with. */
  #scene(key: string, cluster: Cluster, record: ClusterRecord) {
    const { state, runner } = this.#ports;
    const desired = this.#clusters.desired(key, cluster, record);
    const hypervisor = this.#hosts.of(record.host);
    const scheduler = this.#ports.scheduler(desired.scheduler.name);
    return {
      desired,
      ports: {
        ...{ hypervisor, scheduler, state, runner },
        ...{ guests: this.#guests, sightings: cluster.sightings },
      },
      context: {
        operations: cluster.effects.operations(),
        failures: cluster.effects.failures(),
        repairs: cluster.effects.repairs(),
        ended: cluster.effects.ended(),
        startedAt: this.#startedAt,
      },
      seen: cluster.effects.mark(),
    };
  }

  async #report(key: string, cluster: Cluster, round: Round): Promise<void> {
    const { observed, planned, seen } = round;
    const { namespace, name } = round.desired;
    // An effect that ended after the listing was made may have left something behind.
    const idle = cluster.effects.operations().length === 0 && cluster.effects.mark() === seen;
    const { inventory } = 'inventory' in observed.host ? observed.host : {};
    // With the record goes all that knows of what a listing of before has missed.
    if (cluster.sightings.isGone(planned.finished && idle ? inventory : undefined)) {
      await this.#ports.state.removeCluster(namespace, name);
      this.#clusters.delete(key);
      this.#options.onStatus?.(key, undefined);
      this.#queue.add(catalogKey);
      return;
    }
    await this.#writeStatus(key, cluster, round);
    this.#queue.addAt(key, planned.wakeAt);
  }

  async #writeStatus(key: string, cluster: Cluster, round: Round): Promise<void> {
    const { state, clock } = this.#ports;
    const error = cluster.error?.message;
    const kept = { ...cluster.effects.report(), ...(error !== undefined && { error }) };
    const status = await writeStatus(key, cluster, round, { state, clock }, kept);
    if (status) this.#options.onStatus?.(key, status);
  }

  #wakeHost(host: string, domain: string | undefined): void {
    for (const key of this.#clusters.concernedBy(host, domain)) this.#wake(key);
  }
}
