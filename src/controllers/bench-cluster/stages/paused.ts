/**
 * What is told of the nodes of a paused cluster: nothing of it is touched, so each is what it is,
 * and not what would be made of it. Pure.
 */
import type { Verdict } from '../../schedulers/scheduler.ts';
import type { NodeOutcome } from '../plan.ts';
import { type ClusterScope, mayRun, type NodeScope, type Removal } from '../scope.ts';
import { offReason, power } from './power.ts';
import { inGuest } from './present.ts';
import { type StagedNode, wait } from './staged.ts';

const waits = 'waits, because the cluster is paused';

/** Nothing wanted goes out of service while its cluster is paused. */
export function stay(nodes: NodeScope[]): void {
  for (const node of nodes) {
    if (node.desired) delete node.removal;
  }
}

/**
 * One that nobody wants any more. Not called Draining: the time of a pause is none that its jobs
 * were given to end.
 */
export function planPostponed(
  scope: ClusterScope,
  node: NodeScope,
  removal: Removal,
  verdict: Verdict | undefined,
): StagedNode {
  const onHost = withoutPower(scope, node) ?? power(scope, node);
  const { phase, reason, message } = (onHost ?? inGuest(scope, node, verdict)).outcome;
  const postponed = wait(phase, reason, `${message}; ${removal.reason}: ${waits}`);
  return onHost ? { ...postponed, outcome: { ...postponed.outcome, byHost: true } } : postponed;
}

/** What was on its way out when the pause began goes on with that afterwards. */
function withoutPower({ observed }: ClusterScope, { name, domain }: NodeScope) {
  if (mayRun(domain)) return undefined;
  const before = observed.previous?.nodes.find((node) => node.name === name);
  if (before?.phase === 'Deleting') return wait('Deleting', 'Removing', 'it was powered off');
  if (domain === undefined) return wait('Pending', 'Paused', 'only its disk is there');
  return wait('NotReady', offReason(domain), `the domain is ${domain.state} (${domain.reason})`);
}

/** Of a node that something would be done for. It is not being made, whatever its next step. */
export function onHold(outcome: NodeOutcome): NodeOutcome {
  if (outcome.phase === 'Ready') return outcome;
  const message = `${outcome.message}: ${waits}`;
  if (outcome.phase !== 'Creating') return { ...outcome, message };
  return { ...outcome, phase: 'Pending', reason: 'Paused', message };
}
