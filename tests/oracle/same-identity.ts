/**
 * S1, the other way round: what the controller makes can be met again. The same node always has
 * the same name, UUID, MAC and disk, no two nodes share one, and its mark says who it is.
 */
import type { Checker } from './checker.ts';
import { diskOfNode, uidOfCluster, uuidOfNode } from './derived.ts';
import { nodeOf } from './lineage.ts';

export const sameIdentity: Checker = {
  id: 'S1',
  asked: ({ effect, memory }) => {
    if (effect.kind !== 'defineDomain') return [];
    const { name, uuid, owner, volume } = effect.domain;
    const node = nodeOf(owner);
    const wrong: string[] = [];
    const expect = (what: string, is: unknown, should: unknown) => {
      if (is !== should) wrong.push(`${name} is defined with ${what} ${is}, not ${should}`);
    };
    expect('installation', owner.installation, memory.installation);
    if (node === undefined) return [...wrong, `${name} is defined without a mark`];
    const expected = uuidOfNode(memory.installation, node.cluster, node.name);
    expect('name', name, node.name);
    expect('UUID', uuid, expected);
    expect('disk', volume, diskOfNode(node.name, expected));
    expect('cluster', owner.node?.clusterUid, uidOfCluster(memory.installation, node.cluster));
    return wrong;
  },
  done: ({ effect, after }) => {
    if (effect.kind !== 'defineDomain') return [];
    const { name, uuid, mac } = effect.domain;
    return after.hosts
      .flatMap(({ domains }) => domains)
      .filter((domain) => domain.mac === mac && domain.uuid !== uuid)
      .map((twin) => `${name} is defined with the MAC of ${twin.name}`);
  },
};
