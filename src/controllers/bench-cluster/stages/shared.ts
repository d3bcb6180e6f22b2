/**
 * What all nodes of a cluster share on a host: storage pool, image artifacts, network. Pure.
 * Names taken by somebody else are blockers, never overwritten.
 */
import type { Artifact } from '../../ports.ts';
import { type Action, actionKey } from '../action.ts';
import { artifactsOf } from '../desired.ts';
import { indexOf } from '../inventory-index.ts';
import type { Blocker, PlannedAction } from '../plan.ts';
import { type ClusterScope, mayRun } from '../scope.ts';

export interface SharedStage {
  actions: PlannedAction[];
  blockers: Blocker[];
  /** Why no node can be made now; absent when all is there. */
  networkWait?: { reason: string; message: string; stalled: boolean };
  /** By image name: why nodes of that image must wait. */
  imageWaits: Map<string, { reason: string; message: string }>;
}

export function planShared(scope: ClusterScope): SharedStage {
  const stage: SharedStage = { actions: [], blockers: [], imageWaits: new Map() };
  planPool(scope, stage);
  if (scope.cluster.deleting) {
    if (isCutOff(scope)) planNetwork(scope, stage);
    return stage;
  }
  planNetwork(scope, stage);
  if (scope.inventory.pool.active) planImages(scope, stage);
  return stage;
}

function planPool(scope: ClusterScope, stage: SharedStage): void {
  const { pool } = scope.inventory;
  if (pool.active) return;
  const message = `storage pool ${pool.name} of ${scope.cluster.host} is not active: virsh pool-start ${pool.name}`;
  stage.networkWait = { reason: 'PoolInactive', message, stalled: true };
  stage.blockers.push({ reason: 'PoolInactive', message, waiting: false });
}

/** Its network is off, and machines that are to go cannot be reached so that they could leave. */
function isCutOff({ cluster, inventory, nodes }: ClusterScope): boolean {
  const network = inventory.networks.find(({ name }) => name === cluster.network.name);
  return network?.active === false && nodes.some(({ domain }) => mayRun(domain));
}

function planNetwork(scope: ClusterScope, stage: SharedStage): void {
  const { cluster, inventory } = scope;
  const { managed, name, uuid } = cluster.network;
  const network = inventory.networks.find((item) => item.name === name);
  const ours = network?.uuid === uuid && network.owner?.installation === cluster.installation;
  if (network !== undefined && managed !== undefined && !ours) {
    const message =
      `network ${name} exists on ${cluster.host} and is not ours: ` +
      'remove spec.network.managed to use it as it is, or choose another name';
    stage.networkWait = { reason: 'ForeignNetwork', message, stalled: true };
  } else if (network === undefined && managed === undefined) {
    const message =
      `network ${name} does not exist on ${cluster.host}: ` +
      'define it, or add spec.network.managed to have it made';
    stage.networkWait = { reason: 'NetworkNotFound', message, stalled: true };
  } else if (network === undefined || !network.active) {
    if (managed === undefined) {
      const message = `network ${name} of ${cluster.host} is not active: virsh net-start ${name}`;
      stage.networkWait = { reason: 'NetworkInactive', message, stalled: true };
    } else {
      stage.networkWait = {
        reason: 'CreatingNetwork',
        message: `network ${name} is being made`,
        stalled: false,
      };
      const owner = { installation: cluster.installation };
      const action: Action = {
        host: cluster.host,
        kind: 'createNetwork',
        network: { name, uuid, ...managed, owner },
      };
      stage.actions.push({ action, why: 'the network is missing or stopped' });
    }
  }
  if (stage.networkWait?.stalled && stage.blockers.length === 0) {
    const { reason, message } = stage.networkWait;
    stage.blockers.push({ reason, message, waiting: false });
  }
}

function planImages(scope: ClusterScope, stage: SharedStage): void {
  const { volumes } = indexOf(scope.inventory);
  for (const artifact of desiredArtifacts(scope)) {
    if (volumes.has(artifact.volume)) continue;
    const action: Action = { host: scope.cluster.host, kind: 'uploadArtifact', artifact };
    const running = scope.observed.operations.find(({ key }) => key === actionKey(action));
    const message = running
      ? `uploading ${artifact.volume} to ${scope.cluster.host}, ${running.progress}`
      : `${artifact.volume} is not on ${scope.cluster.host} yet`;
    for (const node of scope.cluster.nodes) {
      if (artifactsOf(node.image).includes(artifact)) {
        stage.imageWaits.set(node.image.name, { reason: 'UploadingImage', message });
      }
    }
    if (!running) stage.actions.push({ action, why: 'the image is not in the pool' });
  }
}

function desiredArtifacts(scope: ClusterScope): Artifact[] {
  const images = new Map(scope.cluster.nodes.map((node) => [node.image.name, node.image]));
  const artifacts = [...images.values()].flatMap(artifactsOf);
  return [...new Map(artifacts.map((artifact) => [artifact.volume, artifact])).values()];
}
