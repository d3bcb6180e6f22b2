/** Runs the probes, each within its time, and judges what they found. */

import type { Clock } from '../../lib/clock.ts';
import { toError } from '../../lib/error.ts';
import { bounded } from '../bounded.ts';
import { type Check, fail } from './check.ts';
import { isLocal, judgeHost, judgeUnreachable } from './judge-host.ts';
import {
  judgeGroup,
  judgeImages,
  judgeKvm,
  judgeNode,
  judgePackages,
  judgeSshKey,
  judgeState,
} from './judge-machine.ts';
import type { DoctorProbes, HostProbe } from './probes.ts';

export async function examine(
  probes: DoctorProbes,
  clock: Clock,
  signal: AbortSignal,
): Promise<Check[]> {
  const probe = <T>(ask: (signal: AbortSignal) => Promise<T>) => bounded(ask, clock, signal);
  const hosts = await settle(probe((inner) => probes.hosts(inner)));
  const list = hosts.kind === 'done' ? hosts.value : [];
  // What the hosts are is unknown when they cannot be listed: then judge for the stricter case.
  const local = hosts.kind === 'failed' || list.some(isLocal);
  const remote = list.some((host) => !isLocal(host));
  const user = await settle(probe((inner) => probes.user(inner)));
  const groups = await Promise.all([
    judged(
      'packages',
      probe((inner) => probes.packages(inner)),
      judgePackages,
    ),
    judged(
      'state',
      probe((inner) => probes.state(inner)),
      judgeState,
    ),
    judged('group libvirt', resultOf(user), (facts) => judgeGroup(facts, local)),
    judged(
      'kvm',
      probe(async (inner) => ({ kvm: await probes.kvm(inner), user: await resultOf(user) })),
      (facts) => judgeKvm(facts.kvm, facts.user, local),
    ),
    judged(
      'ssh key',
      probe((inner) => probes.sshKey(inner)),
      (facts) => judgeSshKey(facts, remote),
    ),
    judged(
      'images',
      probe((inner) => probes.images(inner)),
      judgeImages,
    ),
    judged('hosts', resultOf(hosts), () => []),
    ...list.map((host) => examineHost(host, probe)),
  ]);
  return [judgeNode(probes.nodeVersion()), ...groups.flat()];
}

type Probe = <T>(ask: (signal: AbortSignal) => Promise<T>) => Promise<T>;

async function examineHost(host: HostProbe, probe: Probe): Promise<Check[]> {
  const answer = await settle(probe((signal) => host.inventory(signal)));
  return answer.kind === 'failed'
    ? [judgeUnreachable(host, answer.error.message)]
    : judgeHost(host, answer.value);
}

async function judged<T>(
  name: string,
  facts: Promise<T>,
  judge: (facts: T) => Check | Check[],
): Promise<Check[]> {
  const answer = await settle(facts);
  if (answer.kind === 'failed') {
    return [fail(name, `cannot be examined: ${answer.error.message}`, 'benchctl doctor')];
  }
  return [judge(answer.value)].flat();
}

type Settled<T> = { kind: 'done'; value: T } | { kind: 'failed'; error: Error };

async function settle<T>(promise: Promise<T>): Promise<Settled<T>> {
  try {
    return { kind: 'done', value: await promise };
  } catch (thrown) {
    return { kind: 'failed', error: toError(thrown) };
  }
}

function resultOf<T>(settled: Settled<T>): Promise<T> {
  return settled.kind === 'done' ? Promise.resolve(settled.value) : Promise.reject(settled.error);
}
