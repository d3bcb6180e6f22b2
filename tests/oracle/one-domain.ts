/** S2: one domain for each node; at most one defined on a host, at most one running anywhere. */
import type { Checker } from './checker.ts';
import { nodeOf } from './lineage.ts';

export const oneDomain: Checker = {
  id: 'S2',
  done({ effect, after, memory }) {
    if (!('host' in effect)) return [];
    const seen = new Map<string, { host: string; runs: boolean; uuid: string }>();
    const messages: string[] = [];
    for (const host of after.hosts) {
      for (const domain of host.domains) {
        const node = nodeOf(domain.owner);
        // A copy that a person made of one of ours is that person's.
        const isNew = effect.kind === 'defineDomain' && effect.domain.uuid === domain.uuid;
        const known = memory.lineage.isOurs(domain) || memory.lineage.made(host, domain.uuid);
        const ours = isNew || known;
        if (node === undefined || !ours) continue;
        const key = `${node.cluster} ${node.name}`;
        const runs = domain.id !== -1;
        const other = seen.get(key);
        if (other?.host === host.name) {
          messages.push(
            `${node.name} is two domains on ${host.name}: ${other.uuid}, ${domain.uuid}`,
          );
        } else if (other?.runs && runs) {
          messages.push(`${node.name} runs on ${other.host} and on ${host.name}`);
        }
        seen.set(key, { host: host.name, runs: runs || other?.runs === true, uuid: domain.uuid });
      }
    }
    return messages;
  },
};
