// Every way in which SSH can fail, as this driver tells it to the rest.
// Each error has a stable `code`, the facts as fields, what a person can do in `hint`, and in
// `outcome` the one thing a caller must know before it tries again: whether the remote command
// may have run. Nobody above this folder sees an error of ssh2 except as `cause`.

export type SshErrorCode =
  | 'SSH_UNREACHABLE'
  | 'SSH_AUTH_FAILED'
  | 'SSH_HOST_KEY_MISMATCH'
  | 'SSH_HOST_KEY_UNKNOWN'
  | 'SSH_TIMEOUT'
  | 'SSH_CANCELLED'
  | 'SSH_CONNECTION_LOST'
  | 'SSH_OUTCOME_UNKNOWN'
  | 'SSH_SESSION_REFUSED'
  | 'SSH_SHELL_REFUSED'
  | 'SSH_FORWARD_REFUSED'
  | 'SSH_PROGRAM_FAILED'
  | 'SSH_PROTOCOL_ABUSED'
  | 'SSH_IDENTITY_UNUSABLE'
  | 'SSH_KEY_INVALID'
  | 'SSH_TARGET_INVALID'
  | 'LIBVIRT_UNREACHABLE'
  | 'WRONG_MACHINE'
  | 'MACHINE_UNIDENTIFIED';

// `not-started`: nothing of the command ran, trying again is safe. `unknown`: it may have run,
// wholly or in part, so look at the machine before trying again.
export type Outcome = 'not-started' | 'unknown';

export interface SshErrorFacts {
  host: string;
  hint: string;
  outcome?: Outcome;
  cause?: unknown;
}

export class SshError extends Error {
  readonly code: SshErrorCode;
  readonly host: string;
  readonly hint: string;
  readonly outcome: Outcome;

  constructor(code: SshErrorCode, message: string, facts: SshErrorFacts) {
    super(message, facts.cause === undefined ? undefined : { cause: facts.cause });
    this.name = new.target.name;
    this.code = code;
    this.host = facts.host;
    this.hint = facts.hint;
    this.outcome = facts.outcome ?? 'not-started';
  }
}

export class SshUnreachable extends SshError {
  constructor(host: string, reason: string, cause?: unknown) {
    super('SSH_UNREACHABLE', `no SSH connection to ${host}: ${reason}`, {
      host,
      hint: `see that ${host} is up, that its SSH server runs and that no firewall is between`,
      cause,
    });
  }
}

export class SshAuthFailed extends SshError {
  readonly user: string;
  readonly offered: readonly string[];

  // `offered` names the public keys that were tried, as fingerprints.
  constructor(host: string, user: string, offered: readonly string[], cause?: unknown) {
    const keys = offered.length === 0 ? 'no key' : offered.join(', ');
    super('SSH_AUTH_FAILED', `${host} refused user ${user} (offered ${keys})`, {
      host,
      hint: `add the public key to ~/.ssh/authorized_keys of ${user} on ${host}`,
      cause,
    });
    this.user = user;
    this.offered = offered;
  }
}

export class SshHostKeyMismatch extends SshError {
  readonly expected: readonly string[];
  readonly presented: string;
  readonly revoked: boolean;

  constructor(
    host: string,
    keys: { expected: readonly string[]; presented: string; revoked: boolean },
    hint: string,
  ) {
    const why = keys.revoked
      ? 'which is marked as revoked'
      : `but ${keys.expected.join(' or ')} is pinned`;
    super('SSH_HOST_KEY_MISMATCH', `${host} shows host key ${keys.presented}, ${why}`, {
      host,
      hint,
    });
    this.expected = keys.expected;
    this.presented = keys.presented;
    this.revoked = keys.revoked;
  }
}

export class SshHostKeyUnknown extends SshError {
  readonly presented: string;
  readonly presentedKey: string;
  readonly pinCommand: string;

  constructor(
    host: string,
    presented: { fingerprint: string; line: string },
    pin: { command: string; hint: string },
  ) {
    super(
      'SSH_HOST_KEY_UNKNOWN',
      `no host key is pinned for ${host}, which shows ${presented.fingerprint}`,
      { host, hint: pin.hint },
    );
    this.presented = presented.fingerprint;
    this.presentedKey = presented.line;
    this.pinCommand = pin.command;
  }
}

export type SshPhase = 'connect' | 'handshake' | 'auth' | 'queue' | 'open' | 'command';

export class SshTimeout extends SshError {
  readonly phase: SshPhase;
  readonly timeoutMs: number;

  constructor(host: string, phase: SshPhase, timeoutMs: number) {
    const outcome = phase === 'command' ? 'unknown' : 'not-started';
    super('SSH_TIMEOUT', `${host} did not finish within ${timeoutMs} ms (${phase})`, {
      host,
      hint:
        outcome === 'unknown'
          ? 'the command may still run there: look at its effect before trying again'
          : `see whether ${host} is overloaded or its network drops packets`,
      outcome,
    });
    this.phase = phase;
    this.timeoutMs = timeoutMs;
  }
}

export class SshCancelled extends SshError {
  constructor(host: string, outcome: Outcome, cause?: unknown) {
    super('SSH_CANCELLED', `the work on ${host} was cancelled`, {
      host,
      hint: 'nothing is wrong: the caller gave it up',
      outcome,
      cause,
    });
  }
}

// The connection is gone; whatever ran over it says by itself whether it may have had an effect.
export class SshConnectionLost extends SshError {
  constructor(host: string, reason: string, cause?: unknown) {
    super('SSH_CONNECTION_LOST', `the SSH connection to ${host} is gone: ${reason}`, {
      host,
      hint: 'a new connection is made at the next use',
      cause,
    });
  }
}

export class SshOutcomeUnknown extends SshError {
  readonly stderr: string;

  constructor(host: string, reason: string, stderr: string, cause?: unknown) {
    super('SSH_OUTCOME_UNKNOWN', `the command on ${host} ended without an exit status: ${reason}`, {
      host,
      hint: 'it may have run: look at its effect before trying again',
      outcome: 'unknown',
      cause,
    });
    this.stderr = stderr;
  }
}

export class SshSessionRefused extends SshError {
  constructor(host: string, reason: string, cause?: unknown) {
    super('SSH_SESSION_REFUSED', `${host} refused a session: ${reason}`, {
      host,
      hint: `the sshd of ${host} must allow at least one session (MaxSessions)`,
      cause,
    });
  }
}

// The account is there, but what runs in it is not a shell that takes our script.
export class SshShellRefused extends SshError {
  readonly exitCode: number | null;
  readonly output: string;

  constructor(host: string, user: string, answer: { exitCode: number | null; output: string }) {
    super(
      'SSH_SHELL_REFUSED',
      `${user} on ${host} ran no script, but said: ${answer.output || 'nothing'}`,
      {
        host,
        hint: `give ${user} a login shell on ${host}, and no forced command for this key`,
      },
    );
    this.exitCode = answer.exitCode;
    this.output = answer.output;
  }
}

export class SshForwardRefused extends SshError {
  readonly destination: string;
  readonly prohibited: boolean;

  // `prohibited`: the server's rules forbid it, as far as the server tells the difference.
  constructor(host: string, destination: string, reason: string, prohibited: boolean) {
    super('SSH_FORWARD_REFUSED', `${host} did not connect to ${destination}: ${reason}`, {
      host,
      hint: prohibited
        ? `allow forwarding for this user in sshd_config of ${host} (AllowTcpForwarding, AllowStreamLocalForwarding) and in its authorized_keys line`
        : `see that ${destination} accepts connections on ${host}`,
    });
    this.destination = destination;
    this.prohibited = prohibited;
  }
}

export class SshProgramFailed extends SshError {
  readonly command: string;
  readonly exitCode: number | null;
  readonly stderr: string;

  constructor(host: string, command: string, exitCode: number | null, stderr: string) {
    const end = exitCode === null ? 'without an exit status' : `with exit status ${exitCode}`;
    super('SSH_PROGRAM_FAILED', `on ${host}: ${command} ended ${end}: ${stderr || 'no message'}`, {
      host,
      hint: `try it there: ${command}`,
      outcome: 'unknown',
    });
    this.command = command;
    this.exitCode = exitCode;
    this.stderr = stderr;
  }
}

export class SshProtocolAbused extends SshError {
  constructor(host: string, reason: string) {
    super('SSH_PROTOCOL_ABUSED', `${host} was disconnected: ${reason}`, {
      host,
      hint: `the SSH server of ${host} is broken or hostile`,
      outcome: 'unknown',
    });
  }
}

export class SshIdentityUnusable extends SshError {
  readonly identity: string;

  constructor(host: string, identity: string, reason: string, hint: string, cause?: unknown) {
    super('SSH_IDENTITY_UNUSABLE', `cannot log in with ${identity}: ${reason}`, {
      host,
      hint,
      cause,
    });
    this.identity = identity;
  }
}

export class SshKeyInvalid extends SshError {
  constructor(what: string, reason: string, cause?: unknown) {
    super('SSH_KEY_INVALID', `${what} is not usable: ${reason}`, {
      host: '',
      hint: 'a public key reads like "ssh-ed25519 AAAA… comment"',
      cause,
    });
  }
}

export class SshTargetInvalid extends SshError {
  constructor(uri: string, reason: string) {
    super('SSH_TARGET_INVALID', `${uri} is not usable: ${reason}`, {
      host: '',
      hint: 'it reads like qemu+ssh://user@host[:port]/system',
    });
  }
}
