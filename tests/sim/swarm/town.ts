/** What people have written in a simulated town: a few small clusters on one host. */
import type { BenchCluster } from '../../../src/crd/bench-cluster.ts';
import { type Choice, pick } from '../../../src/sim/choice.ts';
import { clusterOf, hostOf, imageOf } from '../../fakes/builders.ts';
import { imageVolume } from '../../oracle/ordered.ts';
import type { World } from '../world.ts';

export interface Written {
  name: string;
  replicas: number;
  image: 'debian' | 'other';
  memory: string;
  /** A parameter of slurm.conf that changes nothing else. */
  debug: string;
  timeout: '5m' | '20s';
  onTimeout: 'Wait' | 'Force';
  maxSurge: number;
  /** The number of its network. */
  network: number;
  notes: number;
}

export const poolName = 'compute';

/**
 * Most towns are small: most mistakes need little to show, and many small runs meet more of them
 * in the same time than few large ones.
 */
const sizes = { clusters: [1, 1, 1, 1, 2, 2, 3], replicas: [1, 1, 0, 2, 1, 2, 3] };

/** What a town has for itself, where there are two on one host. */
export interface Quarter {
  /** Names of clusters begin with it. */
  letter: string;
  networks: readonly number[];
  /** How many clusters it begins with. */
  clusters: readonly number[];
}

const whole: Quarter = { letter: 'c', networks: [0, 1], clusters: sizes.clusters };
/** Of a second installation. */
export const besideTown: Quarter = { letter: 'n', networks: [2], clusters: [1] };

export class Town {
  readonly clusters: Written[] = [];
  readonly #world: World;
  /** Digests of the two images change when they are built anew. */
  #builds = { debian: 'a', other: 'c' };
  #named = 0;
  readonly #quarter: Quarter;

  constructor(world: World, choice: Choice, quarter = whole) {
    this.#world = world;
    this.#quarter = quarter;
    world.source.put(hostOf());
    this.#putImages();
    const count = pick(choice, quarter.clusters, 'clusters');
    for (let made = 0; made < count; made += 1) this.add(choice);
  }

  /** A new cluster by chance. */
  add(choice: Choice): Written {
    const cluster: Written = {
      name: this.#nextName(),
      replicas: pick(choice, sizes.replicas, 'replicas'),
      image: pick(choice, ['debian', 'other'], 'image'),
      memory: '1Gi',
      debug: 'info',
      timeout: pick(choice, ['5m', '20s'], 'drain timeout'),
      onTimeout: pick(choice, ['Wait', 'Force'], 'on timeout'),
      maxSurge: choice.choose(2, 'surge'),
      network: pick(choice, this.#quarter.networks, 'network'),
      notes: 0,
    };
    this.clusters.push(cluster);
    this.write(cluster);
    return cluster;
  }

  write(cluster: Written, settled = true): void {
    this.#world.source.put(manifestOf(cluster), settled);
  }

  /** The file is gone. */
  remove(cluster: Written): void {
    this.clusters.splice(this.clusters.indexOf(cluster), 1);
    this.#world.source.remove(manifestOf(cluster));
  }

  /** It is written again as it was. */
  restore(cluster: Written): void {
    this.clusters.push(cluster);
    this.write(cluster);
  }

  /** Another name: what was under the old one is deleted. */
  rename(cluster: Written): string {
    this.remove(cluster);
    const name = this.#nextName();
    this.restore({ ...cluster, name });
    return name;
  }

  rebuildImage(name: 'debian' | 'other'): void {
    const next = { a: 'b', b: 'a', c: 'd', d: 'c' }[this.#builds[name]] ?? 'a';
    this.#builds = { ...this.#builds, [name]: next };
    this.#putImages();
  }

  /** All files are whole and say what is wanted. */
  rewrite(): void {
    this.#world.source.put(hostOf());
    this.#putImages();
    for (const cluster of this.clusters) this.write(cluster);
    // Last, because a source that is trusted while a file is still missing orders a deletion.
    this.#world.source.mend();
  }

  #nextName(): string {
    const name = `${this.#quarter.letter}${this.#named}`;
    this.#named += 1;
    return name;
  }

  #putImages(): void {
    this.#world.source.put(imageOf('debian', this.#builds.debian));
    this.#world.source.put(imageOf('other', this.#builds.other));
  }
}

export function manifestOf(written: Written): BenchCluster {
  const { name, replicas, image, memory, debug, maxSurge, network, notes } = written;
  const { timeout, onTimeout } = written;
  const cluster = clusterOf({
    name,
    replicas,
    pool: { memory, drain: { timeout, onTimeout }, rollout: { maxSurge } },
    spec: {
      image,
      scheduler: { slurm: { config: { SlurmctldDebug: debug } } },
      network: { name: `net${network}`, managed: { cidr: `192.168.${150 + network}.0/24` } },
    },
  });
  if (notes > 0) cluster.metadata.annotations = { 'example.org/note': String(notes) };
  return cluster;
}

export function nodesOf({ name, replicas }: Written): string[] {
  const workers = Array.from({ length: replicas }, (_, index) => `${name}-${poolName}-${index}`);
  return [`${name}-head-0`, ...workers];
}

/** An image that no record has is for a person to prune, also below a disk that shows up later. */
export function imagesOnRecord({ state }: World): Set<string> {
  const volumes = state.names().flatMap((cluster) => {
    const { images = [], formerArtifacts = [] } = state.record(`default/${cluster}`) ?? {};
    const names = images.map(({ metadata, spec }) =>
      imageVolume(metadata.name, spec.source.sha256),
    );
    return [...names, ...formerArtifacts];
  });
  return new Set(volumes);
}
