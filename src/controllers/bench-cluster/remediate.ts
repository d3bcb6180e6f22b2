/**
 * Decides which nodes go out of service to be mended, and carries on with those that are off for
 * it already. Pure; `health.ts` judges, this acts on its judgement.
 */
import {
  assessHealth,
  cureOf,
  type Illness,
  judgement,
  judgeRemediation,
  restartTimers,
  turns,
} from './health.ts';
import { type ClusterScope, mayRun, type NodeScope } from './scope.ts';

export function remediate(scope: ClusterScope): void {
  assessHealth(scope);
  scope.remediation = judgeRemediation(scope);
  const before = scope.observed.previous?.conditions.find(
    ({ type }) => type === 'RemediationAllowed',
  );
  if (scope.remediation.allowed && before?.status === 'False') restartTimers(scope);
  if (scope.cluster.deleting) return;
  const due = turns(scope, scope.remediation);
  for (const node of scope.nodes) {
    const turn = due.get(node.name);
    if (turn === undefined || node.illness === undefined) continue;
    node.turn = turn;
    if (turn !== 'yes') continue;
    const cure = cureOf(node.illness);
    node.removal = { reason: words[node.illness.reason], replaced: true, cure };
  }
  for (const node of scope.nodes) {
    if (isBeingReplaced(scope, node)) {
      node.removal = { reason: 'replaced', replaced: true };
      delete node.illness;
    }
  }
}

/** A few words for people and the scheduler's drain reason. */
const words: Record<Illness['reason'], string> = {
  NotBooting: 'the guest never came up',
  Unreachable: 'the guest is silent',
  Suspended: 'the guest is suspended',
  ShuttingDown: 'hangs in shutdown',
  DiskMissing: 'its disk is lost',
};

/** Powered off to be made anew: the rest of its way out follows, whatever else is true by then. */
function isBeingReplaced(scope: ClusterScope, node: NodeScope): boolean {
  if (node.role === 'controlPlane' || node.removal || !node.desired || !node.domain) return false;
  if (mayRun(node.domain)) return false;
  if (judgement(scope, node)?.kind !== 'replace') return false;
  const before = scope.observed.previous?.nodes.find(({ name }) => name === node.name);
  return before?.phase === 'Deleting';
}
