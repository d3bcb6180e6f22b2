/** Worlds that tests begin with. */
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { clusterOf, hostOf, imageOf } from '../fakes/builders.ts';
import { World } from './world.ts';

/** A world whose source has a host, an image and these clusters; nothing runs yet. */
export function writtenWorld(...clusters: BenchCluster[]): World {
  const world = new World();
  world.source.put(hostOf());
  world.source.put(imageOf());
  for (const cluster of clusters.length > 0 ? clusters : [clusterOf()]) world.source.put(cluster);
  return world;
}

/** The same, run until all clusters are ready. */
export async function readyWorld(...clusters: BenchCluster[]): Promise<World> {
  const world = writtenWorld(...clusters);
  await world.start();
  for (const { metadata } of clusters.length > 0 ? clusters : [clusterOf()]) {
    await world.untilReady(metadata.name);
  }
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
