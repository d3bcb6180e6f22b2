/**
 * What a command throws when it cannot do its work: what is wrong and what to do next, a line each.
 * `next` is a command to type wherever there is one. The top level prints both on stderr and turns
 * `code` into the exit code; errors of ports are translated here, by their code, never their text.
 */
import { PortError, type PortErrorCode } from '../controllers/ports.ts';
import { toError } from '../lib/error.ts';
import { exitCodes } from './exit-code.ts';

export type CliErrorCode = Exclude<keyof typeof exitCodes, 'ok' | 'planHasChanges'>;

export class CliError extends Error {
  readonly code: CliErrorCode;
  readonly next: string;

  constructor(code: CliErrorCode, what: string, next: string, options?: { cause?: unknown }) {
    super(what, options);
    this.name = 'CliError';
    this.code = code;
    this.next = next;
  }

  get exitCode(): number {
    return exitCodes[this.code];
  }
}

const portNext: Record<PortErrorCode, string> = {
  unreachable: 'benchctl doctor',
  conflict: 'the name belongs to somebody else or is in use; benchctl doctor',
  rejected: 'mend the request; benchctl plan shows what is asked for',
  failed: 'try again; benchctl doctor shows what this machine lacks',
  timeout: 'try again; benchctl doctor shows whether the host answers',
  cancelled: 'run the command again',
};

/** Any thrown value as the error to print. */
export function toCliError(thrown: unknown): CliError {
  if (thrown instanceof CliError) return thrown;
  if (thrown instanceof PortError) {
    const code = thrown.code === 'cancelled' ? 'interrupted' : 'failed';
    const next = thrown.next ?? portNext[thrown.code];
    return new CliError(code, thrown.message, next, { cause: thrown });
  }
  const error = toError(thrown);
  if (error.name === 'AbortError') {
    return new CliError('interrupted', 'interrupted', portNext.cancelled, { cause: thrown });
  }
  return new CliError('failed', error.message, 'benchctl doctor', { cause: thrown });
}
