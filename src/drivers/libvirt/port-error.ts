/**
 * Errors of the libvirt client → PortErrors, classed by what the controller should do next.
 * Only this file knows which libvirt code means what. A PortError passes through as it is; the
 * message keeps libvirt's own words, because they go into the condition that a person reads.
 */
import { PortError, type PortErrorCode } from '../../controllers/ports.ts';
import { toError } from '../../lib/error.ts';
import {
  AuthUnsupported,
  Cancelled,
  ConnectionLost,
  InvalidArgument,
  isConflict,
  isOutcomeUnknown,
  isSpecFault,
  isUnsupported,
  LibvirtError,
  Timeout,
} from '../../libvirt/error.ts';
import { XmlFault } from './xml.ts';

/** Reads can be asked again, so a lost answer is only a host that does not answer. */
export type CallKind = 'read' | 'write';

export function toPortError(
  thrown: unknown,
  kind: CallKind,
  doing: string,
  signal?: AbortSignal,
): PortError {
  if (thrown instanceof PortError) return thrown;
  const error = toError(thrown);
  const code = signal?.aborted ? 'cancelled' : portErrorCode(error, kind);
  return new PortError(code, `${doing}: ${messageOf(error)}`, { cause: error });
}

/** A lost connection says why only in its cause, which may be another lost connection. */
function messageOf(error: Error): string {
  let origin = error;
  while (origin instanceof ConnectionLost && origin.cause instanceof Error) origin = origin.cause;
  return origin === error ? error.message : `${error.message}: ${origin.message}`;
}

function portErrorCode(error: Error, kind: CallKind): PortErrorCode {
  if (error instanceof Cancelled || error.name === 'AbortError') return 'cancelled';
  if (kind === 'write' && isOutcomeUnknown(error)) return 'timeout';
  if (error instanceof ConnectionLost || error instanceof Timeout) return 'unreachable';
  // A person has to grant the access first; until then the host is as good as not there.
  if (error instanceof AuthUnsupported) return 'unreachable';
  if (error instanceof LibvirtError && accessCodes.has(error.code)) return 'unreachable';
  if (isConflict(error)) return 'conflict';
  if (isSpecFault(error) || isUnsupported(error)) return 'rejected';
  if (error instanceof RangeError || error instanceof InvalidArgument) return 'rejected';
  // On a read, the host said something that we cannot read; on a write, our own text was refused.
  if (error instanceof XmlFault) return kind === 'write' ? 'rejected' : 'failed';
  return 'failed';
}

const accessCodes: ReadonlySet<string> = new Set([
  'AUTH_FAILED',
  'AUTH_CANCELLED',
  'AUTH_UNAVAILABLE',
  'ACCESS_DENIED',
  'OPERATION_DENIED',
]);
