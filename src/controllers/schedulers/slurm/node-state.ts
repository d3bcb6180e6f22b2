/**
 * What a record of the view means: usable, busy, drained, and by whom.
 * Ours is told from others' by the prefix of the reason alone, since nothing is remembered.
 */
import type { JobRecord, NodeRecord, SlurmView } from './view.ts';

export const reasonPrefix = 'benchcluster: ';

const workingStates = ['IDLE', 'MIXED', 'ALLOCATED'];
const unusableFlags = [
  'NOT_RESPONDING',
  'DOWN',
  'DRAIN',
  'FAIL',
  'INVALID_REG',
  'INVAL',
  'POWERED_DOWN',
  'POWERING_DOWN',
  'POWERING_UP',
  'POWER_DOWN',
  'REBOOT_ISSUED',
];
const busyFlags = ['COMPLETING'];

/** slurmctld has heard of the node since it was itself started. */
export function isRegistered(node: NodeRecord): boolean {
  return node.bootTime !== undefined;
}

/**
 * Jobs can start on it. A slurmctld that was restarted calls every node of its saved state IDLE,
 * responding, until it has asked; only the times of a registration tell that it has.
 */
export function isUsable(node: NodeRecord): boolean {
  return (
    workingStates.includes(node.base) &&
    isRegistered(node) &&
    !node.flags.some((flag) => unusableFlags.includes(flag))
  );
}

/** A listing may have missed a machine whose daemon answers; then it is not off. */
export function isOff(node: { off: boolean; unlisted?: true }, record?: NodeRecord): boolean {
  return node.off && !(node.unlisted && record !== undefined && isHeard(record));
}

function isHeard(record: NodeRecord): boolean {
  return isRegistered(record) && !isDown(record) && !record.flags.includes('NOT_RESPONDING');
}

export function isDown(node: NodeRecord): boolean {
  return node.base === 'DOWN' || node.flags.includes('DOWN');
}

export function isDraining(node: NodeRecord): boolean {
  return node.flags.includes('DRAIN') || node.base === 'DRAIN';
}

/** Its state was set by us. */
export function isReasonOurs(node: NodeRecord): boolean {
  return node.reason?.text.startsWith(reasonPrefix) ?? false;
}

/** Drained by a person or by Slurm itself; never undone. */
export function isDrainedByOthers(node: NodeRecord): boolean {
  return isDraining(node) && !isReasonOurs(node);
}

/** It is to outlive the VM; but of a registration that Slurm refused it drains a node by itself. */
export function isDrainKept(node: NodeRecord): boolean {
  return isDrainedByOthers(node) && !node.flags.includes('INVALID_REG');
}

export function jobsOn(view: SlurmView, name: string): JobRecord[] {
  return view.jobs.filter((job) => job.state !== 'PENDING' && job.nodes.includes(name));
}

/** Work is on it, or slurmctld does not say that none is. */
export function isBusy(view: SlurmView, node: NodeRecord): boolean {
  return (
    (node.base !== 'IDLE' && !isDown(node)) ||
    node.flags.some((flag) => busyFlags.includes(flag)) ||
    jobsOn(view, node.name).length > 0
  );
}

export function stateText(node: NodeRecord): string {
  const state = [node.base, ...node.flags].join('+');
  return node.reason === undefined
    ? state
    : `${state}, "${node.reason.text}" by ${node.reason.user}`;
}
