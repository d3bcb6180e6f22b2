/** What one shell knows while it runs, and how it leaves. */
import type { Output, Waiting } from './machine.ts';
import type { Command } from './syntax.ts';

/** A command that was ended by `&`. */
export interface Job {
  work: Waiting<number>;
  /** Milliseconds until it goes on. */
  leftMs: number;
}

/** `exit` and `return`, and a failure under `set -e`. */
export class Leave {
  readonly what: 'script' | 'function';
  readonly status: number;
  constructor(what: 'script' | 'function', status: number) {
    this.what = what;
    this.status = status;
  }
}

export interface State {
  variables: Map<string, string>;
  functions: Map<string, Command>;
  args: string[];
  /** Of the command before, and of the last `$(…)` of an assignment. */
  status: number;
  stopsOnFailure: boolean;
  stopsOnUnset: boolean;
  /** Where the errors of a `$(…)` go. */
  errors: Output;
  /** What runs beside the script, shared by all its subshells. */
  jobs: Job[];
  /** Deeper than 0 where a status is asked for, so that it does not end the script. */
  tested: number;
}
