/**
 * The power of a wanted machine: what a domain that does not run is told, by its state and the
 * reason that libvirt gives for it. Switching on and resuming lose nothing, so they are tried for
 * ever, more and more seldom; what a person paused is left to that person. docs/repair.md has the
 * table. Pure.
 */
import type { DomainView, OwnerMark } from '../../ports.ts';
import { changeOf, type HostAction } from '../action.ts';
import type { RepairKind } from '../observed.ts';
import { repairKey } from '../repairs.ts';
import type { ClusterScope, NodeScope } from '../scope.ts';
import { illness } from './illness.ts';
import { act, type StagedNode, wait } from './staged.ts';

/** Reasons for which libvirt itself pauses a domain and goes on by itself. */
const transient = new Set([
  'starting-up',
  'migration',
  'save',
  'dump',
  'snapshot',
  'from-snapshot',
]);
/** With less room in the pool a guest that is resumed would only stop again. */
const roomBytes = 256 * 2 ** 20;

export function power(scope: ClusterScope, node: NodeScope): StagedNode | undefined {
  const domain = node.domain;
  if (domain === undefined || domain.owner === undefined) return undefined;
  const { owner } = domain;
  switch (domain.state) {
    case 'running':
      return undefined;
    case 'shutoff':
    case 'crashed':
      return switchOn(scope, node, domain, owner);
    case 'paused':
      return paused(scope, node, domain, owner);
    case 'pmsuspended':
    case 'shutdown':
      return illness(scope, node);
    case 'unknown':
      return wait('NotReady', 'DomainNotRunning', `the domain is ${described(domain)}`);
  }
}

function described({ state, reason }: DomainView): string {
  return `${state} (${reason})`;
}

function switchOn(
  scope: ClusterScope,
  node: NodeScope,
  domain: DomainView,
  owner: OwnerMark,
): StagedNode {
  const message = `the domain is ${described(domain)}`;
  const action = changeOf('start', domain, owner);
  const before = scope.observed.previous?.nodes.find(({ name }) => name === node.name);
  if (before?.reason === 'Restarting') {
    return act(scope, ['NotReady', 'Restarting', message], action);
  }
  const isFirst =
    before === undefined || ['Pending', 'Creating', 'Deleting'].includes(before.phase);
  if (isFirst) return act(scope, ['Creating', 'Starting', message], action);
  return mend(scope, node, 'start', [offReason(domain), message], action);
}

export function offReason({ state, reason }: DomainView): string {
  if (state === 'crashed' || reason === 'crashed') return 'Crashed';
  return reason === 'shutdown' ? 'ShutOffByGuest' : 'PoweredOff';
}

function paused(
  scope: ClusterScope,
  node: NodeScope,
  domain: DomainView,
  owner: OwnerMark,
): StagedNode {
  const message = `the domain is ${described(domain)}`;
  const { pool } = scope.inventory;
  if (transient.has(domain.reason)) return wait('Creating', 'Starting', message);
  if (domain.reason === 'user') {
    const mend = `somebody paused the domain: virsh resume ${domain.name} when it may go on`;
    return wait('Stalled', 'PausedByUser', mend);
  }
  if (domain.reason !== 'ioerror') {
    return wait(
      'Stalled',
      'Paused',
      `${message}: mend the cause, then virsh resume ${domain.name}`,
    );
  }
  if (pool.active && pool.availableBytes < roomBytes) {
    const full =
      `${message}: pool ${pool.name} of ${scope.cluster.host} is full; make room there, ` +
      'and it is resumed without loss';
    return wait('Stalled', 'DiskFull', full);
  }
  const action = changeOf('resume', domain, owner);
  return mend(scope, node, 'resume', ['Resuming', message], action);
}

/** Now, or when the back-off of the earlier tries has passed. */
function mend(
  scope: ClusterScope,
  node: NodeScope,
  kind: RepairKind,
  [reason, message]: [string, string],
  action: HostAction,
): StagedNode {
  const earlier = scope.observed.repairs?.get(repairKey(node.name, kind));
  if (earlier && scope.now < earlier.retryAt) {
    const next = new Date(earlier.retryAt).toISOString();
    const tried = `${message}; tried ${earlier.count} times since it was last well for an hour`;
    return wait('NotReady', 'CrashLoopBackOff', `${tried}, the next time at ${next}`);
  }
  return act(scope, ['NotReady', reason, message], action, kind);
}
