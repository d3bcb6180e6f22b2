/**
 * The one error type of the lab.
 * Callers test `code`; `facts` carries the numbers and names, the origin is in `cause`.
 */

export type LabErrorCode =
  | 'NOT_ROOT'
  | 'COMMAND_MISSING'
  | 'START_FAILED'
  | 'COMMAND_FAILED'
  | 'COMMAND_TIMED_OUT'
  | 'OUTPUT_TOO_LARGE'
  | 'NOT_RUNNING'
  | 'STOP_FAILED';

export class LabError extends Error {
  override readonly name = 'LabError';
  readonly code: LabErrorCode;
  readonly facts: Readonly<Record<string, unknown>>;

  constructor(
    code: LabErrorCode,
    message: string,
    facts: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.facts = facts;
  }
}
