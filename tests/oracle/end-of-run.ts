/**
 * What must hold at the end of a run, when faults have stopped and the world had its time: it is
 * as the source orders it (L1), nothing is left of what was deleted (S13), deletions have ended
 * (L5), and at rest nothing is written (L2). Worked out from manifests and world alone.
 */
import type { KnownRecord } from './drains.ts';
import { nodeOf } from './lineage.ts';
import type { Memory } from './memory.ts';
import { leftOf, ownLeftOf } from './no-leak.ts';
import { isWanted, machineOf } from './ordered.ts';
import type { DomainTruth, HostTruth, Truth } from './truth.ts';
import type { ClusterSpec, Version } from './version.ts';

export interface RestMark {
  asks: number;
}

export function restMark({ attempts }: Memory): RestMark {
  return { asks: attempts.asks.length };
}

/** L2: what was asked for since then. */
export function writtenSince({ asks }: RestMark, { attempts }: Memory): string[] {
  const names = attempts.asks.slice(asks).map(({ name }) => name);
  return names.length === 0
    ? []
    : [`at rest, ${names.length} effects: ${names.slice(0, 5).join()}`];
}

interface Fault {
  id: string;
  message: string;
}

export function endOfRun(truth: Truth, memory: Memory): Fault[] {
  return memory.ledger.clusters().flatMap((cluster) => {
    const version = memory.ledger.inForce(cluster);
    if (version === undefined || version.spec.paused) return [];
    if (version.deleting) return deleted(cluster, truth, memory);
    // What a breaker holds back is kept until a person says otherwise.
    const conditions = memory.statuses.get(cluster)?.conditions ?? [];
    if (conditions.some(({ reason }) => reason === 'DeletionHeld')) return [];
    return converged(version, truth, memory).map((message) => ({ id: 'L1', message }));
  });
}

function deleted(cluster: string, truth: Truth, memory: Memory): Fault[] {
  // An image that others used when the record went is theirs to delete; see decision 0009.
  const leftOn = memory.lineage.hasNeighbour ? ownLeftOf : leftOf;
  const left = truth.hosts.flatMap((host) => leftOn(cluster, host, memory));
  const faults = left.map((message) => ({ id: 'S13', message }));
  // Of what came back and went again while no controller looked, it has no record to put away.
  if (memory.ledger.recordedOf(cluster) === undefined) return faults;
  return [...faults, { id: 'L5', message: `the deletion of ${cluster} has not ended` }];
}

function converged(version: Version, { hosts }: Truth, memory: Memory): string[] {
  const { cluster, spec } = version;
  const own = hosts.flatMap((host) =>
    host.domains
      .filter((domain) => memory.lineage.isOurs(domain))
      .filter(({ owner }) => nodeOf(owner)?.cluster === cluster)
      .map((domain) => ({ host, domain })),
  );
  const surplus = own.filter(({ domain }) => {
    const node = nodeOf(domain.owner);
    return node && !isWanted(version, node.pool, node.index);
  });
  return [
    ...surplus.map(({ domain }) => `${domain.name} is there and nobody ordered it`),
    ...nodesOf(version).flatMap(({ pool, name }) => {
      const found = own.find(({ domain }) => domain.name === name);
      if (found === undefined) return [`${name} is missing`];
      return [
        ...machineFaults(version, pool, found.host, found.domain, memory),
        ...(pool === 'head' ? [] : memberFaults(cluster, name, memory)),
        ...statusFaults(cluster, name, memory),
      ];
    }),
    ...hosts.flatMap(({ networks }) => {
      const network = networks.find(({ name }) => name === spec.network.name);
      return network?.active ? [] : [`network ${spec.network.name} is not there, or off`];
    }),
  ];
}

function nodesOf({ cluster, spec }: { cluster: string; spec: ClusterSpec }) {
  const short = cluster.split('/')[1];
  const pools = [{ name: 'head', replicas: spec.controlPlane.replicas }, ...spec.workers];
  return pools.flatMap(({ name: pool, replicas }) =>
    Array.from({ length: replicas }, (_, index) => ({ pool, name: `${short}-${pool}-${index}` })),
  );
}

function machineFaults(
  version: Version,
  pool: string,
  host: HostTruth,
  domain: DomainTruth,
  memory: Memory,
): string[] {
  const { name, state, persistent, files, answers } = domain;
  const faults: string[] = [];
  if (state !== 'running') faults.push(`${name} is ${state}`);
  if (!persistent) faults.push(`${name} has no persistent definition`);
  if (!answers) faults.push(`${name} does not answer`);
  const disk = host.volumes.find((volume) => `${host.poolPath}/${volume.name}` === files[0]);
  if (disk === undefined) return [...faults, `${name} has no disk`];
  const made = memory.lineage.made(host, domain.uuid)?.asked;
  const machine = machineOf(version, pool);
  // A head is never replaced by itself, whatever the spec says.
  if (pool === 'head' || machine === undefined) return faults;
  if (disk.backingVolume !== machine.backing) faults.push(`${name} is of ${disk.backingVolume}`);
  if (disk.capacityBytes !== machine.diskBytes) faults.push(`${name} has another disk size`);
  if (made && (made.cpus !== machine.cpus || made.memoryBytes !== machine.memoryBytes)) {
    faults.push(`${name} has ${made.cpus} CPUs and ${made.memoryBytes} bytes of memory`);
  }
  return faults;
}

function memberFaults(cluster: string, name: string, { drains }: Memory): string[] {
  const record = drains.record(cluster, name);
  if (record === undefined) return [`${name} is not on record with its scheduler`];
  // What a person closed is not for us to open.
  if (isTheirs(record)) return [];
  if (record.closed && !record.lost) return [`${name} is still closed for work: ${record.reason}`];
  return record.up ? [] : [`${name} has not joined`];
}

function isTheirs({ closed, closedByUs, lost }: KnownRecord): boolean {
  return closed && !closedByUs && !lost;
}

function statusFaults(cluster: string, name: string, { statuses, drains }: Memory): string[] {
  const record = drains.record(cluster, name);
  if (record?.closed && !record.lost) return [];
  const node = statuses.get(cluster)?.nodes.find((item) => item.name === name);
  if (node?.phase === 'Ready') return [];
  return [`the status of ${name} is ${node?.phase ?? 'missing'}, and it is ready`];
}
