/**
 * S6: fail-static. Only a source that can be read orders something, so nothing is made or started
 * for a node that no order of late asks for.
 */
import type { Asked, Checker } from './checker.ts';
import { nodeOf } from './lineage.ts';
import { mayExist } from './ordered.ts';
import { targetOf } from './targets.ts';

export const orderedOnly: Checker = {
  id: 'S6',
  asked: (asked) => {
    const node = madeFor(asked);
    if (node === undefined) return [];
    const { ledger, statuses } = asked.memory;
    // What is told to be held, also where it need not be, is kept as some order had it.
    const told = statuses.get(node.cluster)?.conditions ?? [];
    const versions = told.some(({ reason }) => reason === 'DeletionHeld')
      ? ledger.versions(node.cluster)
      : ledger.recent(node.cluster, asked.truth.now);
    if (versions.some((version) => mayExist(asked.memory.kept(version), node.pool, node.index)))
      return [];
    return [`${asked.effect.kind} for ${node.name}, which nobody ordered`];
  },
};

function madeFor({ effect, truth, memory }: Asked) {
  switch (effect.kind) {
    case 'defineDomain':
      return nodeOf(effect.domain.owner);
    case 'start':
      return nodeOf(targetOf(effect, truth)?.domain?.owner);
    case 'createVolume': {
      const disk = memory.lineage.nodeOfDisk(effect.volume.name, memory.ledger.clusters());
      const [, pool = '', index = ''] =
        /^(.+)-(\d+)$/.exec(disk?.node.slice(disk.cluster.split('/')[1]?.length ?? 0) ?? '') ?? [];
      if (disk === undefined) return { ...nobody, name: effect.volume.name };
      return { cluster: disk.cluster, name: disk.node, pool: pool.slice(1), index: Number(index) };
    }
    default:
      return undefined;
  }
}

const nobody = { cluster: '', pool: '', index: 0 };
