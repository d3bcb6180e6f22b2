/**
 * What the controller would do now: the same catalog, observation and plan, told for people.
 * It reads the state of a controller that may be running, and changes nothing anywhere.
 */
import type { PlanOptions } from '../cli/context.ts';
import type { ClusterPlan, PlanReport, PlanStep } from '../cli/plan-report.ts';
import { type Action, actionKey, describeAction } from '../controllers/bench-cluster/action.ts';
import { breaker } from '../controllers/bench-cluster/breaker.ts';
import {
  type CatalogEntry,
  catalog,
  clusterKey,
  writtenClusters,
} from '../controllers/bench-cluster/catalog.ts';
import { type DesiredCluster, desiredCluster } from '../controllers/bench-cluster/desired.ts';
import { failuresOf } from '../controllers/bench-cluster/failures.ts';
import { Guests } from '../controllers/bench-cluster/guests.ts';
import { summaryOf } from '../controllers/bench-cluster/hold-back.ts';
import { observe, observeHost, type Seen } from '../controllers/bench-cluster/observe.ts';
import { othersOf } from '../controllers/bench-cluster/others.ts';
import {
  hostActions,
  type Plan,
  type PlannedAction,
  plan,
} from '../controllers/bench-cluster/plan.ts';
import { revisionOf } from '../controllers/bench-cluster/removal.ts';
import { Sightings } from '../controllers/bench-cluster/sightings.ts';
import { outdatedHead } from '../controllers/bench-cluster/status.ts';
import type { ClusterRecord, Hypervisor, SourceSnapshot } from '../controllers/ports.ts';
import { schedulerModule } from '../controllers/schedulers/registry.ts';
import type { BenchHost } from '../crd/bench-host.ts';
import { changesOf, type FieldChange } from '../crd/changes.ts';
import { howToGoOn } from '../crd/pause.ts';
import { qualifiedName } from '../crd/references.ts';
import { openManifestDirectory } from '../drivers/manifest-directory.ts';
import type { ManifestMemory } from '../drivers/manifest-memory.ts';
import { manifestMemory } from '../drivers/state-manifests.ts';
import { controllerSince } from '../drivers/state-reader.ts';
import { type Clock, systemClock } from '../lib/clock.ts';
import { openSession, type Session } from './session.ts';

/** It is asked only once, so it waits until a visit is given up. */
const workerPatienceMs = 25_000;

export async function planOnce(
  options: PlanOptions,
  env: Readonly<Record<string, string | undefined>>,
  signal: AbortSignal,
): Promise<PlanReport> {
  const session = await openSession(options.state, env);
  const hypervisor = session.hosts.hypervisor.bind(session.hosts);
  const clock = systemClock;
  try {
    const startedAt = await controllerSince(options.state);
    const since = startedAt === undefined ? {} : { startedAt };
    const ground = { ...session, hypervisor, clock, ...since };
    return await planIn(ground, { ...options, memory: manifestMemory(options.state) }, signal);
  } finally {
    await session.close();
  }
}

/** What a plan looks at; it is the caller's to close. */
export interface PlanGround extends Pick<Session, 'state' | 'keys' | 'runner'> {
  hypervisor(host: BenchHost): Hypervisor;
  clock: Clock;
  /**
   * Of the controller that runs, in ms since the epoch: what must last long enough counts from
   * there. Without one, it is planned for one that is started now.
   */
  startedAt?: number;
}

/** Of which clusters. */
type Asked = Pick<PlanOptions, 'namespace' | 'cluster'>;

/** With what the controller remembers of the files, and without a change of that. */
export async function planIn(
  ground: PlanGround,
  options: Omit<PlanOptions, 'state'> & { memory: ManifestMemory },
  signal: AbortSignal,
): Promise<PlanReport> {
  const memory = { ...options.memory, write: async () => {} };
  const asOnce = { clock: systemClock, settleMs: 0, memory };
  const source = await openManifestDirectory(options.dir, asOnce);
  try {
    return await planOf(source.snapshot(), ground, options, signal);
  } finally {
    await source.close();
  }
}

/** Of what a source holds, wherever that is. */
export async function planOf(
  snapshot: SourceSnapshot,
  ground: PlanGround,
  asked: Asked,
  signal: AbortSignal,
): Promise<PlanReport> {
  const { state } = ground;
  const [records, ledger, requests, confirmed] = await Promise.all([
    state.clusters(),
    state.deletionLedger(),
    state.deletionRequests(),
    state.confirmations(),
  ]);
  const settled = snapshot.manifests.map((manifest) => ({
    ...manifest,
    origin: { ...manifest.origin, settled: true },
  }));
  const now = ground.clock.now();
  const written = writtenClusters(snapshot);
  const requested = new Set(requests.map(clusterKey).filter((key) => !written.has(key)));
  const wishes = catalog({ ...snapshot, manifests: settled }, records, now, requested);
  const reading = { entries: wishes, records, requested, confirmations: new Set(confirmed), now };
  const verdict = breaker(reading, ledger);
  // The revision of what the controller does not hold yet is not known before it does.
  const isKnown = revisionOf(verdict.ledger.held) === revisionOf(ledger.held);
  const { text } = summaryOf(verdict.ledger);
  const entries = verdict.entries.map((entry) => (isKnown ? entry : unconfirmed(entry, text)));
  const wanted = entries.filter(({ key }) => isAsked(key, asked));
  const clusters = await Promise.all(
    wanted.map((entry) => planCluster(entry, records, entries, ground, signal)),
  );
  const faults = [...snapshot.faults, ...wanted.flatMap((entry) => entry.faults)];
  return {
    ...(!snapshot.trusted && { untrusted: snapshot.reason ?? 'the source cannot be read' }),
    faults: faults.filter((fault, index) => faults.indexOf(fault) === index),
    clusters: clusters.flatMap((cluster) => cluster ?? []),
  };
}

function unconfirmed(entry: CatalogEntry, text: string): CatalogEntry {
  if (entry.hold?.reason !== 'DeletionHeld') return entry;
  const message = `${text}: that is held until a person confirms; see then: benchctl confirm`;
  return { ...entry, hold: { ...entry.hold, message } };
}

function isAsked(key: string, { namespace, cluster }: Asked): boolean {
  return cluster === undefined
    ? key.startsWith(`${namespace}/`)
    : key === `${namespace}/${cluster}`;
}

async function planCluster(
  entry: CatalogEntry,
  records: readonly ClusterRecord[],
  entries: readonly CatalogEntry[],
  ground: PlanGround,
  signal: AbortSignal,
): Promise<ClusterPlan | undefined> {
  const { record } = entry;
  if (record === undefined) return undefined;
  const { namespace, name } = record.cluster.metadata;
  const before = records.find(
    ({ cluster: { metadata } }) => metadata.namespace === namespace && metadata.name === name,
  );
  const desired = desiredCluster(record, ground.keys);
  const scheduler = schedulerModule(desired.scheduler.name);
  const hypervisor = ground.hypervisor(record.host);
  const { clock, startedAt } = ground;
  const guests = new Guests(ground.runner, clock, () => {});
  // A controller that runs has seen before what is off; one that starts now has not.
  const isNew = startedAt === undefined;
  const ports = {
    ...{ hypervisor, guests, scheduler, workerPatienceMs },
    ...(isNew && { sightings: new Sightings(clock, record.status) }),
  };
  const context = {
    operations: [],
    // After an edit, what failed is tried at once.
    ...(entry.changed
      ? { failures: new Map(), repairs: new Map() }
      : { failures: failuresOf(record.status?.attempts ?? [], clock.now()) }),
    startedAt: startedAt ?? clock.now(),
  };
  const others = othersOf(record, besides(entry, entries));
  const look = async (seen: Promise<Seen>) => ({ seen: await seen, at: clock.now() });
  const planFor = (cluster: DesiredCluster, { seen, at }: Awaited<ReturnType<typeof look>>) => {
    const known = { ...seen, others, ...(record.status && { previous: record.status }) };
    return plan(cluster, known, scheduler, at);
  };
  const ofHost = await look(observeHost(desired, ports, context, signal));
  const seen = await look(observe(desired, ports, context, signal));
  const planned = planFor(desired, seen);
  const stepsOf = (cluster: DesiredCluster) =>
    stepsIn(hostActions(planFor(cluster, ofHost)), planFor(cluster, seen).actions);
  const { paused, ...unpaused } = desired;
  return {
    namespace,
    name,
    intent: before === undefined ? 'create' : desired.deleting ? 'delete' : 'keep',
    changes: before ? editsOf(before, record) : [],
    ...(paused && {
      paused: { by: paused, toGoOn: howToGoOn(paused, desired), steps: stepsOf(unpaused) },
    }),
    steps: stepsOf(desired),
    blockers: [...heldBy(entry), ...blockersOf(planned)],
  };
}

/** Of the VMs alone, what can be done is done before any guest is asked. */
function stepsIn(early: readonly PlannedAction[], all: readonly PlannedAction[]): PlanStep[] {
  const begun = new Set(early.map(({ action }) => actionKey(action)));
  const later = all.filter(({ action }) => !begun.has(actionKey(action)));
  return [...early, ...later].map(({ action, node, why }) => ({
    ...(node && { node }),
    action: describeAction(action),
    why,
    effect: effectOf(action),
  }));
}

/** The other clusters on its host. */
function besides(entry: CatalogEntry, entries: readonly CatalogEntry[]) {
  const host = entry.record && qualifiedName(entry.record.host.metadata);
  return entries.flatMap(({ key, record }) => {
    if (record === undefined || key === entry.key) return [];
    if (qualifiedName(record.host.metadata) !== host) return [];
    return [{ record, ...(record.status && { status: record.status }) }];
  });
}

/** With those of the images and the host that both refer to. */
function editsOf(before: ClusterRecord, after: ClusterRecord): FieldChange[] {
  const referred = [...after.images, after.host].flatMap((to) => {
    const from = [...before.images, before.host].find(
      ({ kind, metadata }) =>
        kind === to.kind && qualifiedName(metadata) === qualifiedName(to.metadata),
    );
    if (from === undefined) return [];
    const name = `${to.kind} ${to.metadata.name}`;
    return changesOf(from, to).map((change) => ({ ...change, path: `${name}: ${change.path}` }));
  });
  return [...changesOf(before.cluster, after.cluster), ...referred];
}

function heldBy({ hold }: CatalogEntry): ClusterPlan['blockers'] {
  return hold ? [{ ...hold, waiting: false }] : [];
}

function blockersOf(planned: Plan): ClusterPlan['blockers'] {
  const nodes = planned.nodes
    .filter(({ outcome }) => outcome.phase !== 'Ready')
    .map(({ scope, outcome }) => ({
      node: scope.name,
      reason: outcome.reason,
      message: outcome.message,
      waiting: outcome.phase !== 'Stalled',
    }));
  const head = outdatedHead(planned);
  return [...planned.blockers, ...nodes, ...(head ? [{ ...head, waiting: false }] : [])];
}

function effectOf(action: Action): PlanStep['effect'] {
  switch (action.kind) {
    case 'uploadArtifact':
    case 'createNetwork':
    case 'createVolume':
    case 'defineDomain':
      return 'create';
    case 'removeNetwork':
    case 'deleteVolume':
      return 'delete';
    case 'changeDomain':
      return action.change === 'destroy' || action.change === 'undefine' ? 'delete' : 'update';
    case 'startUnit':
    case 'runScript':
      return 'update';
  }
}
