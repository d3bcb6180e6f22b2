/**
 * Whether the world is as the files say, read off the world itself: what is still missing or too
 * much, in words. It shares no code with the controller. What another installation has on the same
 * host is for its own files to say.
 */

import type { OwnerMark } from '../../src/controllers/ports.ts';
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import type { World } from './world.ts';

export function unlike(
  world: World,
  manifests: readonly BenchCluster[],
  others: readonly World[] = [],
): string[] {
  const isOthers = ({ owner }: { owner?: OwnerMark }) =>
    others.some(({ identity }) => identity.installation === owner?.installation);
  const wanted = new Map(manifests.map((cluster) => [cluster.metadata.name, cluster]));
  const nodes = new Set(manifests.flatMap(nodesOf).map(({ name }) => name));
  const { volumes } = world.hypervisor;
  const all = [...world.hypervisor.domains.values()];
  const domains = all.filter((domain) => !isOthers(domain));
  const networks = [...world.hypervisor.networks.values()].filter((item) => !isOthers(item));
  const faults: string[] = [];
  for (const [name, cluster] of wanted) {
    const record = world.state.record(`default/${name}`);
    if (JSON.stringify(record?.cluster.spec) !== JSON.stringify(cluster.spec)) {
      faults.push(`${name}: old spec`);
    } else if (!isReady(world, name, record?.generation)) {
      faults.push(`${name}: not ready, ${toldOf(world, name)}`);
    } else if (world.condition(name, 'AsDefined')?.status === 'False') {
      faults.push(`${name}: ${world.condition(name, 'AsDefined')?.message}`);
    }
  }
  for (const name of world.state.names()) {
    if (!wanted.has(name)) faults.push(`${name}: still on record, ${toldOf(world, name)}`);
  }
  const running = domains.filter(({ state }) => state === 'running');
  for (const name of nodes) {
    if (!running.some((domain) => domain.name === name)) faults.push(`${name} does not run`);
  }
  for (const { name, state } of domains) {
    if (!nodes.has(name)) faults.push(`domain ${name} (${state}) is too much`);
  }
  const used = new Set(all.flatMap(({ files }) => files));
  for (const { name, backingVolume } of volumes.values()) {
    const isDisk = backingVolume !== undefined;
    const isUsed = [...used].some((file) => file.endsWith(`/${name}`));
    // An image that is left may be what another installation is about to use.
    if ((isDisk && !isUsed) || (!isDisk && wanted.size === 0 && others.length === 0))
      faults.push(`volume ${name} is left`);
    if (name.endsWith('.part')) faults.push(`volume ${name} is left`);
  }
  const networksWanted = new Set(manifests.map(({ spec }) => spec.network.name));
  for (const { name, owner } of networks) {
    if (owner && !networksWanted.has(name)) faults.push(`network ${name} is left`);
  }
  for (const { name, head, records } of world.slurm.clusters()) {
    if (!domains.some((domain) => domain.name === head)) continue;
    for (const record of records.keys()) {
      if (!nodes.has(record)) faults.push(`${name} still knows ${record}`);
    }
  }
  return faults;
}

type Pool = BenchCluster['spec']['controlPlane'] | BenchCluster['spec']['workers'][number];

/** The head is the one whose pool has no name. */
export function nodesOf({ metadata, spec }: BenchCluster): { name: string; pool: Pool }[] {
  return [spec.controlPlane, ...spec.workers].flatMap((pool: Pool) =>
    Array.from({ length: pool.replicas }, (_, index) => {
      const name = 'name' in pool ? pool.name : 'head';
      return { name: `${metadata.name}-${name}-${index}`, pool };
    }),
  );
}

/** A head is not replaced by itself, because the scheduler's state is on it: that is told, and all. */
function isReady(world: World, name: string, generation: number | undefined): boolean {
  const upToDate = world.condition(name, 'UpToDate');
  return (
    world.status(name)?.observedGeneration === generation &&
    world.condition(name, 'Ready')?.status === 'True' &&
    (upToDate?.status === 'True' || upToDate?.reason === 'HeadOutdated')
  );
}

function toldOf(world: World, name: string): string {
  const { nodes = [], conditions = [] } = world.status(name) ?? {};
  const sick = nodes.filter(({ phase }) => phase !== 'Ready');
  const told = sick.map(
    ({ name, phase, reason, message }) => `${name} ${phase} ${reason} ${message}`,
  );
  const wrong = conditions.filter(({ status }) => status !== 'True').map(({ reason }) => reason);
  return [...told, ...new Set(wrong)].join('; ').slice(0, 300);
}
