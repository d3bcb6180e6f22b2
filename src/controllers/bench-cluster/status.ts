/**
 * Derives the status of a cluster from one round. Of the status before it carries since when a
 * condition is in its state, and what `node-status.ts` does. Pure.
 */
import type { Fault } from '../../crd/fault.ts';
import { describeFault } from '../../crd/fault.ts';
import { describePauses, howToGoOn } from '../../crd/pause.ts';
import type {
  AttemptStatus,
  ClusterStatus,
  Condition,
  NodeStatus,
  PoolStatus,
  RepairStatus,
} from '../../crd/status.ts';
import type { Hold } from './catalog.ts';
import type { DesiredCluster } from './desired.ts';
import { describeDrift } from './drift.ts';
import { nodeStatuses } from './node-status.ts';
import type { Observed } from './observed.ts';
import type { Plan } from './plan.ts';

/** Nodes in a status are bounded; one object never has to hold ten thousand. */
const maxNodes = 1000;

/** What is told besides what was seen and planned. */
export interface Kept {
  attempts?: AttemptStatus[];
  repairs?: RepairStatus[];
  /** The last round threw this. */
  error?: string;
  /** Why nodes that the source does not want any more are kept. */
  hold?: Hold;
}

export function clusterStatus(
  cluster: DesiredCluster,
  observed: Observed,
  plan: Plan,
  faults: Fault[],
  now: number,
  { attempts = [], repairs = [], error, hold }: Kept = {},
): ClusterStatus {
  const { previous } = observed;
  const time = new Date(now).toISOString();
  const nodes = nodeStatuses(cluster, plan, previous, 'error' in observed.host, time);
  const pools = cluster.pools.map((pool) => ({ role: pool.role, status: poolStatus(pool, nodes) }));
  const head = pools.find(({ role }) => role === 'controlPlane')?.status;
  const endpoint = nodes.find(({ role, address }) => role === 'controlPlane' && address)?.address;
  const facts = {
    cluster,
    observed,
    plan,
    faults,
    nodes,
    wanted: nodes.filter((_, index) => plan.nodes[index]?.scope.desired !== undefined),
    ...(error && { error }),
    ...(hold && { hold }),
  };
  return {
    observedGeneration: cluster.generation,
    conditions: conditions(facts, previous?.conditions ?? [], time),
    controlPlane: head ?? { name: 'head', replicas: 0, ready: 0, upToDate: 0 },
    workers: pools.filter(({ role }) => role === 'worker').map(({ status }) => status),
    ...(endpoint && { endpoint }),
    nodes: nodes.slice(0, maxNodes),
    ...(attempts.length > 0 && { attempts }),
    ...(repairs.length > 0 && { repairs }),
  };
}

function poolStatus(pool: { name: string; replicas: number }, nodes: NodeStatus[]): PoolStatus {
  const own = nodes.filter((node) => node.pool === pool.name);
  return {
    name: pool.name,
    replicas: pool.replicas,
    ready: own.filter(({ phase }) => phase === 'Ready').length,
    upToDate: own.filter(({ upToDate }) => upToDate).length,
  };
}

interface Facts {
  cluster: DesiredCluster;
  observed: Observed;
  plan: Plan;
  faults: Fault[];
  nodes: NodeStatus[];
  /** Those that the spec wants now, stand-ins too: one that leaves makes no other one unready. */
  wanted: NodeStatus[];
  error?: string;
  hold?: Hold;
}

type Draft = Pick<Condition, 'type' | 'status' | 'reason' | 'message'>;

function conditions(facts: Facts, previous: Condition[], time: string): Condition[] {
  const drafts = [
    ready(facts),
    reconciling(facts),
    stalled(facts),
    sourceValid(facts),
    hostReachable(facts),
    poolReady(facts, 'ControlPlaneReady', 'controlPlane'),
    poolReady(facts, 'WorkersReady', 'worker'),
    upToDate(facts),
    remediationAllowed(facts),
    asDefined(facts),
  ];
  return drafts.map((draft) => {
    const old = previous.find(({ type }) => type === draft.type);
    return {
      ...draft,
      lastTransitionTime: old?.status === draft.status ? old.lastTransitionTime : time,
      observedGeneration: facts.cluster.generation,
    };
  });
}

function condition(type: string, value: boolean, reason: string, message: string): Draft {
  return { type, status: value ? 'True' : 'False', reason, message };
}

/** The nodes that are not as they should be, worst first. */
function unfinished(nodes: NodeStatus[]): NodeStatus[] {
  const order = ['Stalled', 'NotReady', 'Draining', 'Deleting', 'Configuring', 'Booting'];
  const rank = (node: NodeStatus) =>
    (order.indexOf(node.phase) + order.length + 1) % (order.length + 1);
  return nodes.filter(({ phase }) => phase !== 'Ready').sort((a, b) => rank(a) - rank(b));
}

/** What is told of a cluster that goes, in place of how its nodes are. */
function deletionOf(cluster: DesiredCluster): { reason: string; message: string } | undefined {
  if (!cluster.deleting) return undefined;
  if (!cluster.paused) return { reason: 'Deleting', message: 'the cluster is being deleted' };
  // Nobody sees a pause in a manifest that is gone, so the way on must be said.
  const message = `the cluster is to be deleted, and is paused: ${howToGoOn(cluster.paused, cluster)}`;
  return { reason: 'DeletionPaused', message };
}

function ready({ cluster, plan, wanted, error }: Facts): Draft {
  if (error !== undefined) return condition('Ready', false, 'ReconcileError', error);
  // What keeps all from going on explains more than the nodes that wait for it.
  const blocker = plan.blockers[0];
  const deletion = deletionOf(cluster);
  if (deletion) {
    const waits = blocker && !cluster.paused ? `: ${blocker.message}` : '';
    return condition('Ready', false, deletion.reason, `${deletion.message}${waits}`);
  }
  if (blocker) return condition('Ready', false, blocker.reason, blocker.message);
  const waiting = unfinished(wanted);
  const first = waiting[0];
  if (first) {
    const others = waiting.length > 1 ? ` (and ${waiting.length - 1} more)` : '';
    return condition('Ready', false, first.reason, `${first.name}: ${first.message}${others}`);
  }
  return condition('Ready', true, 'Ready', `all ${wanted.length} nodes are ready`);
}

function reconciling({ cluster, plan, nodes }: Facts): Draft {
  if (cluster.paused)
    return condition('Reconciling', false, 'Paused', describePauses(cluster.paused));
  const first = unfinished(nodes).find(({ phase }) => phase !== 'Stalled');
  if (first) return condition('Reconciling', true, first.phase, `${first.name}: ${first.message}`);
  const action = plan.actions[0];
  if (action) return condition('Reconciling', true, 'Acting', action.why);
  return condition('Reconciling', false, 'AtRest', 'nothing is to be done');
}

function stalled({ cluster, plan, nodes, faults, error, hold }: Facts): Draft {
  if (hold) return condition('Stalled', true, hold.reason, hold.message);
  if (error !== undefined) return condition('Stalled', true, 'ReconcileError', error);
  const deletion = deletionOf(cluster);
  if (deletion && cluster.paused)
    return condition('Stalled', true, deletion.reason, deletion.message);
  const blocker = plan.blockers.find(({ waiting }) => !waiting);
  if (blocker) return condition('Stalled', true, blocker.reason, blocker.message);
  const node = nodes.find(({ phase }) => phase === 'Stalled');
  if (node) return condition('Stalled', true, node.reason, `${node.name}: ${node.message}`);
  const fault = faults[0];
  if (fault) return condition('Stalled', true, 'InvalidManifest', describeFault(fault));
  return condition('Stalled', false, 'NotStalled', 'no person is needed');
}

function sourceValid({ faults, hold }: Facts): Draft {
  const first = faults[0];
  const inForce = hold
    ? 'what it takes away is not in force, see Stalled'
    : 'the manifest is in force';
  if (!first) return condition('SourceValid', true, 'Valid', inForce);
  const others = faults.length > 1 ? ` (and ${faults.length - 1} more)` : '';
  const message = `${describeFault(first)}${others}; the last good spec stays in force`;
  return condition('SourceValid', false, 'InvalidManifest', message);
}

function hostReachable({ cluster, observed }: Facts): Draft {
  return 'error' in observed.host
    ? condition('HostReachable', false, 'HostUnreachable', observed.host.error)
    : condition('HostReachable', true, 'Reachable', `${cluster.host} answers`);
}

function poolReady(facts: Facts, type: string, role: NodeStatus['role']): Draft {
  const deletion = deletionOf(facts.cluster);
  if (deletion) return condition(type, false, deletion.reason, deletion.message);
  const nodes = facts.wanted.filter((node) => node.role === role);
  const count = nodes.filter(({ phase }) => phase === 'Ready').length;
  const first = unfinished(nodes)[0];
  const message = `${count} of ${nodes.length} ready`;
  return first
    ? condition(type, false, first.reason, `${message}; ${first.name}: ${first.message}`)
    : condition(type, true, 'Ready', message);
}

/** What people are told of a head that is not as the spec says. */
export function outdatedHead(
  plan: Plan,
): { node: string; reason: string; message: string } | undefined {
  const head = outdatedNodes(plan).find(({ role }) => role === 'controlPlane');
  if (head === undefined) return undefined;
  const message =
    `${head.name} was made from an earlier spec; a head is never replaced by itself, because ` +
    'the scheduler keeps its state there: delete and apply the cluster to renew it';
  return { node: head.name, reason: 'HeadOutdated', message };
}

function outdatedNodes({ nodes }: Plan) {
  return nodes
    .map(({ scope }) => scope)
    .filter(({ desired, outdated }) => desired !== undefined && outdated === true);
}

function upToDate({ plan, observed }: Facts): Draft {
  // An edit may have come meanwhile, and who waits for it would be told that all is done.
  if ('error' in observed.host) return unseen('UpToDate');
  const head = outdatedHead(plan);
  if (head) return condition('UpToDate', false, head.reason, head.message);
  const old = outdatedNodes(plan);
  const first = old[0];
  return first
    ? condition('UpToDate', false, 'RollingOut', `${old.length} nodes are of an earlier spec`)
    : condition('UpToDate', true, 'UpToDate', 'all nodes are of the present spec');
}

function remediationAllowed({ plan: { remediation } }: Facts): Draft {
  const { allowed, reason, message } = remediation;
  return condition('RemediationAllowed', allowed, reason, message);
}

function asDefined({ plan: { drift }, observed }: Facts): Draft {
  if (drift === undefined || 'error' in observed.host) return unseen('AsDefined');
  return drift.length > 0
    ? condition('AsDefined', false, 'Drifted', describeDrift(drift))
    : condition('AsDefined', true, 'AsDefined', 'the machines are as they were defined');
}

function unseen(type: string): Draft {
  const message = 'the machines cannot be looked at';
  return { type, status: 'Unknown', reason: 'HostUnreachable', message };
}
