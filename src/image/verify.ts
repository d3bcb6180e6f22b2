/**
 * Verifies a built image by booting it: on a private network of a given hypervisor, with a fresh
 * key. The guest must lease an address as its MAC, answer the guest agent, show there the host key
 * that SSH then proves, and hold the contract. Nothing of the check remains, however it ends.
 */

import { setTimeout as sleep } from 'node:timers/promises';
import type { CheckResult } from './contract.ts';
import { DAEMONS, judgeContract, PROGRAMS } from './contract.ts';
import { factsScript, parseFacts } from './guest-facts.ts';
import { ImageError } from './image-error.ts';
import type { BuiltImage } from './manifest.ts';
import type { TrialGuest } from './trial-guest.ts';
import { bootTrialGuest } from './trial-guest.ts';
import type { TrialHost } from './trial-host.ts';

export type VerifyOptions = {
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
  host: TrialHost,
  options: VerifyOptions = {},
): Promise<VerifyReport> {
  const diskBytes = options.diskBytes ?? 4 * 1024 ** 3;
  const { memoryMiB = 768, signal } = options;
  const guest = await bootTrialGuest(host, image, { memoryMiB, diskBytes, signal });
  let report: VerifyReport;
  try {
    report = await examine(guest, { host, image, options, diskBytes });
  } catch (error) {
    await guest.remove().catch(() => {});
    throw error;
  }
  await guest.remove();
  return report;
}

type Examination = {
  host: TrialHost;
  image: BuiltImage;
  options: VerifyOptions;
  diskBytes: number;
};

async function examine(guest: TrialGuest, it: Examination): Promise<VerifyReport> {
  const { host, options, diskBytes } = it;
  const { signal } = options;
  const started = performance.now();
  const elapsed = (): number => Math.round(performance.now() - started);
  const until = started + (options.timeoutMs ?? 180_000);
  const wait = <T>(what: string, attempt: () => Promise<T | undefined>): Promise<T> =>
    poll(what, attempt, until, signal);
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
    const [type, key] = (await guest.readFileByAgent(HOST_KEY)).split(/\s+/);
    return type === 'ssh-ed25519' && key ? `${type} ${key}` : undefined;
  });
  const target = { address: lease.address, hostKey };
  await wait('an SSH session', () => host.run(target, 'true', { timeoutMs: 15_000, signal }));
  const sshMs = elapsed();
  options.progress?.('ssh', sshMs);
  const provided = it.image.manifest.provides;
  const script = factsScript(
    provided.flatMap((name) => PROGRAMS[name] ?? []),
    provided.flatMap((name) => DAEMONS[name] ?? []),
  );
  const asked = await host.run(target, script, { timeoutMs: 120_000, signal });
  options.progress?.('facts', elapsed());
  const checks = judgeContract({
    ...parseFacts(asked.stdout),
    leaseClientId: lease.clientId,
    mac: guest.mac,
    domainUuid: guest.uuid,
    injectedKey: host.publicKey,
    diskBytes,
  });
  return { ok: checks.every((check) => check.ok), checks, agentMs, addressMs: lease.ms, sshMs };
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
