/**
 * S9: what is destroyed is the machine that was looked at, not a later one under its name: the
 * mark that the controller read is the mark that is there.
 */
import type { Checker } from './checker.ts';
import { isChange, takesAway, targetOf } from './targets.ts';

export const stale: Checker = {
  id: 'S9',
  done: ({ effect, before, failed, memory }) => {
    if (failed || !isChange(effect) || !takesAway(effect)) return [];
    const domain = targetOf(effect, before)?.domain;
    if (domain === undefined || !memory.lineage.isOurs(domain)) return [];
    if (JSON.stringify(sorted(domain.owner)) === JSON.stringify(sorted(effect.owner))) return [];
    return [`${effect.kind} hit a later ${domain.name} than the one that was looked at`];
  },
};

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]);
}
