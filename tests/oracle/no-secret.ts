/** S12: no secret in a status, an event, a definition, a name or a command that others can read. */
import type { Checker } from './checker.ts';
import { nameOf } from './truth.ts';

export const noSecret: Checker = {
  id: 'S12',
  asked: ({ effect, memory }) => {
    // Secrets travel to the guest on the input of the script that starts a unit, and only there.
    const isUnit = effect.kind === 'guest' && effect.script.includes('--unit=');
    const told = isUnit ? { ...effect, script: '' } : effect;
    return memory.secretsIn(nameOf(effect).split(' ').slice(0, 2).join(' '), told);
  },
};
