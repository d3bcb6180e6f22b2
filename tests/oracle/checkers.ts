/** All checkers, in the order of the reference. */
import type { Checker } from './checker.ts';
import { oneDomain } from './one-domain.ts';

export const checkers: readonly Checker[] = [oneDomain];
