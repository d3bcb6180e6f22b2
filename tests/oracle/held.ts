/**
 * S8: what a revision of the source takes away too much of stays until a person confirms just that.
 * Nothing of it is drained, powered off, undefined or deleted meanwhile, but for a reason that would
 * hold for it if it were still ordered.
 */
import type { Asked, Checker } from './checker.ts';
import { closedBy, keyOf } from './drains.ts';
import { reasonToGo } from './evidence.ts';
import { isKept } from './holds.ts';
import { nodeOf } from './lineage.ts';
import type { Memory } from './memory.ts';
import { imageVolumes } from './ordered.ts';
import {
  isRunning,
  nodeAimedAt,
  type Target,
  type TargetNode,
  takesAway,
  targetOf,
} from './targets.ts';
import type { Truth } from './truth.ts';

export const held: Checker = {
  id: 'S8',
  asked: (asked) => {
    const { effect, truth, memory } = asked;
    const target = targetOf(effect, truth);
    if (!takesAway(effect) || target === undefined) return sharedBy(asked);
    const node = nodeAimedAt(effect, target, memory);
    if (node === undefined) return sharedBy(asked);
    return isHeld(memory, target, node)
      ? [`asks to ${effect.kind} ${node.name}, which is held`]
      : [];
  },
  done: ({ effect, before, after, memory }) =>
    closedBy(effect, before, after).flatMap(({ cluster, name }) => {
      // As it was asked for: a machine that was off may be started meanwhile.
      const found = machineOf(before, memory, cluster, name);
      if (found === undefined || !serves(before, cluster, name, found[1])) return [];
      return isHeld(memory, ...found) ? [`drains ${name}, which is held`] : [];
    }),
};

/** Of a machine that is off, or that its scheduler does not hear, nothing is drained. */
function serves({ schedulers }: Truth, key: string, name: string, { domain }: TargetNode): boolean {
  const scheduler = schedulers.find((each) => keyOf(each) === key);
  const record = scheduler?.records.find((each) => each.name === name);
  return domain !== undefined && isRunning(domain) && record?.up === true;
}

function isHeld(memory: Memory, target: Target, node: TargetNode): boolean {
  const hold = memory.holds.of(node.cluster);
  if (hold === undefined || !isKept(hold, node)) return false;
  const versions = memory.ledger.recent(node.cluster, memory.now);
  return !versions.some((version) => reasonToGo(memory, target, node, memory.kept(version)));
}

/** What goes with the last cluster that needs it, or the cluster's record itself. */
function sharedBy({ effect, memory }: Asked): string[] {
  const kept = memory.ledger.clusters().filter((cluster) => {
    const version = memory.ledger.inForce(cluster);
    if (version === undefined || memory.holds.of(cluster)?.to.size !== 0) return false;
    switch (effect.kind) {
      case 'removeCluster':
        return effect.cluster === cluster;
      case 'removeNetwork':
        return effect.network.name === version.spec.network.name;
      case 'deleteVolume':
        return imageVolumes(version).some(({ volume }) => volume === effect.name);
      default:
        return false;
    }
  });
  return kept.length === 0 ? [] : [`asks for ${effect.kind}, and ${kept.join()} is held`];
}

function machineOf(
  { hosts }: Truth,
  { lineage }: Memory,
  cluster: string,
  name: string,
): [Target, TargetNode] | undefined {
  for (const host of hosts) {
    for (const domain of host.domains) {
      const node = lineage.isOurs(domain) ? nodeOf(domain.owner) : undefined;
      if (node?.cluster !== cluster || node.name !== name) continue;
      return [
        { host, domain },
        { ...node, uuid: domain.uuid, domain },
      ];
    }
  }
  return undefined;
}
