/** What an effect is aimed at, in the world as it is. */
import { nodeOf } from './lineage.ts';
import type { Memory } from './memory.ts';
import type {
  DomainTruth,
  Effect,
  HostEffect,
  HostTruth,
  MarkTruth,
  Truth,
  VolumeTruth,
} from './truth.ts';

export interface Target {
  host: HostTruth;
  domain?: DomainTruth;
  volume?: VolumeTruth;
}

type Change = Extract<HostEffect, { uuid: string }>;

export function isChange(effect: Effect): effect is Change {
  return ['start', 'resume', 'destroy', 'undefine'].includes(effect.kind);
}

/** It takes a machine, or its disk, away. */
export function takesAway(effect: Effect): boolean {
  return ['destroy', 'undefine', 'deleteVolume'].includes(effect.kind);
}

/** Undefined for what is no effect on a host. */
export function targetOf(effect: Effect, truth: Truth): Target | undefined {
  if (!('host' in effect)) return undefined;
  const host = truth.hosts.find(({ name }) => name === effect.host);
  if (host === undefined) return undefined;
  if (isChange(effect)) {
    const domain = host.domains.find(({ uuid }) => uuid === effect.uuid);
    return { host, ...(domain && { domain }) };
  }
  if (effect.kind === 'deleteVolume') {
    const volume = host.volumes.find(({ name }) => name === effect.name);
    return { host, ...(volume && { volume }) };
  }
  return { host };
}

export interface TargetNode {
  /** `namespace/name`. */
  cluster: string;
  pool: string;
  index: number;
  name: string;
  uuid: string;
  domain?: DomainTruth;
}

/** The node that loses its machine or disk by the effect; undefined when it is none of ours. */
export function nodeAimedAt(
  effect: Effect,
  target: Target,
  { lineage, ledger }: Memory,
): TargetNode | undefined {
  if (isRefused(effect, target)) return undefined;
  const { host, domain, volume } = target;
  if (isChange(effect)) {
    const node = domain && lineage.isOurs(domain) ? nodeOf(domain.owner) : undefined;
    return node && domain && { ...node, uuid: domain.uuid, domain };
  }
  const disk = volume && lineage.nodeOfDisk(volume.name, ledger.clusters());
  if (disk === undefined) return undefined;
  const [, short = ''] = disk.cluster.split('/');
  const match = /^(.+)-(\d+)$/.exec(disk.node.slice(short.length + 1));
  const found = host.domains.find(({ uuid }) => uuid === disk.uuid);
  return {
    cluster: disk.cluster,
    pool: match?.[1] ?? '',
    index: Number(match?.[2]),
    name: disk.node,
    uuid: disk.uuid,
    ...(found && { domain: found }),
  };
}

/**
 * What the controller asks for by a listing that is old, or wrong, and that the host does not do:
 * another machine is there than the one that was looked at, or somebody uses the volume. S9 sees to
 * it that the host really does not.
 */
export function isRefused(effect: Effect, { host, domain, volume }: Target): boolean {
  if (isChange(effect)) {
    if (!takesAway(effect)) return false;
    return !isSameMark(effect.owner, domain?.owner) || isLaterRun(effect, domain);
  }
  if (effect.kind !== 'deleteVolume' || volume === undefined) return false;
  if (host.volumes.some(({ backingVolume }) => backingVolume === volume.name)) return true;
  const path = `${host.poolPath}/${volume.name}`;
  return host.domains
    .filter(({ files }) => files.includes(path))
    .some((user) => user.uuid !== effect.onlyUsedBy || isRunning(user));
}

/** Not asked of an undefinition, which a host refuses of all that runs. */
function isLaterRun({ kind, id }: Change, domain: DomainTruth | undefined): boolean {
  if (kind !== 'destroy' || id === undefined || domain === undefined) return false;
  return isRunning(domain) && domain.id !== id;
}

function isSameMark(a: MarkTruth | undefined, b: MarkTruth | undefined): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
}

function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, item]) => item !== undefined);
  return entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([key, item]) => [key, sorted(item)]);
}

export function isRunning({ id }: DomainTruth): boolean {
  return id !== -1;
}
