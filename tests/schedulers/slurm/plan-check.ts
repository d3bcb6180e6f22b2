/** What becomes of one worker beside its head: a case, and the test that it is. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { plan } from '../../../src/controllers/schedulers/slurm/plan.ts';
import type { SlurmNode } from '../../../src/controllers/schedulers/slurm/scope.ts';
import type { SlurmView } from '../../../src/controllers/schedulers/slurm/view.ts';
import * as a from './builders.ts';

export interface Case {
  name: string;
  /** The worker, beside a formed head unless `head` says otherwise. */
  node: SlurmNode;
  head?: SlurmNode;
  view?: SlurmView;
  /** kind and reason of the worker's verdict. */
  is: string;
  /** What is done: `scontrol` words on the head, or the unit's family. */
  does?: RegExp[];
  deadline?: number;
}

export function check({ name, node, head = a.head(), view, is, does = [], deadline }: Case) {
  test(name, () => {
    const { verdicts, actions } = plan(a.scope([head, node], view));
    const verdict = verdicts.get(node.name);
    const reason = verdict && 'reason' in verdict ? ` ${verdict.reason}` : '';
    assert.equal(`${verdict?.kind}${reason}`, is);
    assert.equal(actions.length, does.length, actions.map(({ why }) => why).join());
    for (const [index, words] of does.entries()) {
      const { action } = actions[index] ?? assert.fail();
      assert.match(action.kind === 'startUnit' ? `start ${action.unit}` : action.script, words);
    }
    if (deadline !== undefined) {
      assert.equal(verdict?.kind === 'draining' && verdict.deadline, deadline);
    }
  });
}
