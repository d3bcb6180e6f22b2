/** The worlds that nets live in. */
import type { BenchCluster } from '../../../src/crd/bench-cluster.ts';
import { clusterOf } from '../../fakes/builders.ts';
import { writtenWorld } from '../scenes.ts';
import { World } from '../world.ts';

/** By what happens in each. */
export type Nets = Record<string, () => Promise<void>>;

/** The worlds so far, to be judged also when a life in them came to no good end. */
export const worlds: World[] = [];

export function written(...clusters: BenchCluster[]): World {
  const world = writtenWorld(...clusters);
  worlds.push(world);
  return world;
}

/** A world with manifests in files, in which nothing is left to chance. */
export function inFiles(): World {
  const world = new World({ choice: { choose: () => 0 }, inFiles: true });
  worlds.push(world);
  return world;
}

export async function ready(...clusters: BenchCluster[]): Promise<World> {
  const world = written(...clusters);
  await world.start();
  for (const { metadata } of clusters.length > 0 ? clusters : [clusterOf()]) {
    const { namespace, name } = metadata;
    const isReady = () =>
      world
        .status(name, namespace)
        ?.conditions.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    await world.until(`${name} is ready`, isReady);
  }
  return world;
}
