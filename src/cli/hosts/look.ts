/** A look at hosts side by side, each within its time. One that does not answer stops nothing. */
import { defaultHost } from '../../controllers/bench-cluster/references.ts';
import type { ClusterRecord, HostInventory } from '../../controllers/ports.ts';
import type { BenchHost } from '../../crd/bench-host.ts';
import type { Manifest } from '../../crd/manifest.ts';
import { hostsOf, qualifiedName } from '../../crd/references.ts';
import { toError } from '../../lib/error.ts';
import { oneLine } from '../../lib/printable.ts';
import { bounded } from '../bounded.ts';
import type { Call } from '../call.ts';
import type { CliContext } from '../context.ts';
import type { HostAccess } from './host-access.ts';

export type SeenHost =
  | { host: BenchHost; inventory: HostInventory }
  | { host: BenchHost; error: string };

export type ReachedHost = Extract<SeenHost, { inventory: HostInventory }>;

export function isReached(seen: SeenHost): seen is ReachedHost {
  return 'inventory' in seen;
}

/** Opens, works, and closes whatever happens. */
export async function withHosts<T>(
  context: CliContext,
  work: (access: HostAccess) => Promise<T>,
): Promise<T> {
  const access = await context.openHosts();
  try {
    return await work(access);
  } finally {
    await access.close();
  }
}

export async function lookAtHosts(
  access: HostAccess,
  hosts: readonly BenchHost[],
  { clock, signal }: Pick<CliContext, 'clock' | 'signal'>,
): Promise<SeenHost[]> {
  return Promise.all(
    hosts.map(async (host): Promise<SeenHost> => {
      try {
        const ask = (inner: AbortSignal) => access.inventory(host, inner);
        return { host, inventory: await bounded(ask, clock, signal) };
      } catch (thrown) {
        signal.throwIfAborted();
        return { host, error: toError(thrown).message };
      }
    }),
  );
}

/** Hosts of the manifests, and those where clusters are; without any it is this machine. */
export function hostsInUse(
  manifests: readonly Manifest[],
  records: readonly ClusterRecord[],
): BenchHost[] {
  const found = new Map<string, BenchHost>();
  for (const { host } of records) found.set(qualifiedName(host.metadata), host);
  for (const host of hostsOf(manifests)) found.set(qualifiedName(host.metadata), host);
  return found.size > 0 ? [...found.values()] : [defaultHost];
}

/** What could not be looked at is said, so that nobody takes it for empty. */
export function noteUnreached(call: Call, seen: readonly SeenHost[]): void {
  for (const item of seen) {
    if (isReached(item)) continue;
    const name = qualifiedName(item.host.metadata);
    call.note(`host ${name} cannot be reached: ${oneLine(item.error)} (benchctl doctor)`);
  }
}
