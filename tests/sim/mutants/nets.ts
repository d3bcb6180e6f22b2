/**
 * Short lives under the eyes of the oracle, each with the trouble that some mistake would not
 * survive. A net says what it caught; on the right controller that is nothing.
 */
import { hosts } from './nets/hosts.ts';
import { owners } from './nets/owners.ts';
import { sources } from './nets/sources.ts';
import { workers } from './nets/workers.ts';
import type { Nets } from './worlds.ts';

export const nets: Nets = { ...hosts, ...owners, ...sources, ...workers };
