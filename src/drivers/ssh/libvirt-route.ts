// Finds the way from an SSH login to libvirt's socket on that machine, best way first:
// the socket forwarded by sshd; the helper that libvirt ships for this; netcat. When none works, it
// looks at the machine and says what is missing and by which command it is mended.
// A route that worked once is tried first at the next connection.

import type { Duplex } from 'node:stream';
import { quote } from '../../lib/quote.ts';
import type { OpenOptions, SshConnection } from './connection.ts';
import { SshError, SshForwardRefused, SshShellRefused } from './error.ts';
import type { HypervisorTarget } from './hypervisor-uri.ts';
import { LibvirtUnreachable } from './reach-error.ts';

export type LibvirtRoute =
  | { kind: 'forward'; socket: string }
  | { kind: 'helper' }
  // `quits`: this netcat can be told to end with its input (-q0), so that it never stays behind.
  | { kind: 'netcat'; socket: string; quits: boolean };

export interface Routed {
  stream: Duplex;
  route: LibvirtRoute;
}

type Carrier = Pick<SshConnection, 'forwardUnix' | 'exec' | 'run' | 'name' | 'user'>;

export async function dialLibvirt(
  carrier: Carrier,
  target: HypervisorTarget,
  known: LibvirtRoute | undefined,
  options: OpenOptions,
): Promise<Routed> {
  if (known !== undefined && known.kind !== 'forward') {
    return { stream: await openRoute(carrier, target, known, options), route: known };
  }
  const sockets = candidates(target);
  const first = known === undefined ? [] : [known.socket];
  const refusals: SshForwardRefused[] = [];
  for (const socket of [...first, ...sockets.filter((one) => one !== known?.socket)]) {
    try {
      return {
        stream: await carrier.forwardUnix(socket, options),
        route: { kind: 'forward', socket },
      };
    } catch (error) {
      if (!(error instanceof SshForwardRefused)) throw error;
      refusals.push(error);
    }
  }
  const route = await surveyedRoute(carrier, target, sockets, refusals, options);
  return { stream: await openRoute(carrier, target, route, options), route };
}

function openRoute(
  carrier: Carrier,
  target: HypervisorTarget,
  route: LibvirtRoute,
  options: OpenOptions,
): Promise<Duplex> {
  switch (route.kind) {
    case 'forward':
      return carrier.forwardUnix(route.socket, options);
    case 'helper':
      return carrier.exec(`virt-ssh-helper ${quote(target.connectUri)}`, options);
    case 'netcat':
      return carrier.exec(`nc ${route.quits ? '-q0 ' : ''}-U ${quote(route.socket)}`, options);
  }
}

// The sockets of a system daemon. That of a session daemon lies in a directory of the user's
// login, which only the helper on the other side knows.
function candidates(target: HypervisorTarget): string[] {
  if (target.socket !== undefined) return [target.socket];
  const all = '/run/libvirt/libvirt-sock';
  if (target.connectUri === 'qemu:///system') return ['/run/libvirt/virtqemud-sock', all];
  return target.connectUri.endsWith('/session') ? [] : [all];
}

const SURVEY_TIMEOUT_MS = 10_000;
const SURVEY_OUTPUT_BYTES = 16 * 1024;

// Prints one word per finding: `socket:open <path>`, `socket:denied <path>`, `helper`, `netcat`
// or `netcat:quits`.
function surveyScript(sockets: readonly string[]): string {
  const perSocket = sockets.map((socket) => {
    const path = quote(socket);
    return `if [ -S ${path} ]; then if [ -r ${path} ] && [ -w ${path} ]
then printf 'socket:open %s\\n' ${path}; else printf 'socket:denied %s\\n' ${path}; fi; fi`;
  });
  const helpers = `if command -v virt-ssh-helper >/dev/null 2>&1; then echo helper; fi
if command -v nc >/dev/null 2>&1 && nc -h 2>&1 | grep -q -e -U; then
if nc -q 2>&1 | grep -q 'requires an argument'; then echo netcat:quits; else echo netcat; fi; fi`;
  return [...perSocket, helpers, 'true'].join('\n');
}

async function surveyedRoute(
  carrier: Carrier,
  target: HypervisorTarget,
  sockets: readonly string[],
  refusals: readonly SshForwardRefused[],
  options: OpenOptions,
): Promise<LibvirtRoute> {
  const survey = await runSurvey(carrier, sockets, options);
  // Without a shell there may still be a forced command that is the helper.
  if (survey === undefined) return { kind: 'helper' };
  const found = survey.split('\n');
  const socketsThat = (state: string) =>
    found.flatMap((line) => (line.startsWith(`${state} `) ? [line.slice(state.length + 1)] : []));
  const [open] = socketsThat('socket:open');
  const helper = found.includes('helper');
  if (sockets.length === 0 && helper) return { kind: 'helper' };
  // The helper of libvirt 9 ignores a socket that is asked for.
  if (open !== undefined && helper && target.socket === undefined) return { kind: 'helper' };
  const quits = found.includes('netcat:quits');
  if (open !== undefined && (quits || found.includes('netcat'))) {
    return { kind: 'netcat', socket: open, quits };
  }
  const [denied] = socketsThat('socket:denied');
  throw nothingFound(carrier, sockets, { open, denied }, refusals);
}

async function runSurvey(
  carrier: Carrier,
  sockets: readonly string[],
  options: OpenOptions,
): Promise<string | undefined> {
  try {
    const result = await carrier.run({
      script: surveyScript(sockets),
      timeoutMs: SURVEY_TIMEOUT_MS,
      maxOutputBytes: SURVEY_OUTPUT_BYTES,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    return result.stdout;
  } catch (error) {
    if (error instanceof SshShellRefused) return undefined;
    if (error instanceof SshError && error.code === 'SSH_TIMEOUT') return undefined;
    throw error;
  }
}

function nothingFound(
  carrier: Carrier,
  sockets: readonly string[],
  found: { open: string | undefined; denied: string | undefined },
  refusals: readonly SshForwardRefused[],
): LibvirtUnreachable {
  const { name, user } = carrier;
  const cause = refusals.at(-1);
  if (found.open !== undefined) {
    const reason = `sshd does not forward to ${found.open}, and there is no helper for it`;
    const hint = `on ${name}: set AllowStreamLocalForwarding yes in sshd_config, or install libvirt-clients (virt-ssh-helper) or netcat-openbsd`;
    return new LibvirtUnreachable(name, reason, hint, cause);
  }
  if (found.denied !== undefined) {
    const reason = `user ${user} may not use ${found.denied}`;
    const hint = `on ${name}: sudo usermod -aG libvirt ${quote(user)} (it takes effect at the next login)`;
    return new LibvirtUnreachable(name, reason, hint, cause);
  }
  const reason = `there is no socket ${sockets.join(' nor ') || 'that is known, nor virt-ssh-helper'}`;
  const hint = `on ${name}: install libvirt-daemon-system, and start libvirtd.socket (or virtqemud.socket)`;
  return new LibvirtUnreachable(name, reason, hint, cause);
}
