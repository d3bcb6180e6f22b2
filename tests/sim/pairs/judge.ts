/**
 * What an edit of one spec to another is to cause, and whether a world is as a spec says, worked
 * out from the documents of the API and read off the world itself: machines, disks, the file that
 * slurmctld runs with, and what the status tells. It shares no code with the controller.
 */
import type { BenchCluster } from '../../../src/crd/bench-cluster.ts';
import type { BenchImage } from '../../../src/crd/bench-image.ts';
import type { SimDomain } from '../../../src/sim/domain.ts';
import { poolPath } from '../../../src/sim/host.ts';
import { identity, imageOf } from '../../fakes/builders.ts';
import { bytes } from '../../oracle/derived.ts';
import { imageVolume } from '../../oracle/ordered.ts';
import { nodesOf, unlike } from '../expected.ts';
import type { World } from '../world.ts';

/** Those that the specs name. */
export const images: readonly BenchImage[] = [imageOf('debian', 'a'), imageOf('other', 'c')];

/** What no edit changes while the cluster exists. */
export function isRefused(from: BenchCluster, to: BenchCluster): boolean {
  const fixed = ({ spec: { network, placement, controlPlane } }: BenchCluster) =>
    JSON.stringify([network, placement, controlPlane.replicas]);
  return fixed(from) !== fixed(to);
}

export function isPaused({ metadata, spec }: BenchCluster): boolean {
  return spec.paused || metadata.annotations?.['benchcluster.io/paused'] === 'true';
}

/**
 * The spec that is in force until a person has confirmed that so much goes at once: the edit, with
 * all nodes that it would take away. Undefined when that is nobody's to confirm.
 */
export function heldBack(from: BenchCluster, to: BenchCluster): BenchCluster | undefined {
  const former = from.spec.workers;
  const after = new Map(to.spec.workers.map((pool) => [pool.name, pool]));
  const lost = former.map(({ name, replicas }) =>
    Math.max(0, replicas - (after.get(name)?.replicas ?? 0)),
  );
  const removed = lost.reduce((sum, nodes) => sum + nodes, 0);
  if (removed <= 3 || removed <= 0.3 * nodesOf(from).length) return undefined;
  const before = new Map(former.map(({ name, replicas }) => [name, replicas]));
  const workers = [
    ...to.spec.workers.map((pool) => ({
      ...pool,
      replicas: Math.max(pool.replicas, before.get(pool.name) ?? 0),
    })),
    ...former.filter(({ name }) => !after.has(name)),
  ];
  return { ...to, spec: { ...to.spec, workers } };
}

/** Of a cluster that is not paused: what is otherwise than the spec says, in words. */
export function differences(world: World, cluster: BenchCluster): string[] {
  const faults = unlike(world, [cluster]);
  if (faults.length > 0) return faults;
  const isHead = (pool: object) => pool === cluster.spec.controlPlane;
  const machines = nodesOf(cluster).map(({ name, pool }) => ({
    isHead: isHead(pool),
    faults: machineFaults(world, cluster, pool, world.domain(name)),
  }));
  const head = machines.find((machine) => machine.isHead)?.faults ?? [];
  const told = world.condition(cluster.metadata.name, 'UpToDate')?.reason;
  const expected = head.length === 0 ? 'UpToDate' : 'HeadOutdated';
  return [
    ...machines.flatMap((machine) => (machine.isHead ? [] : machine.faults)),
    ...(told === expected
      ? []
      : [`UpToDate says ${told}, and the head: ${head.join() || 'as new'}`]),
    ...configurationFaults(world, cluster),
  ];
}

interface Machine {
  cpus: number;
  memory: string;
  disk: string;
  image?: string | undefined;
}

function machineFaults(
  world: World,
  { spec }: BenchCluster,
  machine: Machine,
  domain: SimDomain | undefined,
): string[] {
  if (domain === undefined) return ['is not there'];
  const name = machine.image ?? spec.image;
  const image = images.find(({ metadata }) => metadata.name === name)?.spec;
  const [disk = '', ...boot] = domain.files.map((file) => file.slice(poolPath.length + 1));
  const volume = world.hypervisor.volumes.get(disk);
  const { kernel, initrd } = image?.boot ?? {};
  const pairs: [what: string, is: unknown, wanted: unknown][] = [
    ['cpus', domain.cpus, machine.cpus],
    ['memory', domain.memoryBytes, bytes(machine.memory)],
    ['disk', volume?.capacityBytes, bytes(machine.disk)],
    ['image', volume?.backingVolume, imageVolume(name, image?.source.sha256 ?? '')],
    ['kernel', boot[0], kernel && imageVolume(name, kernel.sha256, 'vmlinuz')],
    ['initrd', boot[1], initrd && imageVolume(name, initrd.sha256, 'initrd')],
    ['network', domain.network, spec.network.name],
    [
      'keys',
      domain.authorizedKeys.join(),
      [identity.controllerKey, ...spec.access.authorizedKeys].join(),
    ],
  ];
  return pairs
    .filter(([, is, wanted]) => is !== wanted)
    .map(([what, is, wanted]) => `${domain.name} has ${what} ${is} and not ${wanted}`);
}

/** The file on the head is the one that slurmctld runs with, and has what the spec asks for. */
function configurationFaults(world: World, { metadata, spec }: BenchCluster): string[] {
  const conf = configurationOf(world, metadata.name);
  const guest = world.guests.guest(`${metadata.name}-head-0`);
  const daemon = guest && world.slurm.machine(guest).services.slurmctld.slurmctld;
  const lines = conf.split('\n');
  const sets = lines.flatMap((line) => /^NodeSet=pool-(\S+)/.exec(line)?.[1] ?? []);
  const pools = spec.workers.map(({ name }) => name);
  return [
    ...(daemon?.confText === conf ? [] : ['slurmctld runs with another slurm.conf']),
    ...Object.entries(spec.scheduler.slurm.config)
      .filter(([key, value]) => !lines.includes(`${key}=${value}`))
      .map(([key, value]) => `slurm.conf has no ${key}=${value}`),
    ...(sets.toSorted().join() === pools.toSorted().join() ? [] : [`slurm.conf has pools ${sets}`]),
  ];
}

export function configurationOf(world: World, cluster: string): string {
  return world.guests.guest(`${cluster}-head-0`)?.disk.get('/etc/slurm/slurm.conf') ?? '';
}

/** What the conditions are to say of the manifest. */
export type Told = 'in force' | 'refused' | 'held';

export function untold(world: World, cluster: BenchCluster, told: Told): string[] {
  const { name } = cluster.metadata;
  const wanted: Record<string, string> = {
    SourceValid: told === 'refused' ? 'InvalidManifest' : 'Valid',
    Stalled: { 'in force': 'NotStalled', refused: 'InvalidManifest', held: 'DeletionHeld' }[told],
    Reconciling: isPaused(cluster) ? 'Paused' : 'AtRest',
  };
  const refusal =
    /: cannot be changed once the cluster exists \(.*the last good spec stays in force/;
  const { message = '' } = world.condition(name, 'SourceValid') ?? {};
  return [
    ...Object.entries(wanted)
      .filter(([type, reason]) => world.condition(name, type)?.reason !== reason)
      .map(([type, reason]) => `${type} is not ${reason}: ${world.condition(name, type)?.message}`),
    ...(told !== 'refused' || refusal.test(message) ? [] : [`SourceValid says: ${message}`]),
  ];
}
