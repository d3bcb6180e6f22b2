/** All mutants, by the theme of the nets that catch them. */
import { hosts } from './list/hosts.ts';
import { owners } from './list/owners.ts';
import { sources } from './list/sources.ts';
import { workers } from './list/workers.ts';
import type { Mutant } from './mutant.ts';

export const mutants: Mutant[] = [...hosts, ...owners, ...sources, ...workers];
