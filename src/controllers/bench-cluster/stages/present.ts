/**
 * The way of a wanted node: image → network → volume → domain → running → reached → joined. The
 * first unmet stage gives its outcome and, at most, one action. Pure.
 */
import type { DomainSpec, DomainView } from '../../ports.ts';
import type { Verdict } from '../../schedulers/scheduler.ts';
import { actionKey, changeOf } from '../action.ts';
import { type DesiredNode, ownerMark } from '../desired.ts';
import { type ClusterScope, isOverlayOfOurs, mayRun, type NodeScope } from '../scope.ts';
import { illness } from './illness.ts';
import { power } from './power.ts';
import type { SharedStage } from './shared.ts';
import { act, type StagedNode, wait } from './staged.ts';

export function planPresent(
  scope: ClusterScope,
  node: NodeScope,
  shared: SharedStage,
  verdict: Verdict | undefined,
): StagedNode {
  const { desired } = node;
  if (desired === undefined) throw new Error(`node ${node.name} has no desired state`);
  const host =
    foreignDomain(scope, node) ??
    runningDomain(scope, node, desired) ??
    (node.domain ? undefined : sharedWaits(desired, shared)) ??
    volume(scope, node, desired, shared) ??
    definition(scope, node, desired) ??
    power(scope, node);
  if (host) return { ...host, outcome: { ...host.outcome, byHost: true } };
  return inGuest(scope, node, verdict);
}

/** Of one whose domain runs. */
export function inGuest(
  scope: ClusterScope,
  node: NodeScope,
  verdict: Verdict | undefined,
): StagedNode {
  return illness(scope, node) ?? guest(node) ?? working(scope, node, verdict) ?? joined(verdict);
}

/** Somebody else's domain has our name or UUID: a person must decide. */
function foreignDomain(scope: ClusterScope, node: NodeScope): StagedNode | undefined {
  if (node.domain !== undefined) return undefined;
  const other = scope.inventory.domains.find(
    (domain) => domain.name === node.name || domain.uuid === node.uuid,
  );
  if (other === undefined) return undefined;
  if (other.name === node.name && other.uuid === node.uuid && other.owner === undefined) {
    return wait(
      'Stalled',
      'MarkMissing',
      `domain ${other.name} on ${scope.cluster.host} has the name and UUID of this node, and ` +
        'somebody took our mark from its metadata: it is left alone; undefine it to have it made anew',
    );
  }
  const [part, advice] =
    other.name === node.name
      ? ['name', 'rename it, or rename the cluster']
      : ['UUID', `rename it to ${node.name}, or undefine it`];
  return wait(
    'Stalled',
    'ForeignDomain',
    `domain ${other.name} (${other.uuid}) on ${scope.cluster.host} ${whose(scope, other)} and has ` +
      `the ${part} of this node: ${advice}`,
  );
}

/** Clusters of two namespaces may have one name, and so may their nodes on one host. */
function whose({ cluster }: ClusterScope, { owner }: DomainView): string {
  const isOurs = owner?.installation === cluster.installation;
  return isOurs && owner.node
    ? `is of cluster ${owner.node.cluster} in namespace ${owner.node.namespace}`
    : 'is not ours';
}

/**
 * A running domain without persistent definition was undefined by somebody: define it again. A
 * worker of an earlier spec runs on until its turn to be replaced comes; a head is never replaced,
 * so it gets the definition back that it runs with.
 */
function runningDomain(
  scope: ClusterScope,
  node: NodeScope,
  desired: DesiredNode,
): StagedNode | undefined {
  const { domain } = node;
  if (domain === undefined || domain.persistent) return undefined;
  if (node.outdated && node.role === 'worker') return undefined;
  return act(scope, ['NotReady', 'Undefined', 'the domain was undefined while it runs'], {
    kind: 'defineDomain',
    domain: node.outdated ? specAsItRuns(scope, desired, domain) : domainSpec(scope, desired),
  });
}

function sharedWaits(desired: DesiredNode, shared: SharedStage): StagedNode | undefined {
  const image = shared.imageWaits.get(desired.image.name);
  if (image) return wait('Pending', image.reason, image.message);
  if (!shared.networkWait) return undefined;
  const { reason, message, stalled } = shared.networkWait;
  return wait(stalled ? 'Stalled' : 'Pending', reason, message);
}

function volume(
  scope: ClusterScope,
  node: NodeScope,
  desired: DesiredNode,
  shared: SharedStage,
): StagedNode | undefined {
  if (mayRun(node.domain)) return undefined;
  const begun = deletionBegun(scope, node, desired);
  if (begun) return begun;
  const backing = `${scope.inventory.pool.path}/${desired.image.disk.volume}`;
  if (node.volume === undefined) {
    const waiting = sharedWaits(desired, shared);
    if (waiting) return waiting;
    // It was made before the domain was defined. An empty one in its place would hide the loss.
    if (node.domain && node.role === 'controlPlane') {
      // A listing may be of an earlier life of the head, and nobody is told of a loss by one alone.
      if (scope.observed.sightings?.unsure.has(node.name)) {
        return wait('NotReady', 'PoweredOff', 'the domain is off by one listing of the host');
      }
      return wait(
        'Stalled',
        'DiskMissing',
        `the disk ${desired.volume} of the head is gone, and the scheduler’s state with it: put ` +
          `it back, or undefine domain ${desired.name} to have the head made anew`,
      );
    }
    return act(scope, ['Creating', 'CreatingVolume', 'the node has no disk'], {
      kind: 'createVolume',
      volume: {
        name: desired.volume,
        capacityBytes: desired.diskBytes,
        backingVolume: desired.image.disk.volume,
      },
    });
  }
  const fits =
    node.volume.backingPath === backing && node.volume.capacityBytes === desired.diskBytes;
  if (fits || node.domain) return undefined;
  const ours = isOverlayOfOurs(scope.inventory, node.volume);
  // The scheduler's state is on the head's disk, so an old one of ours is kept, whatever the spec.
  if (ours && node.role === 'controlPlane') return undefined;
  if (!ours) {
    return wait(
      'Stalled',
      'ForeignVolume',
      `volume ${desired.volume} in pool ${scope.inventory.pool.name} is not ours and has the name ` +
        'of this node’s disk: move it away',
    );
  }
  return act(scope, ['Creating', 'StaleVolume', 'the disk was made from another spec'], {
    kind: 'deleteVolume',
    name: desired.volume,
  });
}

/**
 * Its cluster was wanted again while its deletion went on. What that had begun with the disk ends
 * first. A head whose disk is gone then loses its domain too, and is made anew, as of any deletion.
 */
function deletionBegun(
  scope: ClusterScope,
  { name, domain, role, volume }: NodeScope,
  desired: DesiredNode,
): StagedNode | undefined {
  if (domain?.owner === undefined) return undefined;
  const deletion = {
    host: scope.cluster.host,
    kind: 'deleteVolume',
    name: desired.volume,
  } as const;
  if (scope.observed.operations.some(({ key }) => key === actionKey(deletion))) {
    return wait('Deleting', 'Removing', 'its disk is being deleted, as it was with its cluster');
  }
  const before = scope.observed.previous?.nodes.find((node) => node.name === name)?.phase;
  const wasLeaving = before === 'Draining' || before === 'Deleting';
  if (volume !== undefined || role !== 'controlPlane' || !wasLeaving) return undefined;
  if (!scope.inventory.pool.active) {
    return wait('Deleting', 'PoolInactive', 'whether its disk was deleted cannot be seen');
  }
  const undefine = changeOf('undefine', domain, domain.owner);
  return act(scope, ['Deleting', 'Removing', 'its disk was deleted with its cluster'], undefine);
}

function definition(
  scope: ClusterScope,
  node: NodeScope,
  desired: DesiredNode,
): StagedNode | undefined {
  if (node.domain) return undefined;
  return act(scope, ['Creating', 'DefiningDomain', 'the node has no domain'], {
    kind: 'defineDomain',
    domain: domainSpec(scope, desired),
  });
}

function guest(node: NodeScope): StagedNode | undefined {
  if (node.guest?.kind === 'proven') return undefined;
  if (node.guest === undefined) return wait('Booting', 'Booting', 'the domain was started');
  return wait('Booting', node.guest.reason, node.guest.message);
}

/** While a unit of ours runs in the guest there is little else to say about it. */
function working(
  scope: ClusterScope,
  node: NodeScope,
  verdict: Verdict | undefined,
): StagedNode | undefined {
  const operation = scope.observed.operations.find(({ guest }) => guest === node.name);
  if (operation === undefined || verdict?.kind === 'ready') return undefined;
  const unit = operation.key.split('/').at(-1);
  return wait('Configuring', 'RunningUnit', `unit benchcluster-${unit} runs in the guest`);
}

function joined(verdict: Verdict | undefined): StagedNode {
  switch (verdict?.kind) {
    case 'ready':
      return wait('Ready', 'Ready', 'the scheduler calls it ready');
    case 'failed':
    case 'configuring':
      return wait('Configuring', verdict.reason, verdict.message);
    case 'stalled':
      return wait('Stalled', verdict.reason, verdict.message);
    case 'notReady':
    case 'draining':
      return wait('NotReady', verdict.reason, verdict.message);
    case 'absent':
    case 'drained':
    case undefined:
      return wait('Configuring', 'Joining', 'the scheduler does not know the node yet');
  }
}

/** As far as the listing tells; its mark goes on to say that it is of an earlier spec. */
function specAsItRuns(scope: ClusterScope, desired: DesiredNode, domain: DomainView): DomainSpec {
  const prefix = `${scope.inventory.pool.path}/`;
  const [kernel, initrd] = ['.vmlinuz', '.initrd'].map((end) =>
    domain.files
      .find((file) => file.startsWith(prefix) && file.endsWith(end))
      ?.slice(prefix.length),
  );
  const { boot: _, ...spec } = domainSpec(scope, desired);
  const { cmdline } = desired.image;
  return {
    ...spec,
    cpus: domain.cpus ?? spec.cpus,
    memoryBytes: domain.memoryBytes ?? spec.memoryBytes,
    ...(kernel && { boot: { kernel, ...(initrd && { initrd }), cmdline } }),
    owner: domain.owner ?? spec.owner,
  };
}

export function domainSpec(scope: ClusterScope, desired: DesiredNode): DomainSpec {
  const { cluster, inventory } = scope;
  const { kernel, initrd, cmdline } = desired.image;
  return {
    name: desired.name,
    uuid: desired.uuid,
    type: cluster.domainType ?? (inventory.domainTypes.includes('kvm') ? 'kvm' : 'qemu'),
    cpus: desired.cpus,
    memoryBytes: desired.memoryBytes,
    volume: desired.volume,
    network: cluster.network.name,
    mac: desired.mac,
    ...(kernel && {
      boot: { kernel: kernel.volume, ...(initrd && { initrd: initrd.volume }), cmdline },
    }),
    authorizedKeys: cluster.authorizedKeys,
    owner: ownerMark(cluster, desired),
  };
}
