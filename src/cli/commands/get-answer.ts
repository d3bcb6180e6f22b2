/** What `get` was asked for → the objects, as values and as a table. */
import { artifactVolumes } from '../../controllers/bench-cluster/desired.ts';
import type { BenchImage } from '../../crd/bench-image.ts';
import type { Manifest } from '../../crd/manifest.ts';
import { hostsOf, imagesOf, qualifiedName } from '../../crd/references.ts';
import { oneLine } from '../../lib/printable.ts';
import type { CliContext } from '../context.ts';
import { hostsInUse, isReached, lookAtHosts, type SeenHost, withHosts } from '../hosts/look.ts';
import { type Kind, kindOf } from '../kind.ts';
import { type PrintedObject, printedCluster, printedManifest, printedNode } from '../output.ts';
import {
  clusterTable,
  hostTable,
  imageTable,
  type KnownImage,
  nodeTable,
  type ObjectTable,
  type ViewOptions,
} from '../view/object-tables.ts';
import { nodesOf, type World } from '../world.ts';

export interface Query {
  kind: Kind;
  name?: string;
  namespace?: string;
  cluster?: string;
  /** Names alone are to be had without asking any host. */
  namesOnly: boolean;
}

/** The answer, ready for either kind of output. */
export interface Answer {
  objects: PrintedObject[];
  table(options: ViewOptions): ObjectTable;
  /** Hosts that were looked at for it. */
  seen: SeenHost[];
}

export async function answerOf(context: CliContext, world: World, query: Query): Promise<Answer> {
  const wanted = (item: { namespace: string; name: string }) =>
    (query.namespace === undefined || item.namespace === query.namespace) &&
    (query.name === undefined || item.name === query.name);
  if (query.kind === 'cluster') {
    const clusters = (await world.clusters()).filter(wanted);
    const table = (options: ViewOptions) => clusterTable(clusters, options);
    return { objects: clusters.map(printedCluster), table, seen: [] };
  }
  if (query.kind === 'node') {
    const nodes = (await world.clusters())
      .flatMap(nodesOf)
      .filter((node) => wanted({ namespace: node.namespace, name: node.status.name }))
      .filter((node) => query.cluster === undefined || node.cluster === query.cluster);
    const table = (options: ViewOptions) => nodeTable(nodes, options);
    return { objects: nodes.map(printedNode), table, seen: [] };
  }
  const manifests = world
    .snapshot()
    .manifests.filter((item) => kindOf(item) === query.kind && wanted(item.object.metadata))
    .sort((a, b) => (a.object.metadata.name < b.object.metadata.name ? -1 : 1));
  const look = !query.namesOnly && manifests.length > 0;
  return query.kind === 'host'
    ? hostAnswer(context, manifests, look)
    : imageAnswer(context, world, manifests, look);
}

async function hostAnswer(
  context: CliContext,
  manifests: readonly Manifest[],
  look: boolean,
): Promise<Answer> {
  const seen = look
    ? await withHosts(context, (access) => lookAtHosts(access, hostsOf(manifests), context))
    : [];
  const objects = manifests.map((manifest, index) => {
    const its = seen[index];
    return { ...printedManifest(manifest), ...(its && { status: hostStatus(its) }) };
  });
  return { objects, table: (options) => hostTable(seen, options), seen };
}

/** What a script wants to know of a host, and no listing of everything on it. */
function hostStatus(seen: SeenHost) {
  if (!isReached(seen)) return { reachable: false, message: oneLine(seen.error) };
  const { hostname, libvirtVersion, domainTypes, cpus, memoryBytes, pool } = seen.inventory;
  const { name, path, active, availableBytes } = pool;
  return {
    reachable: true,
    ...{ hostname, libvirtVersion, domainTypes, cpus, memoryBytes },
    pool: { name, path, active, availableBytes },
  };
}

async function imageAnswer(
  context: CliContext,
  world: World,
  manifests: readonly Manifest[],
  look: boolean,
): Promise<Answer> {
  const records = (await world.state.clusters()).map(({ record }) => record);
  const hosts = hostsInUse(world.snapshot().manifests, records);
  const seen = look
    ? await withHosts(context, (access) => lookAtHosts(access, hosts, context))
    : [];
  const images = imagesOf(manifests).map((image) => ({ image, hosts: hostsWith(image, seen) }));
  const objects = manifests.map((manifest, index) => ({
    ...printedManifest(manifest),
    ...(look && { status: imageStatus(images[index], seen) }),
  }));
  return { objects, table: (options) => imageTable(images, options), seen };
}

function imageStatus(image: KnownImage | undefined, seen: readonly SeenHost[]) {
  const unreached = seen.filter((item) => !isReached(item));
  return {
    hosts: image?.hosts ?? [],
    unreachableHosts: unreached.map(({ host }) => qualifiedName(host.metadata)),
  };
}

/** Hosts whose pools have all of its files, whole. */
function hostsWith(image: BenchImage, seen: readonly SeenHost[]): string[] {
  const needed = artifactVolumes([image]);
  return seen.filter(isReached).flatMap(({ host, inventory }) => {
    const present = new Set(inventory.pool.volumes.map(({ name }) => name));
    return needed.every((name) => present.has(name)) ? [qualifiedName(host.metadata)] : [];
  });
}
