/**
 * The images and the host that a cluster refers to, or what keeps them from being known. What was
 * in force and is gone stays in force from the record. Pure.
 */
import type { BenchCluster } from '../../crd/bench-cluster.ts';
import type { BenchHost } from '../../crd/bench-host.ts';
import type { BenchImage } from '../../crd/bench-image.ts';
import type { Manifest } from '../../crd/manifest.ts';
import {
  hostsFor,
  hostsOf,
  imagesOf,
  meant,
  qualifiedName,
  searchedNamespaces,
} from '../../crd/references.ts';
import { digestOf } from '../../lib/hash.ts';
import type { ClusterRecord, SourceSnapshot } from '../ports.ts';

/** The host that is used when no BenchHost is written: this machine. */
export const defaultHost: BenchHost = {
  apiVersion: 'benchcluster.io/v1alpha1',
  kind: 'BenchHost',
  metadata: { name: 'local', namespace: 'default' },
  spec: { uri: 'qemu:///system', pool: 'default' },
};

export interface Problem {
  path: string;
  message: string;
  hint?: string;
}

/** `settled`: all that it refers to was read twice, with time between. */
export function references(
  snapshot: SourceSnapshot,
  cluster: BenchCluster,
  record: ClusterRecord | undefined,
): { images: BenchImage[]; host?: BenchHost; problems: Problem[]; settled: boolean } {
  const problems: Problem[] = [];
  const { spec } = cluster;
  const wanted = new Map<string, string>([[spec.image, 'spec.image']]);
  if (spec.controlPlane.image) wanted.set(spec.controlPlane.image, 'spec.controlPlane.image');
  spec.workers.forEach(({ image }, index) => {
    if (image) wanted.set(image, `spec.workers[${index}].image`);
  });
  const images = [...wanted].flatMap(([name, path]) => {
    const image = imageOf(snapshot, cluster, record, name);
    if ('metadata' in image) return [image];
    problems.push({ path, ...image });
    return [];
  });
  const host = hostOf(snapshot, cluster, record, problems);
  const used = new Set<Manifest['object'] | undefined>([...images, host]);
  const settled = snapshot.manifests.every(({ object, origin }) =>
    used.has(object) ? origin.settled : true,
  );
  // That nobody wrote a host is absence, which only a source that is read as a whole proves.
  const isProven = host !== defaultHost || snapshot.trusted || record !== undefined;
  return { images, ...(host && { host }), problems, settled: settled && isProven };
}

function imageOf(
  { manifests }: SourceSnapshot,
  { metadata: { namespace } }: BenchCluster,
  record: ClusterRecord | undefined,
  name: string,
): BenchImage | Omit<Problem, 'path'> {
  const found = meant(imagesOf(manifests), namespace, name);
  const before = record?.images.find(({ metadata }) => metadata.name === name);
  if (found === undefined && before) return before;
  if (found === undefined) {
    const build = `benchctl image build ${name}, then benchctl apply -f what it wrote`;
    return doesNotExist('BenchImage', name, namespace, imagesOf(manifests), build);
  }
  // Were its namesake taken instead, every node would be made anew because a file is gone.
  const strays = before?.metadata.namespace === namespace && found.metadata.namespace !== namespace;
  if (!strays || digestOf(found.spec) === digestOf(before.spec)) return found;
  return {
    message: `BenchImage ${name} of namespace ${namespace} is gone, and that of namespace ${found.metadata.namespace} is another one`,
    hint: `write the image that is meant into namespace ${namespace}, or give it another name`,
  };
}

function hostOf(
  { manifests }: SourceSnapshot,
  cluster: BenchCluster,
  record: ClusterRecord | undefined,
  problems: Problem[],
): BenchHost | undefined {
  const hosts = hostsOf(manifests);
  const { namespace } = cluster.metadata;
  const path = 'spec.placement.hosts';
  const before = record?.host.metadata;
  const name = cluster.spec.placement?.hosts[0] ?? before?.name;
  if (name !== undefined) {
    // The VMs are where they are: no namesake moves a cluster.
    const host =
      before?.name === name
        ? (hosts.find(({ metadata }) => qualifiedName(metadata) === qualifiedName(before)) ??
          record?.host)
        : meant(hosts, namespace, name);
    if (host) return host;
    problems.push({ path, ...doesNotExist('BenchHost', name, namespace, hosts) });
    return undefined;
  }
  const [only, ...more] = hostsFor(hosts, namespace);
  if (more.length === 0 && (only || hosts.length === 0)) return only ?? defaultHost;
  const names = [only, ...more].flatMap((host) => host?.metadata.name ?? []);
  problems.push(
    only
      ? { path, message: 'there are several hosts', hint: `name one of ${names.join(', ')}` }
      : { path, ...elsewhere('no BenchHost is', namespace, hosts) },
  );
  return undefined;
}

function doesNotExist(
  kind: 'BenchImage' | 'BenchHost',
  name: string,
  namespace: string,
  all: readonly (BenchImage | BenchHost)[],
  hint?: string,
): Omit<Problem, 'path'> {
  const namesakes = all.filter(({ metadata }) => metadata.name === name);
  if (namesakes.length > 0) return elsewhere(`${kind} ${name} is not`, namespace, namesakes);
  return { message: `${kind} ${name} does not exist`, ...(hint !== undefined && { hint }) };
}

/** What is in another namespace is not meant, but probably was. */
function elsewhere(
  whatIs: string,
  namespace: string,
  found: readonly (BenchImage | BenchHost)[],
): Omit<Problem, 'path'> {
  const searched = searchedNamespaces(namespace).join(' or ');
  const places = [...new Set(found.map(({ metadata }) => metadata.namespace))].join(', ');
  return {
    message: `${whatIs} in namespace ${searched}; there is one in ${places}`,
    hint: `write it into namespace ${searched}`,
  };
}
