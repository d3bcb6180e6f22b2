/**
 * Mistakes that somebody could make in the controller, each of which some net must catch. A mutant
 * is one text in one file, replaced. When a text has changed, the mutant is stale: write the
 * mistake anew for the code as it is.
 */

export interface Mutant {
  /** The mistake. */
  name: string;
  file: string;
  /** There exactly once. */
  from: string;
  to: string;
  /** Of `nets.ts`: the net that is expected to catch it. */
  net: string;
  /** What it must say; the id of an invariant, or `never` for a life that does not end well. */
  says: string;
}

export const staleExitCode = 86;

export const cluster = 'src/controllers/bench-cluster';
export const slurm = 'src/controllers/schedulers/slurm';
