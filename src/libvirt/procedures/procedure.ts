// What one row of a procedure table says: where the call goes, how arguments and result look, and
// how it may be scheduled. The rows are data; nothing here sends anything.
// `high` is the daemon's own annotation: such calls are served even when its workers are stuck.

import { type Codec, nothing } from '../codec.ts';
import { PROGRAM_REMOTE } from '../frame.ts';
import type { Priority } from '../slots.ts';

export interface Procedure<A, R> {
  readonly name: string;
  readonly program: number;
  readonly number: number;
  readonly args: Codec<A>;
  readonly ret: Codec<R>;
  readonly priority: Priority;
  /** Deadline of a call that names none; the connection's default where this is absent. */
  readonly timeoutMs?: number;
}

interface RowOptions {
  readonly priority?: Priority;
  readonly program?: number;
  readonly timeoutMs?: number;
}

export function procedure<A, R>(
  number: number,
  name: string,
  args: Codec<A>,
  ret: Codec<R>,
  options: RowOptions = {},
): Procedure<A, R> {
  const { priority = 'normal', program = PROGRAM_REMOTE, timeoutMs } = options;
  const row = { name, program, number, args, ret, priority };
  return timeoutMs === undefined ? row : { ...row, timeoutMs };
}

/** A row without a result. */
export function command<A>(
  number: number,
  name: string,
  args: Codec<A>,
  options: RowOptions = {},
): Procedure<A, void> {
  return procedure(number, name, args, nothing, options);
}

export const high: RowOptions = { priority: 'high' };

/** Calls that start QEMU, copy data or wait for a guest; the daemon may need minutes. */
export const slow: RowOptions = { timeoutMs: 180_000 };
export const copying: RowOptions = { timeoutMs: 3_600_000 };
