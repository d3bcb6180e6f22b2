// Every error that this client throws, each with a stable `code` and its facts as fields.
// A LibvirtError is the daemon's own answer; the others are about the wire or the caller.
// `sent` on the wire errors tells whether the daemon may have carried the call out.
// Callers decide with the predicates at the end, never by the text of a message.

import { type LibvirtCode, libvirtCode } from './error-code.ts';

export interface LibvirtErrorFacts {
  readonly number: number;
  readonly domain: number;
  readonly message: string;
  /** The errno for SYSTEM_ERROR; otherwise usually 0 or -1. */
  readonly errno: number;
  /** The procedure that was answered with this error. */
  readonly procedure: string;
}

export class LibvirtError extends Error {
  override readonly name = 'LibvirtError';
  readonly code: LibvirtCode;
  readonly number: number;
  readonly domain: number;
  readonly errno: number;
  readonly procedure: string;

  constructor(facts: LibvirtErrorFacts) {
    super(facts.message);
    this.code = libvirtCode(facts.number);
    this.number = facts.number;
    this.domain = facts.domain;
    this.errno = facts.errno;
    this.procedure = facts.procedure;
  }
}

export type LossReason =
  | 'dial'
  | 'socket'
  | 'eof'
  | 'keepalive'
  | 'protocol'
  | 'stalled'
  | 'handshake'
  | 'closed';

export class ConnectionLost extends Error {
  override readonly name = 'ConnectionLost';
  readonly code = 'CONNECTION_LOST';
  readonly reason: LossReason;
  /** True: the call had been written, its outcome is unknown. */
  readonly sent: boolean;

  constructor(reason: LossReason, options: { sent?: boolean; cause?: unknown } = {}) {
    super(`libvirt connection lost (${reason})`, { cause: options.cause });
    this.reason = reason;
    this.sent = options.sent ?? false;
  }
}

export class Timeout extends Error {
  override readonly name = 'Timeout';
  readonly code = 'TIMEOUT';
  readonly procedure: string;
  readonly timeoutMs: number;
  /** True: the daemon may still carry the call out. */
  readonly sent: boolean;

  constructor(procedure: string, timeoutMs: number, sent: boolean) {
    super(`libvirt ${procedure}: no answer in ${timeoutMs} ms`);
    this.procedure = procedure;
    this.timeoutMs = timeoutMs;
    this.sent = sent;
  }
}

export class Cancelled extends Error {
  override readonly name = 'Cancelled';
  readonly code = 'CANCELLED';
  readonly procedure: string;
  readonly sent: boolean;

  constructor(procedure: string, sent: boolean, cause: unknown) {
    super(`libvirt ${procedure}: cancelled by the caller`, { cause });
    this.procedure = procedure;
    this.sent = sent;
  }
}

/** The peer broke the protocol: in one reply, or, as cause of a ConnectionLost, in the framing. */
export class ProtocolError extends Error {
  override readonly name = 'ProtocolError';
  readonly code = 'PROTOCOL';
}

/** A value that cannot be put on the wire; nothing has been sent. */
export class InvalidArgument extends Error {
  override readonly name = 'InvalidArgument';
  readonly code = 'INVALID_ARGUMENT';
}

/** Too many calls wait on this connection already; nothing has been sent. */
export class QueueFull extends Error {
  override readonly name = 'QueueFull';
  readonly code = 'QUEUE_FULL';
  readonly limit: number;

  constructor(limit: number) {
    super(`libvirt: ${limit} calls are waiting already`);
    this.limit = limit;
  }
}

/** The daemon offers only ways to authenticate that this client does not speak. */
export class AuthUnsupported extends Error {
  override readonly name = 'AuthUnsupported';
  readonly code = 'AUTH_UNSUPPORTED';
  readonly offered: readonly number[];

  constructor(offered: readonly number[]) {
    super(`libvirt: no usable authentication among ${offered.join(', ') || 'none'}`);
    this.offered = offered;
  }
}

const absent: ReadonlySet<number> = new Set([42, 43, 49, 50, 66, 72, 80, 99, 111]);
const conflict: ReadonlySet<number> = new Set([9, 28, 37, 90]);
const specFault: ReadonlySet<number> = new Set([8, 20, 27, 35, 67, 74, 84, 91, 92]);
const denied: ReadonlySet<number> = new Set([29, 45, 79, 88, 94]);
const retryable: ReadonlySet<number> = new Set([68, 86, 87, 97, 112]);
/** EINTR, EIO, EAGAIN, EPIPE, ECONNRESET, ETIMEDOUT, ECONNREFUSED: the monitor of a dying QEMU. */
const retryableErrno: ReadonlySet<number> = new Set([4, 5, 11, 32, 104, 110, 111]);

function numberIn(error: unknown, set: ReadonlySet<number>): boolean {
  return error instanceof LibvirtError && set.has(error.number);
}

/** What was named does not exist: success for a delete. */
export function isAbsent(error: unknown): boolean {
  return numberIn(error, absent);
}

/** Another object has the name, uuid or source; a blind retry cannot help. */
export function isConflict(error: unknown): boolean {
  return numberIn(error, conflict);
}

/** Something of the system, such as a network interface, has the name already (EEXIST). */
export function isSystemNameTaken(error: unknown): boolean {
  return error instanceof LibvirtError && error.number === 38 && error.errno === 17;
}

/**
 * The network interface that has the subnet which a network is to have. libvirt tells it in words
 * only; another language of its daemon gives undefined, and then people have just those words.
 */
export function interfaceInTheWay(error: unknown): string | undefined {
  if (!(error instanceof LibvirtError) || error.number !== 1) return undefined;
  return /already in use by interface (\S+)$/.exec(error.message)?.[1];
}

/** The object was in another state than the call needs: observe again, then decide. */
export function isStateRace(error: unknown): boolean {
  return error instanceof LibvirtError && error.number === 55;
}

/** The request itself is wrong for this host; only a new spec helps. */
export function isSpecFault(error: unknown): boolean {
  return error instanceof InvalidArgument || numberIn(error, specFault);
}

export function isDenied(error: unknown): boolean {
  return error instanceof AuthUnsupported || numberIn(error, denied);
}

export function isUnsupported(error: unknown): boolean {
  return error instanceof LibvirtError && error.number === 3;
}

/** The same call may succeed later without anything else changing. */
export function isRetryable(error: unknown): boolean {
  if (error instanceof ConnectionLost || error instanceof Timeout || error instanceof QueueFull) {
    return true;
  }
  if (!(error instanceof LibvirtError)) return false;
  if (error.number === 38) return retryableErrno.has(error.errno);
  return retryable.has(error.number);
}

/** The daemon may or may not have acted: re-read before doing anything else. */
export function isOutcomeUnknown(error: unknown): boolean {
  return (
    (error instanceof ConnectionLost || error instanceof Timeout || error instanceof Cancelled) &&
    error.sent
  );
}
