/** What can be wrong with the state directory, each naming the file and what mends it. */
import { PortError, type PortErrorCode } from '../controllers/ports.ts';

export type StateFault =
  | 'locked' // another controller runs on it
  | 'unsafe' // others may read or change it
  | 'corrupt' // a file does not hold what it should
  | 'unwritable';

const portCodes: Record<StateFault, PortErrorCode> = {
  locked: 'conflict',
  unsafe: 'rejected',
  corrupt: 'rejected',
  unwritable: 'failed',
};

/** Where the fault has no hint of its own, which says it better. */
const nextOf: Record<StateFault, string | undefined> = {
  locked: 'end that one first, or say --state ANOTHER-DIRECTORY',
  unsafe: 'mend that in the state directory, or say --state ANOTHER-DIRECTORY',
  corrupt: 'put that file back from a copy, or move it away; then run the command again',
  unwritable: undefined,
};

export class StateError extends PortError {
  readonly fault: StateFault;
  readonly file: string;
  readonly hint: string | undefined;
  /** Of the controller that holds the state, for `locked`. */
  readonly pid: number | undefined;

  constructor(
    fault: StateFault,
    facts: { file: string; reason: string; hint?: string; pid?: number; cause?: unknown },
  ) {
    const hint = facts.hint === undefined ? '' : `; ${facts.hint}`;
    const next = facts.hint ?? nextOf[fault];
    super(portCodes[fault], `${facts.file}: ${facts.reason}${hint}`, { cause: facts.cause, next });
    this.name = 'StateError';
    this.fault = fault;
    this.file = facts.file;
    this.hint = facts.hint;
    this.pid = facts.pid;
  }
}
