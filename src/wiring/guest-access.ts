/**
 * `benchctl ssh` and `logs`: the user's own ssh client, given the controller's key and the one
 * host key that the guest agent tells, through the hypervisor where it is a remote one.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GuestAccess, GuestRef, JournalOptions } from '../cli/guest-access.ts';
import { clusterUid, nodeUuid, nodeVolume } from '../controllers/bench-cluster/desired.ts';
import { type ClusterRecord, PortError } from '../controllers/ports.ts';
import type { BenchHost } from '../crd/bench-host.ts';
import { parseHypervisorUri } from '../drivers/ssh/hypervisor-uri.ts';
import { quote } from '../lib/quote.ts';
import { openSession, type Session } from './session.ts';

const consoleBytes = 256 * 1024;

export async function openGuests(
  stateDir: string,
  env: Readonly<Record<string, string | undefined>>,
): Promise<GuestAccess> {
  const session = await openSession(stateDir, env);
  const run = (
    guest: GuestRef,
    command: string[],
    write: ((text: string) => void) | undefined,
    signal: AbortSignal,
  ) => withSsh(session, guest, signal, (argv) => runSsh([...argv, ...command], write, signal));
  return {
    ssh: (guest, command, signal) => run(guest, command, undefined, signal),
    async journal(guest, options, write, signal) {
      const code = await run(guest, [journalCommand(options)], write, signal);
      if (code !== 0)
        throw new PortError('failed', `journalctl on ${guest.node} ended with ${code}`);
    },
    async console(guest, { lines }, write, signal) {
      const { record, uuid } = await find(session, guest);
      const hypervisor = session.hosts.hypervisor(record.host);
      const volume = nodeVolume(guest.node, uuid);
      const text = await hypervisor.consoleLog(volume, consoleBytes, signal);
      write(`${text.trimEnd().split('\n').slice(-lines).join('\n')}\n`);
    },
    close: () => session.close(),
  };
}

function journalCommand({ unit, lines, follow }: JournalOptions): string {
  const words = ['journalctl', '--no-pager', '-n', `${lines}`];
  if (unit !== undefined) words.push('-u', unit);
  if (follow) words.push('-f');
  return words.map(quote).join(' ');
}

async function find(
  session: Session,
  { namespace, cluster, node }: GuestRef,
): Promise<{ record: ClusterRecord; uuid: string; address?: string }> {
  const record = (await session.state.clusters()).find(
    ({ cluster: { metadata } }) => metadata.namespace === namespace && metadata.name === cluster,
  );
  const status = record?.status?.nodes.find(({ name }) => name === node);
  if (record === undefined || status === undefined) {
    throw new PortError('rejected', `there is no node ${node} in cluster ${namespace}/${cluster}`);
  }
  const uuid = nodeUuid(clusterUid(session.keys.installation, namespace, cluster), node);
  return { record, uuid, ...(status.address && { address: status.address }) };
}

/** The files that ssh needs exist only while it runs, and only for this user. */
async function withSsh<T>(
  session: Session,
  guest: GuestRef,
  signal: AbortSignal,
  use: (argv: string[]) => Promise<T>,
): Promise<T> {
  const { record, uuid, address } = await find(session, guest);
  if (address === undefined) {
    throw new PortError('unreachable', `${guest.node} has no address yet: benchctl describe it`);
  }
  const hostKey = await session.hosts.hypervisor(record.host).hostKey(uuid, signal);
  const dir = await mkdtemp(join(tmpdir(), 'benchctl-'));
  try {
    const identity = join(dir, 'identity');
    const knownHosts = join(dir, 'known_hosts');
    await writeFile(identity, session.keys.privateKey, { mode: 0o600 });
    await writeFile(knownHosts, `${guest.node} ${hostKey}\n`, { mode: 0o600 });
    return await use([
      ...sshOptions(identity, knownHosts, guest.node),
      ...jump(record.host),
      `root@${address}`,
    ]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

function sshOptions(identity: string, knownHosts: string, alias: string): string[] {
  const options = {
    IdentityFile: identity,
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: knownHosts,
    GlobalKnownHostsFile: '/dev/null',
    HostKeyAlias: alias,
    StrictHostKeyChecking: 'yes',
    LogLevel: 'ERROR',
  };
  return ['-F', '/dev/null', ...Object.entries(options).flatMap(([k, v]) => ['-o', `${k}=${v}`])];
}

/** The user's own configuration and agent lead to the hypervisor, as for virsh. */
export function jump({ spec }: BenchHost): string[] {
  if (!spec.uri.startsWith('qemu+ssh:')) return [];
  const { host, port, user, keyFile, knownHostsFile } = parseHypervisorUri(spec.uri);
  const key = spec.ssh?.identityFile ?? keyFile;
  const known = spec.ssh?.knownHostsFile ?? knownHostsFile;
  const words = ['ssh', '-p', `${port}`, ...(key ? ['-i', key] : [])];
  if (known) words.push('-o', `UserKnownHostsFile=${known}`);
  words.push('-o', 'StrictHostKeyChecking=yes', '-W', '%h:%p', `${user}@${host}`);
  return ['-o', `ProxyCommand=${words.map((word) => quote(word)).join(' ')}`];
}

function runSsh(
  argv: string[],
  write: ((text: string) => void) | undefined,
  signal: AbortSignal,
): Promise<number> {
  return new Promise((resolve, reject) => {
    const output = write ? 'pipe' : 'inherit';
    const child = spawn('ssh', argv, { stdio: ['inherit', output, 'inherit'], signal });
    child.stdout?.setEncoding('utf8').on('data', (text: string) => write?.(text));
    child.once('error', (error) => (signal.aborted ? resolve(130) : reject(error)));
    child.once('close', (code) => resolve(code ?? 255));
  });
}
