/** What the source orders of a cluster at one time, and how two such orders differ. */
import { milliseconds } from './derived.ts';

export interface PoolSpec {
  name: string;
  replicas: number;
  cpus: number;
  memory: string;
  disk: string;
  image?: string;
  drain: { timeout: string; onTimeout: string };
  rollout: { maxUnavailable: number; maxSurge?: number };
}

export interface ClusterSpec {
  image: string;
  network: { name: string; managed?: unknown };
  controlPlane: { replicas: number; cpus: number; memory: string; disk: string; image?: string };
  workers: PoolSpec[];
  access: { authorizedKeys: string[] };
  scheduler: unknown;
  placement?: { hosts: string[] };
  paused: boolean;
}

export interface ImageSpec {
  source: { sha256: string };
  boot?: { kernel: { sha256: string }; initrd?: { sha256: string }; cmdline: string };
}

/** What the controller has on record of a cluster, as far as it matters here. */
export interface StoredCluster {
  cluster?: { spec: Pick<ClusterSpec, 'workers'> };
  deletionTimestamp?: string;
  images?: { metadata: { name: string }; spec: ImageSpec }[];
}

/** One state of a cluster that the source ordered. */
export interface Version {
  /** `namespace/name`. */
  cluster: string;
  /** From when the source said so. */
  from: number;
  spec: ClusterSpec;
  /** By image name. */
  images: ReadonlyMap<string, ImageSpec>;
  hosts: ReadonlyMap<string, unknown>;
  deleting: boolean;
}

/** The images that the machines of a spec are made from. */
export function imagesOf(spec: ClusterSpec): Set<string> {
  const machines = [spec.controlPlane, ...spec.workers];
  return new Set([spec.image, ...machines.map(({ image }) => image ?? spec.image)]);
}

export function poolOf(version: Version, pool: string): PoolSpec | undefined {
  return version.spec.workers.find(({ name }) => name === pool);
}

export function drainTimeoutMs(pool: PoolSpec): number {
  return milliseconds(pool.drain.timeout);
}

export function sameOrder(a: Version, b: Version): boolean {
  return (
    JSON.stringify(a.spec) === JSON.stringify(b.spec) &&
    JSON.stringify([...a.images]) === JSON.stringify([...b.images]) &&
    JSON.stringify([...a.hosts]) === JSON.stringify([...b.hosts])
  );
}

/** What no edit may change while the cluster exists. */
export function isForbidden(from: ClusterSpec, to: ClusterSpec): boolean {
  const fixed = ({ network, placement, scheduler, controlPlane }: ClusterSpec) =>
    JSON.stringify([network, placement ?? null, schedulerKind(scheduler), controlPlane.replicas]);
  return fixed(from) !== fixed(to);
}

function schedulerKind(scheduler: unknown): string {
  return Object.keys(scheduler as object).join();
}

/** More replicas and new pools, and nothing else. */
export function grows(from: Version, to: Version): boolean {
  const before = new Map(from.spec.workers.map((pool) => [pool.name, pool]));
  const kept = to.spec.workers.filter(({ name }) => before.has(name));
  if (kept.length < before.size) return false;
  if (kept.some(({ name, replicas }) => replicas < (before.get(name)?.replicas ?? 0))) return false;
  const rest = ({ spec, images, hosts }: Version) =>
    JSON.stringify([
      { ...spec, workers: spec.workers.filter(({ name }) => before.has(name)).map(sizeless) },
      [...images],
      [...hosts],
    ]);
  return rest(from) === rest(to);
}

/** However many of them there are: a record may keep nodes that an edit is not to take away yet. */
export function hasSameMachines(a: Pick<ClusterSpec, 'workers'>, b?: Pick<ClusterSpec, 'workers'>) {
  return JSON.stringify(a.workers.map(sizeless)) === JSON.stringify(b?.workers.map(sizeless));
}

function sizeless(pool: PoolSpec): unknown {
  return { ...pool, replicas: 0 };
}
