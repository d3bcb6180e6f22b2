/**
 * Verifies a built image by booting it: on a private network of a given libvirt, with a fresh key.
 * The guest must lease an address as its MAC, answer the guest agent, show there the host key that
 * SSH then proves, and hold the contract. Nothing of the check remains, however it ends.
 */

import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCommand } from './command.ts';
import type { CheckResult } from './contract.ts';
import { DAEMONS, judgeContract, PROGRAMS } from './contract.ts';
import { factsScript, parseFacts } from './guest-facts.ts';
import { ImageError } from './image-error.ts';
import type { BuiltImage } from './manifest.ts';
import type { TrialGuest, TrialHost } from './trial-guest.ts';
import { bootTrialGuest } from './trial-guest.ts';

export type VerifyOptions = {
  /** Where virsh and ssh run; a lab is one. Default: this machine. */
  host?: TrialHost;
  uri?: string;
  pool?: string;
  domainType?: 'kvm' | 'qemu';
  memoryMiB?: number;
  diskBytes?: number;
  timeoutMs?: number;
  progress?: (stage: 'boot' | 'agent' | 'address' | 'ssh' | 'facts', elapsedMs: number) => void;
  signal?: AbortSignal;
};

export type VerifyReport = {
  ok: boolean;
  checks: CheckResult[];
  /** Milliseconds from the start of the domain. */
  agentMs: number;
  addressMs: number;
  sshMs: number;
};

const HOST_KEY = '/etc/ssh/ssh_host_ed25519_key.pub';

export async function verifyImage(
  image: BuiltImage,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const host = options.host ?? { exec: runCommand };
  const folder = await mkdtemp(join(tmpdir(), 'image-verify-'));
  try {
    const keyFile = join(folder, 'key');
    await runCommand(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', keyFile]);
    const publicKey = (await readFile(`${keyFile}.pub`, 'utf8')).trim();
    const diskBytes = options.diskBytes ?? 4 * 1024 ** 3;
    const guest = await bootTrialGuest(host, image, {
      uri: options.uri ?? 'qemu:///system',
      pool: options.pool ?? 'default',
      domainType: options.domainType ?? 'qemu',
      memoryMiB: options.memoryMiB ?? 768,
      diskBytes,
      publicKey,
      signal: options.signal,
    });
    try {
      return await examine(guest, { host, image, options, folder, publicKey, diskBytes });
    } finally {
      await guest.remove();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

type Examination = {
  host: TrialHost;
  image: BuiltImage;
  options: VerifyOptions;
  folder: string;
  publicKey: string;
  diskBytes: number;
};

async function examine(guest: TrialGuest, it: Examination): Promise<VerifyReport> {
  const { host, options, folder, publicKey, diskBytes } = it;
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  const until = started + (options.timeoutMs ?? 180_000);
  const wait = <T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> =>
    poll(what, attempt, until, options.signal);
  options.progress?.('boot', 0);
  const agent = wait('the guest agent', () => guest.agent({ execute: 'guest-ping' })).then(() => {
    options.progress?.('agent', elapsed());
    return elapsed();
  });
  const address = wait('a DHCP lease', guest.lease).then((lease) => {
    options.progress?.('address', elapsed());
    return { ...lease, ms: elapsed() };
  });
  const [agentMs, lease] = await Promise.all([agent, address]);
  const hostKey = await wait('the SSH host key', async () => {
    const text = await guest.readFileByAgent(HOST_KEY);
    return text.startsWith('ssh-ed25519 ') ? text.trim() : undefined;
  });
  const knownHosts = join(folder, 'known_hosts');
  await writeFile(knownHosts, `${lease.address} ${hostKey}\n`);
  const ssh = sshCommand(join(folder, 'key'), knownHosts, lease.address);
  await wait('an SSH session', async () => {
    await host.exec([...ssh, 'true'], { timeoutMs: 15_000 });
    return true;
  });
  const sshMs = elapsed();
  options.progress?.('ssh', sshMs);
  const provided = it.image.manifest.provides;
  const script = factsScript(
    provided.flatMap((name) => PROGRAMS[name] ?? []),
    provided.flatMap((name) => DAEMONS[name] ?? []),
  );
  const asked = await host.exec([...ssh, 'sh -s'], { input: script, timeoutMs: 120_000 });
  options.progress?.('facts', elapsed());
  const checks = judgeContract({
    ...parseFacts(asked.stdout),
    leaseClientId: lease.clientId,
    mac: guest.mac,
    domainUuid: guest.uuid,
    injectedKey: publicKey,
    diskBytes,
  });
  return { ok: checks.every((check) => check.ok), checks, agentMs, addressMs: lease.ms, sshMs };
}

function sshCommand(key: string, knownHosts: string, address: string): string[] {
  const settings = [
    'BatchMode=yes',
    'IdentitiesOnly=yes',
    'StrictHostKeyChecking=yes',
    'HostKeyAlgorithms=ssh-ed25519',
    `UserKnownHostsFile=${knownHosts}`,
    'GlobalKnownHostsFile=/dev/null',
    'ConnectTimeout=5',
  ];
  const options = settings.flatMap((setting) => ['-o', setting]);
  return ['ssh', '-F', 'none', '-i', key, ...options, `root@${address}`];
}

async function poll<T>(
  what: string,
  attempt: () => Promise<T | undefined>,
  until: number,
  signal: AbortSignal | undefined,
): Promise<T> {
  let last: unknown;
  while (performance.now() < until) {
    signal?.throwIfAborted();
    try {
      const value = await attempt();
      if (value !== undefined) return value;
    } catch (error) {
      last = error;
    }
    await sleep(200, undefined, signal === undefined ? {} : { signal });
  }
  throw new ImageError('GUEST_UNREACHABLE', `The guest did not show ${what} in time`, {}, last);
}
