/**
 * S9: what is taken away is what was looked at, not a later machine under its name, and not a
 * volume that somebody has begun to use since. A power-off says which run was looked at, or the
 * host could not tell.
 */
import type { Checker } from './checker.ts';
import { isRefused, takesAway, targetOf } from './targets.ts';

export const stale: Checker = {
  id: 'S9',
  asked: ({ effect }) => {
    if (effect.kind !== 'destroy' || effect.id !== undefined) return [];
    return [`asks to power off whichever run of ${effect.uuid} there is`];
  },
  done: ({ effect, before, after, failed, memory }) => {
    const target = targetOf(effect, before);
    if (failed || !takesAway(effect) || target === undefined) return [];
    if (!isRefused(effect, target)) return [];
    const { domain, volume } = target;
    if (domain && memory.lineage.isOurs(domain)) {
      return [`${effect.kind} hit a later ${domain.name} than the one that was looked at`];
    }
    if (volume === undefined || targetOf(effect, after)?.volume) return [];
    return [`${effect.kind} took ${volume.name}, which is in use`];
  },
};
