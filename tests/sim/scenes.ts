/** Worlds that tests begin with. */
import type { HostInventory } from '../../src/controllers/ports.ts';
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { clusterOf, hostOf, imageOf } from '../fakes/builders.ts';
import { World } from './world.ts';

/** A world whose source has a host, an image and these clusters; nothing runs yet. */
export function writtenWorld(...clusters: BenchCluster[]): World {
  return writtenIn(new World(), clusters);
}

/** The same, run until all clusters are ready. */
export async function readyWorld(...clusters: BenchCluster[]): Promise<World> {
  return readyIn(new World(), ...clusters);
}

/** The same in a world that is not as most are. */
export async function readyIn(world: World, ...clusters: BenchCluster[]): Promise<World> {
  writtenIn(world, clusters);
  await world.start();
  for (const { metadata } of clusters.length > 0 ? clusters : [clusterOf()]) {
    await world.untilReady(metadata.name);
  }
  return world;
}

/** Another installation on the host of that world. */
export function writtenBeside(beside: World, ...clusters: BenchCluster[]): World {
  return writtenIn(new World({ beside }), clusters);
}

function writtenIn(world: World, clusters: readonly BenchCluster[]): World {
  world.source.put(hostOf());
  world.source.put(imageOf());
  for (const cluster of clusters.length > 0 ? clusters : [clusterOf()]) world.source.put(cluster);
  return world;
}

/** A world in which the process dies once: right after the first effect that `kills`. */
export function deadly(kills: (effect: string) => boolean): World {
  const world: World = new World({
    dies: (effect) => (world.crashes === 0 && kills(effect) ? 'after' : undefined),
  });
  return world;
}

/** A job of a person on that node of alpha, once it runs there; gives its id. */
export async function runJob(world: World, node: string): Promise<string> {
  const id = world.slurm.submit('alpha', [node]);
  if (id === undefined) throw new Error(`slurmctld takes no job for ${node}`);
  await world.until(`job ${id} runs on ${node}`, () => world.slurm.running(node).includes(id));
  return id;
}

/** A person pauses the machine of a node; nobody is told, so the next look is the first to see it. */
export function pause(world: World, node: string): void {
  Object.assign(world.domain(node) ?? {}, { state: 'paused', reason: 'user' });
}

/**
 * Deletes alpha while its head is off, so that its disk is the first thing that goes, and waits
 * until it has; gives what tells whether there is one.
 */
export async function deleteDiskOfHead(world: World): Promise<() => boolean> {
  const head = world.domain('alpha-head-0');
  // Nobody is told, so the first look at it is that of the deletion.
  if (head) world.hypervisor.powerOff(head, 'destroyed');
  world.source.remove(clusterOf());
  const { volumes } = world.hypervisor;
  const hasDisk = () => [...volumes.keys()].some((name) => name.startsWith('alpha-head-0'));
  await world.until('its disk is gone', () => !hasDisk());
  return hasDisk;
}

/** What a listing of before is like, by that of now. */
export type Before = (listing: HostInventory) => HostInventory;

/** Whoever asks within a quarter of a second is given the same listing of before, as by the driver. */
export function listBefore({ hypervisor: { faults }, clock }: World, before: Before): void {
  let old: HostInventory | undefined;
  faults.mishap = (call) => {
    if (call !== 'inventory') return undefined;
    return {
      answer: (truth) => {
        old ??= before(truth as HostInventory);
        return old;
      },
    };
  };
  clock.after(240, () => {
    faults.mishap = undefined;
  });
}

/** Of before those machines were started. */
export function beforeStart(isOff: (name: string) => boolean): Before {
  return ({ domains, pool, ...rest }) => ({
    ...rest,
    pool: { ...pool },
    domains: domains.map((each) =>
      isOff(each.name) ? { ...each, state: 'shutoff', reason: 'unknown', id: -1 } : each,
    ),
  });
}
