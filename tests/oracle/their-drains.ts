/**
 * S14: what a person closed for work stays closed, with the reason that the person gave. What the
 * scheduler itself has lost is nobody's decision.
 */
import type { Checker } from './checker.ts';

export const theirDrains: Checker = {
  id: 'S14',
  done: ({ effect, before, after, memory }) => {
    if (effect.kind !== 'guest' || effect.reads || effect.script.includes('--unit=')) return [];
    return before.schedulers.flatMap((was) => {
      const key = `${was.namespace}/${was.cluster}`;
      const now = after.schedulers.find(
        ({ namespace, cluster }) => `${namespace}/${cluster}` === key,
      );
      // Judged by its reason before: what is known of it now may be what the effect has done.
      return was.records
        .filter(({ name, closed, lost }) => closed && !lost && effect.script.includes(name))
        .filter(({ name, reason = '' }) => !memory.drains.isReasonOurs(key, name, reason))
        .flatMap(({ name, reason = '' }) => {
          const record = now?.records.find((item) => item.name === name);
          if (record === undefined) return [];
          if (!record.closed) return [`${name} was opened, which others had closed: ${reason}`];
          // A person may close it once more while the effect is under way.
          const isByUs = effect.script.includes(record.reason ?? '');
          if (record.reason === reason || !isByUs) return [];
          return [`the reason for which others had closed ${name} was overwritten: ${reason}`];
        });
    });
  },
};
