/**
 * S1 between two installations on one host: each is foreign to the other. No effect changes what
 * carries the mark of another one, what its machines use, or what it uploads; told by marks and
 * names in the world alone, whatever anybody takes for its own.
 */
import type { Checker } from './checker.ts';
import { partNamed } from './derived.ts';
import { isSame } from './is-same.ts';
import type { HostTruth, MarkTruth } from './truth.ts';

/** What comes and goes with time alone. */
const ofTime: ReadonlySet<string> = new Set(['answers', 'leases']);

export const neighbours: Checker = {
  id: 'S1',
  done: ({ effect, before, after, memory: { installation } }) => {
    // An upload takes time, in which the other one acts, too.
    if (!('host' in effect) || effect.kind === 'uploadArtifact') return [];
    return before.hosts.flatMap((was) => {
      const is = after.hosts.find(({ name }) => name === was.name);
      if (is === undefined || is === was) return [];
      const [old, now] = [thingsOfOthers(was, installation), thingsOfOthers(is, installation)];
      return [...new Set([...old.keys(), ...now.keys()])]
        .filter((thing) => !isSame(old.get(thing), now.get(thing), ofTime))
        .map((thing) => `${effect.kind} changed ${thing}, which another installation has`);
    });
  },
};

function thingsOfOthers(host: HostTruth, installation: string): Map<string, unknown> {
  const isOthers = ({ owner }: { owner?: MarkTruth }) =>
    owner !== undefined && owner.installation !== installation;
  const domains = host.domains.filter(isOthers);
  const files = new Set(domains.flatMap((domain) => domain.files));
  const disks = host.volumes.filter(({ name }) => files.has(`${host.poolPath}/${name}`));
  const bases = new Set(disks.map(({ backingVolume }) => backingVolume));
  const volumes = host.volumes.filter((volume) => {
    const part = partNamed(volume.name);
    if (part) return !installation.startsWith(part.by);
    return disks.includes(volume) || bases.has(volume.name);
  });
  return new Map<string, unknown>([
    ...domains.map((domain) => [`domain ${domain.name}`, domain] as const),
    ...volumes.map((volume) => [`volume ${volume.name}`, volume] as const),
    ...host.networks.filter(isOthers).map((item) => [`network ${item.name}`, item] as const),
  ]);
}
