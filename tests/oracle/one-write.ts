/** L4: a status is written when its content has changed, and only then. */
import type { Checker } from './checker.ts';
import { isSame } from './is-same.ts';

/** When a repair was begun (`lastAt`) is none: after a change of the order it may be the first again. */
const times = new Set(['since', 'lastTransitionTime', 'retryAt']);

export const oneWrite: Checker = {
  id: 'L4',
  asked: ({ effect, memory }) => {
    if (effect.kind !== 'putStatus') return [];
    const before = memory.statuses.get(effect.cluster);
    if (before === undefined) return [];
    if (isSame(effect.status, before)) {
      return [`the status of ${effect.cluster} is written again and has not changed`];
    }
    if (!isSame(effect.status, before, times)) return [];
    return [`the status of ${effect.cluster} is written and only its times have changed`];
  },
};
