/** L4: a status is written when its content has changed, and only then. */
import type { Checker } from './checker.ts';

const times = new Set(['since', 'lastTransitionTime', 'retryAt', 'lastAt']);

export const oneWrite: Checker = {
  id: 'L4',
  asked: ({ effect, memory }) => {
    if (effect.kind !== 'putStatus') return [];
    const before = memory.statuses.get(effect.cluster);
    if (before === undefined) return [];
    const text = JSON.stringify(effect.status);
    if (text === JSON.stringify(before)) {
      return [`the status of ${effect.cluster} is written again and has not changed`];
    }
    if (timeless(effect.status) !== timeless(before)) return [];
    return [`the status of ${effect.cluster} is written and only its times have changed`];
  },
};

function timeless(status: unknown): string {
  return JSON.stringify(status, (key, value: unknown) => (times.has(key) ? undefined : value));
}
