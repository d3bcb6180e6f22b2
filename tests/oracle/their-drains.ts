/**
 * S14: what a person closed for work stays closed, with the reason that the person gave; also by
 * its record, which goes with the machine and not before. What the scheduler itself has lost, or
 * spoilt by a registration that it refused, is nobody's decision.
 */
import type { Checker } from './checker.ts';
import type { SchedulerTruth, Truth } from './truth.ts';

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
        .flatMap(({ name, refused, reason = '' }) => {
          const record = now?.records.find((item) => item.name === name);
          if (record === undefined) {
            if (refused || !runs(before, was, name) || !runs(after, was, name)) return [];
            return [`${name} runs, and its record went, which others had closed: ${reason}`];
          }
          if (!record.closed) return [`${name} was opened, which others had closed: ${reason}`];
          // A person may close it once more while the effect is under way.
          const isByUs = effect.script.includes(record.reason ?? '');
          if (record.reason === reason || !isByUs) return [];
          return [`the reason for which others had closed ${name} was overwritten: ${reason}`];
        });
    });
  },
};

function runs({ hosts }: Truth, { namespace, cluster }: SchedulerTruth, name: string): boolean {
  return hosts.some(({ domains }) =>
    domains.some(({ id, owner, ...domain }) => {
      const { node } = owner ?? {};
      return (
        domain.name === name &&
        node?.namespace === namespace &&
        node.cluster === cluster &&
        id !== -1
      );
    }),
  );
}
