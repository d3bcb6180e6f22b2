/**
 * Reads hypervisor, guests and scheduler into one plain value; changes nothing. A guest is visited
 * only when something must be learnt there: its address is not proven yet, or the scheduler does
 * not call it ready. The head is always asked, because it speaks for the scheduler.
 */
import { toError } from '../../lib/error.ts';
import { oncePer } from '../../lib/once-per.ts';
import type { DomainView, HostInventory, Hypervisor } from '../ports.ts';
import type { AnyScheduler, GuestFacts } from '../schedulers/scheduler.ts';
import type { DesiredCluster } from './desired.ts';
import type { Run } from './ended-runs.ts';
import { type FactsOutput, factsScript, parseFacts } from './guest-script.ts';
import type { GuestDomain, Visit } from './guest-visit.ts';
import type { Guests } from './guests.ts';
import { indexOf } from './inventory-index.ts';
import { type Listed, listing } from './listing.ts';
import type { FailureView, GuestView, Observed, OperationView } from './observed.ts';
import type { Sightings } from './sightings.ts';

export interface ObservePorts {
  hypervisor: Hypervisor;
  guests: Guests;
  scheduler: AnyScheduler;
  /** Of earlier looks; each listing is noted in it as it comes. */
  sightings?: Sightings;
  /** How long to wait for a worker; a round looks again soon and waits half a second. */
  workerPatienceMs?: number;
}

/** How old facts of a node may be that is not ready. */
const freshFactsMs = 15_000;

/** How long a round waits: without the head there is little to decide, a worker can come later. */
const patienceMs = { head: 20_000, worker: 500 };

/** What is run in a guest to know it; a head speaks for the scheduler too. */
const scriptsOf = oncePer(({ factsScript: facts, viewScript }: AnyScheduler) => ({
  head: factsScript(facts, viewScript),
  worker: factsScript(facts),
}));

/** What may change while one looks is no part of it. */
export type Seen = Omit<Observed, 'others' | 'previous'>;

/** What the process knows besides the world. */
export interface ObserveContext {
  operations: OperationView[];
  failures: ReadonlyMap<string, FailureView>;
  repairs?: NonNullable<Observed['repairs']>;
  startedAt?: number;
  /** Runs of domains that it powered off before it looks, by UUID. */
  ended?: ReadonlyMap<string, Run>;
}

export async function observe(
  cluster: DesiredCluster,
  ports: ObservePorts,
  context: ObserveContext,
  signal: AbortSignal,
): Promise<Seen> {
  const list = listing(cluster, ports, context, signal);
  let inventory: HostInventory;
  try {
    inventory = (await list()).inventory;
  } catch (thrown) {
    const error = toError(thrown).message;
    return { ...context, host: { error }, guests: new Map(), scheduler: { error } };
  }
  const running = indexOf(inventory)
    .owned(cluster)
    .filter(({ state }) => state === 'running');
  const guests = running.map((domain) => guestDomain(cluster, ports, inventory, domain));
  const heads = guests.filter(({ domain }) => isHead(cluster, domain));
  const workers = guests.filter(({ domain }) => !isHead(cluster, domain));
  const asking = askScheduler(ports, context, heads, signal);
  const early = visitUnproven(ports, workers, asking, signal);
  const answer = await asking;
  const visits = await visitWorkers(ports, context, workers, answer.scheduler.view, early, signal);
  const asked = new Map([...answer.head, ...visits]);
  const found = await latest(cluster, list, inventory, asked);
  // The host may have taken long to list: what is drained by an answer of before need not be so now.
  const isOld = answer.at !== undefined && !ports.guests.isFresh(answer.at);
  const { scheduler } = isOld ? await askScheduler(ports, context, heads, signal) : answer;
  return { ...context, ...found, scheduler };
}

/** Guests may take long to answer, and VMs do not wait: the listing that counts is the last one. */
async function latest(
  cluster: DesiredCluster,
  list: () => Promise<Listed>,
  before: HostInventory,
  asked: Map<string, GuestView>,
): Promise<Pick<Observed, 'host' | 'guests' | 'sightings'>> {
  try {
    const { inventory, ...sightings } = await list();
    const runs = new Map(
      indexOf(before)
        .owned(cluster)
        .map(({ name, id }) => [name, id]),
    );
    const same = indexOf(inventory)
      .owned(cluster)
      .filter(({ name, id, state }) => state === 'running' && runs.get(name) === id);
    const guests = same.flatMap(({ name }): Named[] => {
      const guest = asked.get(name);
      return guest ? [[name, guest]] : [];
    });
    return { host: { inventory }, guests: new Map(guests), ...sightings };
  } catch (thrown) {
    return { host: { error: toError(thrown).message }, guests: new Map() };
  }
}

/**
 * The same without asking any guest: enough for what concerns the VMs alone, in milliseconds. No
 * view means that nothing is drained, so nothing that may hold work is touched.
 */
export async function observeHost(
  cluster: DesiredCluster,
  ports: ObservePorts,
  context: ObserveContext,
  signal: AbortSignal,
): Promise<Seen> {
  // Nobody has asked it, which is no error of it.
  const scheduler = {};
  try {
    const { inventory, ...sightings } = await listing(cluster, ports, context, signal)();
    const running = indexOf(inventory)
      .owned(cluster)
      .filter(({ state }) => state === 'running');
    const known = running.flatMap((domain): Named[] => {
      const recalled = ports.guests.recall(guestDomain(cluster, ports, inventory, domain), 0);
      return recalled ? [[domain.name, { kind: 'proven', address: recalled.address }]] : [];
    });
    return { ...context, host: { inventory }, guests: new Map(known), scheduler, ...sightings };
  } catch (thrown) {
    const error = toError(thrown).message;
    return { ...context, host: { error }, guests: new Map(), scheduler };
  }
}

function guestDomain(
  cluster: DesiredCluster,
  ports: ObservePorts,
  inventory: HostInventory,
  domain: DomainView,
): GuestDomain {
  const known = [...cluster.nodes, ...cluster.surge];
  const user = known.find(({ uuid }) => uuid === domain.uuid)?.image.user ?? 'root';
  return { hostName: cluster.host, hypervisor: ports.hypervisor, domain, inventory, user };
}

function isHead(cluster: DesiredCluster, domain: DomainView): boolean {
  const pool = cluster.pools.find(({ name }) => name === domain.owner?.node?.pool);
  return pool?.role === 'controlPlane';
}

type Named = [string, GuestView];

interface Answer {
  head: Named[];
  scheduler: Observed['scheduler'];
  /** When its view came. */
  at?: number;
}

/** One command on the head returns its facts and the scheduler's own view. */
async function askScheduler(
  ports: ObservePorts,
  context: ObserveContext,
  heads: GuestDomain[],
  signal: AbortSignal,
): Promise<Answer> {
  const head = heads[0];
  if (head === undefined) return { head: [], scheduler: { error: 'no head node runs' } };
  const { name } = head.domain;
  const forming = formingHead(ports, context, head);
  if (forming) return forming;
  const { scheduler } = ports;
  const { head: script } = scriptsOf(scheduler);
  const visit = await ports.guests.visit(head, script, patienceMs.head, signal);
  const read = readVisit(ports, head, visit);
  const guest: Named = [name, read.guest];
  if (read.view === undefined) {
    const error = 'message' in read.guest ? read.guest.message : 'the head has not been asked';
    return { head: [guest], scheduler: { error: `${name}: ${error}` } };
  }
  const answer = schedulerView(scheduler, read.view);
  if (answer.view !== undefined) ports.guests.noteAnswer(head);
  return { head: [guest], scheduler: answer, at: visit.at };
}

/** While our unit forms the head for the first time, there is no scheduler to be asked. */
function formingHead(ports: ObservePorts, context: ObserveContext, head: GuestDomain) {
  const { name } = head.domain;
  const known = isBusy(context, name)
    ? ports.guests.recall(head, Number.POSITIVE_INFINITY)
    : undefined;
  if (known === undefined || ports.guests.hasAnswered(head)) return undefined;
  const guest: GuestView = { kind: 'proven', ...known };
  const named: Named = [name, guest];
  return { head: [named], scheduler: { error: `${name} is being configured` } };
}

function isBusy(context: ObserveContext, node: string): boolean {
  return context.operations.some(({ guest }) => guest === node);
}

function schedulerView(
  scheduler: AnyScheduler,
  view: NonNullable<FactsOutput['view']>,
): Observed['scheduler'] {
  if (view.exitCode !== 0) {
    const tail = view.output.trim().slice(-300);
    return { error: `${scheduler.name} does not answer (exit code ${view.exitCode}): ${tail}` };
  }
  try {
    return { view: scheduler.parseView(view.output) };
  } catch (thrown) {
    return { error: `the answer of ${scheduler.name} makes no sense: ${toError(thrown).message}` };
  }
}

/**
 * A worker whose address is not proven is visited whatever the scheduler says, so it is visited
 * beside the head, which may take long to answer while it boots.
 */
function visitUnproven(
  ports: ObservePorts,
  workers: GuestDomain[],
  asking: Promise<unknown>,
  signal: AbortSignal,
): Map<string, Promise<Visit>> {
  const { worker: script } = scriptsOf(ports.scheduler);
  const unproven = workers.filter((worker) => ports.guests.proven(worker) === undefined);
  return new Map(
    unproven.map((worker) => [
      worker.domain.name,
      ports.guests.visit(worker, script, patienceWith(ports), signal, asking),
    ]),
  );
}

/**
 * A worker whose address is proven has nothing new to tell while the scheduler calls it ready and
 * while a unit of ours runs in it. Such a unit makes us forget facts, so facts that are recalled
 * are never of before it.
 */
async function visitWorkers(
  ports: ObservePorts,
  context: ObserveContext,
  workers: GuestDomain[],
  view: unknown,
  early: ReadonlyMap<string, Promise<Visit>>,
  signal: AbortSignal,
): Promise<Named[]> {
  const { worker: script } = scriptsOf(ports.scheduler);
  return Promise.all(
    workers.map(async (worker): Promise<Named> => {
      const { name } = worker.domain;
      const begun = early.get(name);
      if (begun) return [name, readVisit(ports, worker, await begun).guest];
      // With nothing to join, what was once learnt is enough; else it is asked again now and then.
      const maxAgeMs = view === undefined ? Number.POSITIVE_INFINITY : freshFactsMs;
      const known = ports.guests.recall(worker, maxAgeMs);
      const recalled: GuestView | undefined = known && { kind: 'proven', ...known };
      const isReady = view !== undefined && ports.scheduler.isReady(view, name);
      if (recalled && (known?.facts || isReady || isBusy(context, name))) return [name, recalled];
      const visit = await ports.guests.visit(worker, script, patienceWith(ports), signal);
      if (recalled && visit.kind === 'unproven' && visit.slow) return [name, recalled];
      return [name, readVisit(ports, worker, visit).guest];
    }),
  );
}

function patienceWith({ workerPatienceMs = patienceMs.worker }: ObservePorts): number {
  return workerPatienceMs;
}

function readVisit(
  ports: ObservePorts,
  from: GuestDomain,
  visit: Visit,
): { guest: GuestView; view?: NonNullable<FactsOutput['view']> } {
  if (visit.kind === 'unproven') return { guest: visit };
  const { address, result } = visit;
  try {
    const { facts, schedulerFacts, view } = parseFacts(result.stdout, result.truncated);
    const all: GuestFacts<unknown> = {
      ...facts,
      scheduler: ports.scheduler.parseFacts(schedulerFacts),
    };
    ports.guests.remember(from, all);
    return { guest: { kind: 'proven', address, facts: all }, ...(view && { view }) };
  } catch (thrown) {
    const message = `its facts make no sense: ${toError(thrown).message} ${result.stderr.slice(-200)}`;
    return { guest: { kind: 'unproven', address, reason: 'FactsUnreadable', message } };
  }
}
