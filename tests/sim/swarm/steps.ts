/** What people do in a town: one step at a time, by choice. Each tells what it was, in words. */
import { between, type Choice, pick } from '../../../src/sim/choice.ts';
import type { World } from '../world.ts';
import { nodesOf, type Town, type Written } from './town.ts';

export interface Scene {
  world: World;
  town: Town;
  choice: Choice;
  /** A line of the trace. */
  tell: (line: string) => void;
  /** What ends the accidents that are not over yet. */
  ends: Set<() => void>;
  /** Another installation on the same host, with people of its own. */
  neighbour?: Scene;
}

/** This one, and the one beside it. */
export function scenesOf(scene: Scene): Scene[] {
  return scene.neighbour ? [scene, scene.neighbour] : [scene];
}

type Step = (scene: Scene, cluster: Written) => string;

const maxClusters = 4;

/** The first one is the quiet one. */
const steps: Step[] = [
  () => 'nothing',
  ({ town, choice }, cluster) => {
    cluster.replicas = between(choice, 0, 3, 'new replicas');
    town.write(cluster);
    return `${cluster.name}: ${cluster.replicas} workers`;
  },
  ({ town }, cluster) => {
    cluster.image = cluster.image === 'debian' ? 'other' : 'debian';
    town.write(cluster);
    return `${cluster.name}: image ${cluster.image}`;
  },
  ({ town }, cluster) => {
    town.rebuildImage(cluster.image);
    return `image ${cluster.image} is built anew`;
  },
  ({ town }, cluster) => {
    cluster.memory = cluster.memory === '1Gi' ? '2Gi' : '1Gi';
    town.write(cluster);
    return `${cluster.name}: memory ${cluster.memory}`;
  },
  ({ town }, cluster) => {
    cluster.debug = cluster.debug === 'info' ? 'debug' : 'info';
    town.write(cluster);
    return `${cluster.name}: slurm.conf ${cluster.debug}`;
  },
  ({ town }, cluster) => {
    town.remove(cluster);
    return `${cluster.name} is deleted`;
  },
  ({ town, world, choice }, cluster) => {
    town.remove(cluster);
    const waitMs = pick(choice, [1_000, 10_000, 60_000, 200], 'gone for ms');
    world.clock.run(() => false, waitMs);
    town.restore(cluster);
    return `${cluster.name} is deleted and written again ${waitMs} ms later`;
  },
  ({ town }, cluster) => `${cluster.name} is renamed ${town.rename(cluster)}`,
  ({ town, choice }, cluster) => {
    if (town.clusters.length >= maxClusters) return `no room beside ${cluster.name}`;
    return `${town.add(choice).name} is written`;
  },
  ({ world, town }, cluster) => {
    town.remove(cluster);
    world.state.requestDeletion('default', cluster.name);
    return `benchctl delete ${cluster.name}`;
  },
  (scene, cluster) => {
    const { world, choice } = scene;
    const id = world.slurm.submit(cluster.name, between(choice, 1, 2, 'job on nodes'));
    if (id === undefined) return `${cluster.name} takes no job`;
    const ms = pick(choice, [5_000, 60_000, 400_000], 'job runs for ms');
    world.clock.after(ms, () => world.slurm.endJob(cluster.name, id));
    return `job ${id} of ${cluster.name} for ${ms / 1000} s`;
  },
  // What a removal is to wait for, on the very node that goes.
  ({ world, town, choice }, cluster) => {
    if (cluster.replicas === 0) return `${cluster.name} has no worker to lose`;
    const last = nodesOf(cluster).at(-1) ?? '';
    const id = world.slurm.submit(cluster.name, [last]);
    cluster.replicas -= 1;
    town.write(cluster);
    if (id === undefined) return `${cluster.name}: without ${last}`;
    const ms = pick(choice, [60_000, 5_000, 400_000], 'job runs for ms');
    world.clock.after(ms, () => world.slurm.endJob(cluster.name, id));
    return `${cluster.name}: without ${last}, which has job ${id} for ${ms / 1000} s`;
  },
  ({ world, choice }, cluster) => {
    const node = pick(choice, nodesOf(cluster), 'drained by hand');
    const done = world.slurm.drainByHand(cluster.name, node, 'fan is loud');
    return `a person ${done ? 'drains' : 'cannot drain'} ${node}`;
  },
  ({ world, choice }, cluster) => {
    const node = pick(choice, nodesOf(cluster), 'resumed by hand');
    world.slurm.resumeByHand(cluster.name, node);
    return `a person resumes ${node}`;
  },
  ({ world }) => {
    world.kill();
    return 'kill -9 of the controller';
  },
];

export function step(scene: Scene): string {
  const { town, choice } = scene;
  const next = pick(choice, steps, 'step');
  const cluster =
    town.clusters[town.clusters.length > 1 ? choice.choose(town.clusters.length, 'cluster') : 0];
  if (cluster !== undefined) return next(scene, cluster);
  return `${town.add(choice).name} is written`;
}
