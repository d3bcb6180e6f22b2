/**
 * Brings desired and observed together, node by node, once per round; the stages read only this.
 * A node is anything that is wanted, or that carries our mark for this cluster. Pure.
 */
import type { DomainView, HostInventory, VolumeView } from '../ports.ts';
import type { AnyScheduler } from '../schedulers/scheduler.ts';
import { type DesiredCluster, type DesiredNode, nodeUuid, nodeVolume } from './desired.ts';
import type { Cure, Illness, Remediation, Turn } from './health.ts';
import { type InventoryIndex, indexOf } from './inventory-index.ts';
import type { GuestView, Observed } from './observed.ts';
import { chooseReplacements, chooseStandIns } from './rollout.ts';

export interface Removal {
  /** A few words for people and the scheduler's drain reason: "replicas lowered". */
  reason: string;
  /** It is made anew afterwards. */
  replaced: boolean;
  /** It is to be mended so, by our own judgement. */
  cure?: Cure;
}

export interface NodeScope {
  name: string;
  pool: string;
  role: 'controlPlane' | 'worker';
  uuid: string;
  desired?: DesiredNode;
  /** Ours: name, UUID and mark agree. */
  domain?: DomainView;
  /** The overlay of this node, by its derived name. */
  volume?: VolumeView;
  guest?: GuestView;
  removal?: Removal;
  /** Its domain was made from another spec than the present one. */
  outdated?: boolean;
  /** Its machine runs and is of no use. */
  illness?: Illness;
  /** Of one that is ill: whether it may be mended now. */
  turn?: Turn;
}

export interface ClusterScope {
  cluster: DesiredCluster;
  observed: Observed;
  inventory: HostInventory;
  scheduler: AnyScheduler;
  nodes: NodeScope[];
  remediation: Remediation;
  now: number;
}

export function clusterScope(
  cluster: DesiredCluster,
  observed: Observed,
  inventory: HostInventory,
  scheduler: AnyScheduler,
  now: number,
): ClusterScope {
  const index = indexOf(inventory);
  const domains = new Map(index.owned(cluster).map((domain) => [domain.uuid, domain]));
  const standIns = chooseStandIns(cluster, domains, observed.scheduler.view, scheduler);
  const wanted = [...cluster.nodes, ...standIns];
  const nodes = [
    ...desiredScopes(wanted, domains, observed, index),
    ...surplus(cluster, new Set(wanted.map(({ name }) => name)), observed, inventory),
  ];
  const remediation = { allowed: true, reason: '', message: '' };
  const scope: ClusterScope = { cluster, observed, inventory, scheduler, nodes, remediation, now };
  const replaced = chooseReplacements(scope);
  for (const node of nodes) {
    if (replaced.has(node.name)) node.removal = { reason: 'spec changed', replaced: true };
  }
  return scope;
}

function desiredScopes(
  wanted: readonly DesiredNode[],
  domains: ReadonlyMap<string, DomainView>,
  observed: Observed,
  { volumes }: InventoryIndex,
): NodeScope[] {
  return wanted.map((desired) => {
    const domain = domains.get(desired.uuid);
    const volume = volumes.get(desired.volume);
    const guest = observed.guests.get(desired.name);
    return {
      name: desired.name,
      pool: desired.pool,
      role: desired.role,
      uuid: desired.uuid,
      desired,
      ...(domain && { domain, outdated: domain.owner?.node?.specHash !== desired.specHash }),
      ...(volume && { volume }),
      ...(guest && { guest }),
    };
  });
}

/** Nodes that nobody wants any more, found by their domain or by what is left of their disk. */
function surplus(
  cluster: DesiredCluster,
  wanted: ReadonlySet<string>,
  observed: Observed,
  inventory: HostInventory,
): NodeScope[] {
  // By its name, a stand-in may as well be of a former count.
  const stoodIn = observed.previous?.nodes.filter(({ standIn }) => standIn) ?? [];
  const standIns = new Set(stoodIn.map(({ name }) => name));
  const reasonOf = (name: string): string => {
    if (cluster.deleting) return 'cluster deleted';
    return standIns.has(name) ? 'the rollout is over' : 'replicas lowered';
  };
  const index = indexOf(inventory);
  const domains = index.owned(cluster).filter(({ name }) => !wanted.has(name));
  const found = domains.map((domain): NodeScope => {
    const pool = domain.owner?.node?.pool ?? '';
    const volume = index.volumes.get(nodeVolume(domain.name, domain.uuid));
    const guest = observed.guests.get(domain.name);
    return {
      name: domain.name,
      pool,
      role: cluster.pools.find(({ name }) => name === pool)?.role ?? 'worker',
      uuid: domain.uuid,
      domain,
      ...(volume && { volume }),
      ...(guest && { guest }),
      removal: { reason: reasonOf(domain.name), replaced: false },
    };
  });
  return [...found, ...orphanVolumes(cluster, inventory, wanted, domains, reasonOf)];
}

/**
 * Overlays of ours without a domain: made just before a crash. Two things prove it: the name, with
 * a UUID derived from this installation and cluster, and the image that they are overlays of. A
 * disk that some domain uses, such as one whose mark was taken away, is none.
 */
function orphanVolumes(
  cluster: DesiredCluster,
  inventory: HostInventory,
  wanted: ReadonlySet<string>,
  domains: DomainView[],
  reasonOf: (name: string) => string,
): NodeScope[] {
  const known = new Set(domains.map((domain) => domain.name));
  return indexOf(inventory).looseOverlays.flatMap(({ nodeName: name, volume }) => {
    if (!name.startsWith(`${cluster.name}-`)) return [];
    const uuid = nodeUuid(cluster.uid, name);
    if (volume.name !== nodeVolume(name, uuid) || wanted.has(name) || known.has(name)) return [];
    if (!isOverlayOfOurs(inventory, volume)) return [];
    const pool = name.slice(cluster.name.length + 1).replace(/-\d+$/, '');
    return [
      {
        name,
        pool,
        role: cluster.pools.find((item) => item.name === pool)?.role ?? 'worker',
        uuid,
        volume,
        removal: { reason: reasonOf(name), replaced: false },
      },
    ];
  });
}

/**
 * A time that is on record; ms since the epoch. What another process wrote may be of a clock of
 * another hour, so for one that is still to come there is the start of this process.
 */
export function recordedAt(at: number, { startedAt = at }: Observed, now: number): number {
  return at > now ? startedAt : at;
}

/**
 * From when such a time counts: what must last long enough lasts from the start of this process at
 * most, late rather than early.
 */
export function countedFrom(at: number, observed: Observed, now: number): number {
  return Math.max(recordedAt(at, observed, now), observed.startedAt ?? at);
}

/** A domain that the guest's work runs in, or may still run in. */
export function mayRun(domain: DomainView | undefined): boolean {
  return domain !== undefined && domain.state !== 'shutoff' && domain.state !== 'crashed';
}

/** Images of ours are content-addressed, `<name>-<digest12>.qcow2`, and every disk is on one. */
export function isOverlayOfOurs({ pool }: HostInventory, { backingPath }: VolumeView): boolean {
  const prefix = `${pool.path}/`;
  return (
    backingPath?.startsWith(prefix) === true &&
    /^[a-z0-9-]+-[0-9a-f]{12}\.qcow2$/.test(backingPath.slice(prefix.length))
  );
}
