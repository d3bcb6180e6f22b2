/**
 * S1: only what is proven ours is written to. A domain by name, UUID and mark; a volume by having
 * been made by an effect, or by derived name and content; and never what others use. Nothing but
 * the target of an effect changes by it.
 */
import type { Asked, Checker, Done } from './checker.ts';
import { partNamed, partOfImage } from './derived.ts';
import { isSame } from './is-same.ts';
import { nodeOf } from './lineage.ts';
import type { Memory } from './memory.ts';
import { imageVolumes } from './ordered.ts';
import { isChange, targetOf } from './targets.ts';
import type { DomainTruth, HostTruth, VolumeTruth } from './truth.ts';

/** What others did so lately may not have been seen when the effect was planned; milliseconds. */
const unseenMs = 5000;

export const ownership: Checker = {
  id: 'S1',
  asked: (asked) => [...foreignDomain(asked), ...foreignVolume(asked), ...foreignNetwork(asked)],
  done: ({ effect, before, after, memory }) => {
    if (!('host' in effect)) return [];
    const was = targetOf(effect, before);
    const messages = changedBesides({ effect, before, after, memory });
    if (was?.domain && isChange(effect) && !memory.lineage.isOurs(was.domain)) {
      messages.push(`${effect.kind} changed ${was.domain.name}, which is not ours`);
    }
    if (was?.volume && !isOurVolume(was.host, was.volume, memory)) {
      messages.push(`volume ${was.volume.name} was deleted and is not ours`);
    }
    return messages;
  },
};

function foreignDomain({ effect, truth, memory }: Asked): string[] {
  const target = targetOf(effect, truth);
  if (!isChange(effect) || target?.domain === undefined) return [];
  const { host, domain } = target;
  if (memory.lineage.isOurs(domain)) return [];
  if (memory.lineage.foreignFor(host, domain.uuid, truth.now) <= unseenMs) return [];
  // By a listing of before it is ours still; the host refuses.
  const isMisled = truth.now - memory.misledAt <= unseenMs;
  if (isMisled && memory.lineage.made(host, domain.uuid)) return [];
  return [`asks to ${effect.kind} ${domain.name} (${domain.uuid}), which is not ours`];
}

function foreignVolume({ effect, truth, memory }: Asked): string[] {
  const target = targetOf(effect, truth);
  if (effect.kind !== 'deleteVolume' || target?.volume === undefined) return [];
  const { host, volume } = target;
  const { lineage } = memory;
  const known = (thing: string) => lineage.seenFor(host, thing, truth.now) > unseenMs;
  if (!isOurVolume(host, volume, memory)) {
    return known(volume.name) ? [`asks to delete volume ${volume.name}, which is not ours`] : [];
  }
  const path = `${host.poolPath}/${volume.name}`;
  // Its own node may have been missed by a listing: then the host refuses, and S9 sees to it.
  const own = lineage.nodeOfDisk(volume.name, memory.ledger.clusters())?.uuid;
  const domains = host.domains.filter(
    (domain) =>
      domain.files.includes(path) &&
      ![own, effect.onlyUsedBy].includes(domain.uuid) &&
      known(domain.uuid) &&
      !isLeaving(domain, memory),
  );
  const overlays = host.volumes.filter(
    ({ backingVolume, name }) =>
      backingVolume === volume.name && known(name) && !isDiskLeaving(name, memory),
  );
  const users = [...domains, ...overlays].map(({ name }) => name);
  return users.length === 0 ? [] : [`asks to delete ${volume.name}, used by ${users.join()}`];
}

/** An image is also known by its name, which has the digest that some manifest has. */
function isOurVolume(host: HostTruth, volume: VolumeTruth, memory: Memory): boolean {
  const { lineage, ledger, installation } = memory;
  if (lineage.isOurVolume(host, volume, ledger.clusters())) return true;
  const part = partNamed(volume.name);
  if (part) return installation.startsWith(part.by);
  const orders = ledger.clusters().flatMap((cluster) => ledger.versions(cluster));
  return orders.flatMap(imageVolumes).some((image) => image.volume === volume.name);
}

function foreignNetwork({ effect, truth, memory }: Asked): string[] {
  if (effect.kind !== 'removeNetwork') return [];
  const host = targetOf(effect, truth)?.host;
  const network = host?.networks.find(({ uuid }) => uuid === effect.network.uuid);
  if (host === undefined || network === undefined) return [];
  if (!memory.lineage.isOurNetwork(network)) {
    return [`asks to remove network ${network.name}, which is not ours`];
  }
  const users = host.domains.filter(
    (domain) =>
      domain.network === network.name &&
      !isLeaving(domain, memory) &&
      memory.lineage.seenFor(host, domain.uuid, truth.now) > unseenMs,
  );
  const names = users.map(({ name }) => name);
  return names.length === 0
    ? []
    : [`asks to remove network ${network.name}, used by ${names.join()}`];
}

/** What goes with its cluster may have been missed by a listing; the host refuses then. */
function isLeaving(domain: DomainTruth, { lineage, ledger }: Memory): boolean {
  const cluster = lineage.isOurs(domain) ? nodeOf(domain.owner)?.cluster : undefined;
  return cluster !== undefined && ledger.inForce(cluster)?.deleting === true;
}

/** The same of a disk, which keeps its image. */
function isDiskLeaving(disk: string, { lineage, ledger }: Memory): boolean {
  const cluster = lineage.nodeOfDisk(disk, ledger.clusters())?.cluster;
  return cluster !== undefined && ledger.inForce(cluster)?.deleting === true;
}

function changedBesides({ effect, before, after, memory }: Omit<Done, 'failed'>) {
  // An upload takes time, in which other effects take place.
  if (!('host' in effect) || effect.kind === 'uploadArtifact') return [];
  const own = new Set(ownThings(effect, memory.installation));
  return after.hosts.flatMap((host) => {
    const was = before.hosts.find(({ name }) => name === host.name);
    if (was === undefined || was === host) return [];
    const [old, now] = [thingsOf(was), thingsOf(host)];
    return [...new Set([...old.keys(), ...now.keys()])]
      .filter((thing) => host.name !== effect.host || !own.has(thing))
      .filter((thing) => !isSame(old.get(thing), now.get(thing), ofTime))
      .map((thing) => `${effect.kind} changed ${thing} too`);
  });
}

function ownThings(effect: Asked['effect'], installation: string): string[] {
  switch (effect.kind) {
    case 'uploadArtifact':
      return [`volume ${effect.artifact.volume}`];
    case 'createVolume':
      return [`volume ${effect.volume.name}`];
    case 'deleteVolume':
      // With what is left of an upload that was cut, or what was made of it.
      return [
        `volume ${effect.name}`,
        `volume ${partOfImage(effect.name, installation)}`,
        `volume ${partNamed(effect.name)?.image}`,
      ];
    case 'defineDomain':
      return [`domain ${effect.domain.uuid}`];
    case 'createNetwork':
    case 'removeNetwork':
      return [`network ${effect.network.name}`];
    default:
      return 'uuid' in effect ? [`domain ${effect.uuid}`] : [];
  }
}

/** What comes and goes with time alone. */
const ofTime: ReadonlySet<string> = new Set(['answers', 'leases']);

function thingsOf({ domains, volumes, networks }: HostTruth): Map<string, unknown> {
  const things = new Map<string, unknown>();
  for (const domain of domains) things.set(`domain ${domain.uuid}`, domain);
  for (const volume of volumes) things.set(`volume ${volume.name}`, volume);
  for (const network of networks) things.set(`network ${network.name}`, network);
  return things;
}
