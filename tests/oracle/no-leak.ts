/**
 * S13: a cluster's record goes when nothing of it is left, and the last thing to go of a node is
 * its domain, whose mark is the evidence of what is still to be done.
 */
import type { Asked, Checker } from './checker.ts';
import { partNamed, uidOfCluster } from './derived.ts';
import { imageVolumes } from './ordered.ts';
import { nodeAimedAt, targetOf } from './targets.ts';
import type { HostTruth } from './truth.ts';

export const noLeak: Checker = {
  id: 'S13',
  asked: (asked) => {
    const { effect, truth } = asked;
    if (effect.kind === 'undefine') return diskLeft(asked);
    if (effect.kind !== 'removeCluster') return [];
    return truth.hosts.flatMap((host) => leftOf(effect.cluster, host, asked.memory));
  },
};

function diskLeft({ effect, truth, memory }: Asked): string[] {
  const target = targetOf(effect, truth);
  const node = target && nodeAimedAt(effect, target, memory);
  if (target === undefined || node === undefined) return [];
  const { host } = target;
  const disk = host.volumes.find(
    ({ name }) =>
      memory.lineage.nodeOfDisk(name, [node.cluster])?.uuid === node.uuid &&
      memory.lineage.madeVolume(host, name) !== undefined,
  );
  return disk === undefined ? [] : [`asks to undefine ${node.name} while ${disk.name} is left`];
}

/** In words, what is there of a cluster, for its own sake or for nobody's. */
export function leftOf(cluster: string, host: HostTruth, memory: Asked['memory']): string[] {
  return [...ownLeftOf(cluster, host, memory), ...imagesLeftOf(cluster, host, memory)];
}

/** The same without images, which other installations may have begun to use. */
export function ownLeftOf(cluster: string, host: HostTruth, memory: Asked['memory']): string[] {
  const { lineage, ledger, installation } = memory;
  const uid = uidOfCluster(installation, cluster);
  const domains = host.domains
    .filter(({ owner }) => owner?.installation === installation && owner.node?.clusterUid === uid)
    .map(({ name }) => `domain ${name}`);
  const disks = host.volumes
    .filter(({ name }) => lineage.nodeOfDisk(name, [cluster]) !== undefined)
    .filter((volume) => lineage.isOurVolume(host, volume, [cluster]))
    .filter(({ name }) => !isUsed(host, name))
    .map(({ name }) => `volume ${name}`);
  const network = ledger.inForce(cluster)?.spec.network.name;
  const shared = othersOf(cluster, memory).some(
    (key) => ledger.inForce(key)?.spec.network.name === network,
  );
  const networks = host.networks
    .filter((item) => item.name === network && lineage.isOurNetwork(item) && !shared)
    .filter(({ name }) => !host.domains.some((domain) => domain.network === name))
    .map(({ name }) => `network ${name}`);
  const left = new Set([...domains, ...disks, ...networks]);
  return [...left].map((thing) => `${thing} is left of ${cluster}`);
}

function imagesLeftOf(cluster: string, host: HostTruth, memory: Asked['memory']): string[] {
  const { lineage, ledger, installation } = memory;
  const isOthersPart = (name: string, image: string) => {
    const part = partNamed(name);
    return part?.image === image && !installation.startsWith(part.by);
  };
  const wanted = new Set(
    othersOf(cluster, memory)
      .flatMap((key) => ledger.versions(key).flatMap(imageVolumes))
      .map(({ volume }) => volume),
  );
  const images = ledger
    .versions(cluster)
    .flatMap(imageVolumes)
    .filter(({ volume }) => !wanted.has(volume) && !isUsed(host, volume))
    .filter(({ volume }) => host.volumes.some(({ name }) => name === volume))
    // What another installation has put there, or is putting there, is about to be used by it.
    .filter(({ volume }) => !lineage.hasNeighbour || lineage.madeVolume(host, volume))
    .filter(({ volume }) => !host.volumes.some(({ name }) => isOthersPart(name, volume)))
    .map(({ volume }) => `image ${volume} is left of ${cluster}`);
  return [...new Set(images)];
}

function othersOf(cluster: string, { ledger }: Asked['memory']): string[] {
  return ledger.clusters().filter((key) => key !== cluster && !ledger.isOver(key));
}

/** By a domain, whosever, or by another volume: then it cannot be deleted. */
function isUsed({ domains, volumes, poolPath }: HostTruth, name: string): boolean {
  return (
    domains.some(({ files }) => files.includes(`${poolPath}/${name}`)) ||
    volumes.some(({ backingVolume }) => backingVolume === name)
  );
}
