/**
 * What is said of a wanted machine that runs and is of no use, while it waits for its turn to be
 * restarted or replaced. When its turn has come it is on its way out, and `removal.ts` has it. Pure.
 */
import { reconcileAnnotation } from '../../../crd/annotations.ts';
import { cureOf, dueAt, isIllForLong, judgement } from '../health.ts';
import type { ClusterScope, NodeScope } from '../scope.ts';
import { type StagedNode, wait } from './staged.ts';

export function illness(scope: ClusterScope, node: NodeScope): StagedNode | undefined {
  const { illness, turn } = node;
  if (illness === undefined) return undefined;
  const what = describe(node);
  const { reason } = illness;
  const cure = cureOf(illness) === 'restart' ? 'restarted' : 'replaced';
  const repair = judgement(scope, node);
  switch (turn) {
    case 'Head':
      // Until its time is over a head that boots is like any other.
      if (!isIllForLong(scope, illness)) {
        return reason === 'NotBooting' ? undefined : wait('NotReady', reason, what);
      }
      return wait('Stalled', reason, `${what}; ${headAdvice(node)}`);
    case 'Exhausted':
      return wait(
        'Stalled',
        'RepairsExhausted',
        `${what}; restarted or replaced ${repair?.count} times without an hour of health: find the ` +
          `cause (benchctl logs), then change the spec or the annotation ${reconcileAnnotation} to go on`,
      );
    case 'Early': {
      if (reason === 'NotBooting') return undefined;
      const at = new Date(dueAt(scope, node, repair)).toISOString();
      return wait('NotReady', reason, `${what}; it is ${cure} after ${at}`);
    }
    case 'Frozen':
      return wait(
        'NotReady',
        reason,
        `${what}; not ${cure}, because too many are unhealthy at once`,
      );
    case 'NotAsked':
      return wait('NotReady', reason, `${what}; not ${cure} while the scheduler cannot be asked`);
    case 'Queued':
      return wait('NotReady', reason, `${what}; it is ${cure} when others of its cluster are back`);
    default:
      return wait('NotReady', reason, what);
  }
}

function describe({ illness, guest }: NodeScope): string {
  // Its message is another one at each look, and a status is to rest.
  const said = guest?.kind === 'unproven' ? ` (${guest.reason})` : '';
  switch (illness?.reason) {
    case 'Suspended':
      return 'the guest has suspended itself';
    case 'ShuttingDown':
      return 'the domain is shutting down';
    case 'DiskMissing':
      return 'its disk is not in the pool any more; it runs on the deleted file';
    case 'Unreachable':
      return `the guest is silent${said}`;
    default:
      return `the guest has not come up${said}`;
  }
}

function headAdvice({ name, illness }: NodeScope): string {
  const reason = 'a head is never restarted by itself, because the scheduler’s state is there';
  switch (illness?.reason) {
    case 'Suspended':
      return `${reason}: virsh dompmwakeup ${name}`;
    case 'DiskMissing':
      return `${reason}: save what it holds before it is powered off`;
    default:
      return `${reason}: benchctl logs ${name}, then virsh reset ${name}`;
  }
}
