/**
 * ClusterRecord → DesiredCluster: what should exist, in the terms of libvirt, with every name,
 * UUID and MAC derived, so that a repeat after a crash meets what it made before. Pure.
 */
import type { BenchClusterSpec, WorkerPool } from '../../crd/bench-cluster.ts';
import type { BenchImage, ImageFile } from '../../crd/bench-image.ts';
import { type Pause, pausesOf } from '../../crd/pause.ts';
import { bytesOf, millisecondsOf } from '../../crd/quantity.ts';
import { qualifiedName } from '../../crd/references.ts';
import { digestOf, macOf, uuid5 } from '../../lib/hash.ts';
import type { Artifact, ClusterRecord, OwnerMark } from '../ports.ts';

export interface DesiredImage {
  name: string;
  disk: Artifact;
  kernel?: Artifact;
  initrd?: Artifact;
  cmdline: string;
  user: string;
}

export interface DesiredNode {
  name: string;
  role: 'controlPlane' | 'worker';
  pool: string;
  index: number;
  uuid: string;
  mac: string;
  /** Volume of the root disk. Part of the UUID is in the name, so that no other tool's matches. */
  volume: string;
  cpus: number;
  memoryBytes: number;
  diskBytes: number;
  image: DesiredImage;
  /** Digest of all that needs a new VM when it changes. */
  specHash: string;
}

export interface DesiredPool {
  name: string;
  role: 'controlPlane' | 'worker';
  replicas: number;
  maxUnavailable: number;
  maxSurge: number;
  drain: { timeoutMs: number; onTimeout: 'Wait' | 'Force' };
}

export interface DesiredCluster {
  installation: string;
  namespace: string;
  name: string;
  uid: string;
  generation: number;
  deleting: boolean;
  /** By what; absent: it is not. */
  paused?: Pause[];
  host: string;
  /** Of the BenchHost; absent: what the host offers best. */
  domainType?: 'kvm' | 'qemu';
  network: { name: string; uuid: string; managed?: { cidr: string; forward: 'none' | 'nat' } };
  authorizedKeys: string[];
  pools: DesiredPool[];
  nodes: DesiredNode[];
  /** Nodes that may stand in while a pool is changed; `rollout.ts` says which of them do. */
  surge: DesiredNode[];
  /** Volumes of all images that it refers to or did earlier, also while it is being deleted. */
  artifacts: string[];
  /** Name of the scheduler's module and the user's settings for it. */
  scheduler: { name: string; config: unknown };
}

export interface Identity {
  installation: string;
  /** Public key with which the controller itself logs in to guests. */
  controllerKey: string;
}

/** Name of the head's pool in node names: `<cluster>-head-0`. */
export const controlPlanePool = 'head';

/** UID of a cluster that comes from a file: derived, so that a lost record finds its VMs again. */
export function clusterUid(installation: string, namespace: string, name: string): string {
  return uuid5(installation, `cluster/${namespace}/${name}`);
}

export function nodeUuid(clusterUid: string, nodeName: string): string {
  return uuid5(clusterUid, `node/${nodeName}`);
}

/** Networks are shared by the clusters of one installation, so the cluster is not in it. */
export function networkUuid(installation: string, name: string): string {
  return uuid5(installation, `network/${name}`);
}

export function nodeVolume(nodeName: string, uuid: string): string {
  return `${nodeName}-${uuid.slice(0, 8)}.qcow2`;
}

export function artifactVolume(
  image: string,
  sha256: string,
  kind: 'qcow2' | 'vmlinuz' | 'initrd',
) {
  return `${image}-${sha256.slice(0, 12)}.${kind}`;
}

/** Fails with ReferenceError naming the missing image; the caller reports it as a condition. */
export function desiredCluster(record: ClusterRecord, identity: Identity): DesiredCluster {
  const { metadata, spec } = record.cluster;
  const uid = clusterUid(identity.installation, metadata.namespace, metadata.name);
  const images = new Map(record.images.map((image) => [image.metadata.name, desiredImage(image)]));
  const access = [identity.controllerKey, ...spec.access.authorizedKeys];
  const context = { cluster: metadata.name, uid, spec, images, access, record };
  const paused = pausesOf(record.cluster);
  const [schedulerName, config] = Object.entries(spec.scheduler)[0] ?? ['none', {}];
  return {
    installation: identity.installation,
    namespace: metadata.namespace,
    name: metadata.name,
    uid,
    generation: record.generation,
    deleting: record.deletionTimestamp !== undefined,
    ...(paused.length > 0 && { paused }),
    host: qualifiedName(record.host.metadata),
    ...(record.host.spec.domainType && { domainType: record.host.spec.domainType }),
    network: {
      name: spec.network.name,
      uuid: networkUuid(identity.installation, spec.network.name),
      ...(spec.network.managed && { managed: spec.network.managed }),
    },
    authorizedKeys: access,
    pools: desiredPools(spec),
    ...(record.deletionTimestamp !== undefined ? { nodes: [], surge: [] } : desiredNodes(context)),
    artifacts: [...artifactVolumes(record.images), ...(record.formerArtifacts ?? [])],
    scheduler: { name: schedulerName, config },
  };
}

function desiredPools(spec: BenchClusterSpec): DesiredPool[] {
  const head: DesiredPool = {
    name: controlPlanePool,
    role: 'controlPlane',
    replicas: spec.controlPlane.replicas,
    maxUnavailable: 1,
    maxSurge: 0,
    drain: { timeoutMs: 0, onTimeout: 'Wait' },
  };
  const workers = spec.workers.map(
    (pool): DesiredPool => ({
      name: pool.name,
      role: 'worker',
      replicas: pool.replicas,
      maxUnavailable: pool.rollout.maxUnavailable,
      maxSurge: pool.rollout.maxSurge,
      drain: {
        timeoutMs: millisecondsOf(pool.drain.timeout),
        onTimeout: pool.drain.onTimeout,
      },
    }),
  );
  return [head, ...workers];
}

interface NodeContext {
  cluster: string;
  uid: string;
  spec: BenchClusterSpec;
  images: Map<string, DesiredImage>;
  access: string[];
  record: ClusterRecord;
}

interface MachineSpec {
  cpus: number;
  memory: string;
  disk: string;
  image?: string | undefined;
}

function desiredNodes(context: NodeContext): { nodes: DesiredNode[]; surge: DesiredNode[] } {
  const { controlPlane, workers } = context.spec;
  const heads = indexes(0, controlPlane.replicas).map((index) =>
    desiredNode(context, controlPlanePool, 'controlPlane', index, controlPlane),
  );
  const ofPools = (from: (pool: WorkerPool) => number, count: (pool: WorkerPool) => number) =>
    workers.flatMap((pool) =>
      indexes(from(pool), count(pool)).map((index) =>
        desiredNode(context, pool.name, 'worker', index, pool),
      ),
    );
  return {
    nodes: [
      ...heads,
      ...ofPools(
        () => 0,
        ({ replicas }) => replicas,
      ),
    ],
    surge: ofPools(
      ({ replicas }) => replicas,
      ({ rollout }) => rollout.maxSurge,
    ),
  };
}

function indexes(from: number, count: number): number[] {
  return Array.from({ length: count }, (_, offset) => from + offset);
}

function desiredNode(
  context: NodeContext,
  pool: string,
  role: 'controlPlane' | 'worker',
  index: number,
  machine: MachineSpec,
): DesiredNode {
  const name = `${context.cluster}-${pool}-${index}`;
  const uuid = nodeUuid(context.uid, name);
  const imageName = machine.image ?? context.spec.image;
  const image = context.images.get(imageName);
  if (image === undefined) throw new ReferenceError(`BenchImage ${imageName} does not exist`);
  const sizes = {
    cpus: machine.cpus,
    memoryBytes: bytesOf(machine.memory),
    diskBytes: bytesOf(machine.disk),
  };
  // What is new in it must be undefined where machines are as before, or an upgrade replaces them.
  const hashed = {
    ...sizes,
    image: [image.disk, image.kernel, image.initrd].map((artifact) => artifact?.sha256 ?? ''),
    cmdline: image.cmdline,
    access: context.access,
    network: context.spec.network.name,
    domainType: context.record.host.spec.domainType ?? '',
  };
  return {
    name,
    role,
    pool,
    index,
    uuid,
    mac: macOf(uuid),
    volume: nodeVolume(name, uuid),
    ...sizes,
    image,
    specHash: digestOf(hashed).slice(0, 16),
  };
}

function desiredImage(image: BenchImage): DesiredImage {
  const { name } = image.metadata;
  const { source, boot } = image.spec;
  const artifact = (file: ImageFile, kind: 'qcow2' | 'vmlinuz' | 'initrd'): Artifact => ({
    volume: artifactVolume(name, file.sha256, kind),
    sourcePath: file.path,
    sha256: file.sha256,
  });
  return {
    name,
    disk: artifact(source, 'qcow2'),
    ...(boot && { kernel: artifact(boot.kernel, 'vmlinuz') }),
    ...(boot?.initrd && { initrd: artifact(boot.initrd, 'initrd') }),
    cmdline: boot?.cmdline ?? '',
    user: image.spec.user,
  };
}

/** The files of an image, each a volume of its own in the pool. */
export function artifactsOf(image: DesiredImage): Artifact[] {
  return [image.disk, image.kernel, image.initrd].filter((artifact) => artifact !== undefined);
}

/** Names of all volumes that these images are. */
export function artifactVolumes(images: BenchImage[]): string[] {
  return images.flatMap((image) => artifactsOf(desiredImage(image))).map(({ volume }) => volume);
}

/** The mark that a domain of this node carries. */
export function ownerMark(cluster: DesiredCluster, node: DesiredNode): OwnerMark {
  return {
    installation: cluster.installation,
    node: {
      clusterUid: cluster.uid,
      namespace: cluster.namespace,
      cluster: cluster.name,
      pool: node.pool,
      index: node.index,
      specHash: node.specHash,
      image: `${node.image.name}@${node.image.disk.sha256.slice(0, 12)}`,
    },
  };
}
