/**
 * S7: what runs is taken down only on positive evidence: the cluster is deleted by an order that
 * can be trusted, the node is beyond what is ordered, or the machine is of another spec than the
 * present one. S17: for its health alone only when it has been of no use for long.
 */
import type { Asked, Checker } from './checker.ts';
import type { Memory } from './memory.ts';
import { imageVolumes, isWanted, machineOf } from './ordered.ts';
import { nodeAimedAt, type Target, type TargetNode, takesAway, targetOf } from './targets.ts';
import type { Version } from './version.ts';

/** A machine that is of no use for less than this is none of our business yet; milliseconds. */
const patienceMs = 300_000;

export const evidence: Checker = {
  id: 'S7',
  asked: (asked) => {
    const { effect, truth, memory } = asked;
    const target = targetOf(effect, truth);
    if (!takesAway(effect) || target === undefined) return [];
    if (target.domain === undefined && target.volume === undefined) return [];
    const node = nodeAimedAt(effect, target, memory);
    if (node === undefined) return wantedImage(asked, target);
    if (effect.kind === 'undefine' && isEmpty(target)) return [];
    const versions = memory.ledger.recent(node.cluster, truth.now);
    if (versions.some((version) => reasonToGo(memory, target, node, version))) return [];
    return [`asks to ${effect.kind} ${node.name}, which is wanted as it is`];
  },
};

/** Off, and without its disk: nothing is taken down with the definition. */
function isEmpty({ host, domain }: Target): boolean {
  const disks = host.volumes.map(({ name }) => `${host.poolPath}/${name}`);
  return domain?.id === -1 && !disks.includes(domain.files[0] ?? '');
}

/** What the machine of a node, or its disk, may be taken away for. */
export type Reason = 'unwanted' | 'changed' | 'ill';

/** What that order has against the node as it is; undefined when it is to stay. */
export function reasonToGo(
  memory: Memory,
  target: Target,
  node: TargetNode,
  version: Version,
): Reason | undefined {
  if (!isWanted(version, node.pool, node.index)) return 'unwanted';
  if (node.pool === 'head') return undefined;
  const machine = machineOf(version, node.pool);
  if (machine === undefined) return undefined;
  if (node.domain === undefined && target.volume) {
    const { capacityBytes, backingVolume } = target.volume;
    const isOther = capacityBytes !== machine.diskBytes || backingVolume !== machine.backing;
    return isOther ? 'changed' : undefined;
  }
  const made = memory.lineage.made(target.host, node.uuid);
  // Of an earlier life, and nobody here knows what it was made from.
  if (made === undefined) return 'changed';
  if (made.orders.some((order) => machineOf(order, node.pool)?.print !== machine.print))
    return 'changed';
  return memory.health.uselessFor(node.uuid, memory.now) >= patienceMs ? 'ill' : undefined;
}

/** Images are kept as long as any cluster refers to them, as the controller has it on record. */
function wantedImage({ effect, memory }: Asked, { volume }: Target): string[] {
  if (effect.kind !== 'deleteVolume' || volume === undefined) return [];
  const users = memory.ledger.clusters().filter((cluster) => {
    // Of what the controller has not read yet, or can read no more, it can know nothing.
    const version = memory.ledger.recordedOf(cluster);
    if (version === undefined || version.deleting) return false;
    return imageVolumes(version).some((image) => image.volume === volume.name);
  });
  return users.length === 0
    ? []
    : [`asks to delete image ${volume.name} that ${users.join()} needs`];
}
