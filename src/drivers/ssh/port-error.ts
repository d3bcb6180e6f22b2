// Errors of SSH as the controller's ports know them, classed by what comes next.
// A command that may have run is a `timeout`: observe again. What a wrong address or a dead
// machine causes is `unreachable`: look it up and try again. The typed error stays as `cause`.

import { PortError, type PortErrorCode } from '../../controllers/ports.ts';
import { toError } from '../../lib/error.ts';
import { SshError } from './error.ts';

export function toPortError(thrown: unknown, doing: string): PortError {
  if (thrown instanceof PortError) return thrown;
  const error = toError(thrown);
  const next = error instanceof SshError && error.code !== 'SSH_CANCELLED' ? `; ${error.hint}` : '';
  return new PortError(portErrorCode(error), `${doing}: ${error.message}${next}`, { cause: error });
}

function portErrorCode(error: Error): PortErrorCode {
  if (!(error instanceof SshError)) return 'failed';
  if (error.code === 'SSH_CANCELLED') return 'cancelled';
  if (error.outcome === 'unknown') return 'timeout';
  switch (error.code) {
    case 'SSH_KEY_INVALID':
    case 'SSH_TARGET_INVALID':
      return 'rejected';
    case 'SSH_IDENTITY_UNUSABLE':
    case 'SSH_SHELL_REFUSED':
    case 'MACHINE_UNIDENTIFIED':
      return 'failed';
    default:
      return 'unreachable';
  }
}
