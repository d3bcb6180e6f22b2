/**
 * A worker on its way out: drained, seen empty in this very round, and forgotten by Slurm once its
 * VM is off. What cannot be asked is not empty; only the spec's Force and its deadline end that.
 * Order matters: the record goes after the power, since a slurmd that lives registers again. Pure.
 */
import type { Verdict } from '../scheduler.ts';
import { deleteScript, drainScript } from './commands.ts';
import { isBusy, isDraining, isOff, isReasonOurs, jobsOn, stateText } from './node-state.ts';
import {
  type Decision,
  isSchedulerGone,
  onHead,
  type SlurmNode,
  type SlurmScope,
} from './scope.ts';
import type { JobRecord, NodeRecord, SlurmView } from './view.ts';

export function planRemovedWorker(scope: SlurmScope, node: SlurmNode): Decision {
  const { view } = scope;
  if (isSchedulerGone(scope)) {
    const message = 'the cluster goes away and its head does not run';
    return { verdict: node.off ? { kind: 'absent' } : { kind: 'drained', message } };
  }
  if (view === undefined) return { verdict: unreachable(scope, node) };
  const record = view.nodes.get(node.name);
  if (record === undefined) {
    const message = 'Slurm does not know the node';
    if (isJoining(node, scope.now)) return { verdict: waiting('Joining', `${message} yet`, {}) };
    return { verdict: node.off ? { kind: 'absent' } : { kind: 'drained', message } };
  }
  const why = node.removalReason ?? 'removed';
  if (node.off && !isOff(node, record)) {
    const message = 'its VM is in no listing, but Slurm hears it';
    return { verdict: waiting('NotListed', message, deadlineFrom(node, node.removalSince)) };
  }
  if (node.off) {
    return {
      verdict: { kind: 'drained', ...whatWasOn(view, node.name) },
      actions: onHead(scope, deleteScript(node.name, why), `${why}: the VM is off`),
    };
  }
  if (!isDraining(record)) {
    return {
      verdict: waiting('Draining', `is closed for new jobs (${stateText(record)})`, {
        ...deadlineFrom(node, node.removalSince),
      }),
      actions: onHead(scope, drainScript(node.name, why), why),
    };
  }
  return { verdict: drained(scope, node, view, record) };
}

/** By force, or because it came between the last question and the power-off. */
function whatWasOn(view: SlurmView, name: string): { message: string; reason?: string } {
  return withLost(
    'its VM is off; Slurm is told to forget the node',
    // One that is completing has ended by itself.
    jobsOn(view, name).filter(({ state }) => state !== 'COMPLETING'),
  );
}

function withLost(message: string, jobs: JobRecord[]): { message: string; reason?: string } {
  if (jobs.length === 0) return { message };
  return {
    message: `${message}, and with it ${jobs.length === 1 ? 'goes' : 'go'} ${jobsText(jobs)}`,
    reason: 'JobsLost',
  };
}

function jobsText(jobs: JobRecord[]): string {
  const ids = jobs.slice(0, 5).map(({ id }) => id);
  return `${jobs.length} ${jobs.length === 1 ? 'job' : 'jobs'}: ${ids.join(', ')}`;
}

/** A slurmd that found no slurmctld tries again every ten seconds. */
const registrationMs = 30_000;

/** It may register at any moment, and be given a job before its power is cut. */
function isJoining({ off, unitRuns, facts, removalSince }: SlurmNode, now: number): boolean {
  if (off) return false;
  if (unitRuns || facts?.units.some(({ activeState }) => activeState === 'activating')) return true;
  const runs = facts?.scheduler.daemons.slurmd.active === 'active';
  return runs && now - (removalSince ?? now) < registrationMs;
}

function unreachable(scope: SlurmScope, node: SlurmNode): Verdict {
  const message = `Slurm cannot be asked: ${scope.viewError ?? 'not asked yet'}`;
  if (node.off) {
    // The whole cluster goes: the record goes with the head, which may never have come up.
    if (scope.nodes.every(({ wanted }) => wanted === 'removed')) return { kind: 'absent' };
    // What no listing has may run, and nobody is there to say that it does not.
    if (!node.unlisted) return { kind: 'drained', message: `its VM is off; ${message}` };
  }
  const since = deadlineFrom(node, node.removalSince);
  // Our own memory of a drain is from the clock of an earlier process: Slurm is to be asked first.
  if (scope.viewError === undefined) return waiting('SchedulerUnreachable', message, since);
  return (
    forced(scope, node, since.deadline) ?? waiting('SchedulerUnreachable', message, { ...since })
  );
}

function drained(scope: SlurmScope, node: SlurmNode, view: SlurmView, record: NodeRecord): Verdict {
  const by = isReasonOurs(record) ? '' : ` by ${record.reason?.user ?? 'somebody'}`;
  if (!isBusy(view, record)) return { kind: 'drained', message: `drained${by}, no job on it` };
  const begun = isReasonOurs(record) ? { since: begin(scope, node, view, record) } : {};
  const { deadline } = deadlineFrom(node, begun.since ?? node.removalSince);
  const jobs = jobsOn(view, node.name);
  const what = jobs.length === 0 ? stateText(record) : jobsText(jobs);
  const isPast = deadline !== undefined && scope.now >= deadline;
  const reason = isPast ? 'DrainDeadlinePassed' : 'WaitingForJobs';
  return (
    forced(scope, node, deadline, jobs) ??
    waiting(reason, `drained${by}, waits for ${what}`, { ...begun, ...(deadline && { deadline }) })
  );
}

/**
 * By how much two looks at one drain differ: each of its times is a whole second, and an answer
 * counts for five.
 */
const roundingMs = 7000;

/**
 * Clocks of guests are their own: the head tells how long the drain lasts, ours when it ends. What
 * was told stays as long as the head agrees, and at the end to the second; a drain that is clearly
 * later was made anew. Time that people were not told of counts for nothing: a pause, or a status
 * that was lost.
 */
function begin({ now }: SlurmScope, node: SlurmNode, view: SlurmView, { reason }: NodeRecord) {
  const { removalTold: told = now, removalSince = now, drain } = node;
  const elapsedMs = (view.clock - (reason?.at ?? view.clock)) * 1000;
  // Its clock was set back, so it cannot tell.
  if (elapsedMs < 0) return removalSince;
  const begun = now - elapsedMs;
  const isEarly = now >= told + drain.timeoutMs && elapsedMs < drain.timeoutMs;
  return begun > told + roundingMs || isEarly ? begun : told;
}

function deadlineFrom(node: SlurmNode, since: number | undefined): { deadline?: number } {
  return since === undefined ? {} : { deadline: since + node.drain.timeoutMs };
}

function forced(
  scope: SlurmScope,
  node: SlurmNode,
  deadline?: number,
  jobs: JobRecord[] = [],
): Verdict | undefined {
  if (node.drain.onTimeout !== 'Force' || deadline === undefined) return undefined;
  if (scope.now < deadline) return undefined;
  const message = 'the drain deadline has passed and onTimeout is Force';
  return { kind: 'drained', ...withLost(message, jobs) };
}

function waiting(
  reason: string,
  message: string,
  more: { since?: number; deadline?: number },
): Verdict {
  return { kind: 'draining', reason, message, ...more };
}
