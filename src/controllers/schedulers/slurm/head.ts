/**
 * The head: formed once, then kept on the configuration that the cluster asks for. It is ready
 * when slurmctld answers and runs with that configuration. Its removal comes last. Pure.
 */
import { nearest } from '../../../crd/suggest.ts';
import type { Verdict } from '../scheduler.ts';
import { checkConfig } from './config.ts';
import { workState } from './guest-work.ts';
import { faultyConf, headScript } from './head-script.ts';
import { parameters } from './parameters.ts';
import { type HeadInput, headFiles, type RenderedHead, renderHead } from './render.ts';
import {
  configuring,
  type Decision,
  isSchedulerGone,
  notReady,
  type PlannedAction,
  poolsOf,
  type SlurmNode,
  type SlurmScope,
  wasFormed,
  workersOf,
} from './scope.ts';

export function planPresentHead(scope: SlurmScope, head: SlurmNode): Decision {
  const { address, facts } = head;
  const [fault] = checkConfig(scope.config);
  if (fault) {
    const message = `spec.scheduler.slurm.${fault.path} ${fault.message}`;
    return { verdict: { kind: 'stalled', reason: 'InvalidConfig', message } };
  }
  if (head.off) return { verdict: configuring('PoweredOff', 'its VM is off') };
  if (address === undefined || facts === undefined) {
    return { verdict: configuring('WaitingForGuest', 'the guest has not been reached yet') };
  }
  const input: HeadInput = {
    cluster: scope.cluster.name,
    name: head.name,
    address,
    pools: poolsOf(scope),
    config: scope.config,
  };
  const rendered = renderHead(input);
  const { daemons, confDigest, appliedDigest, appliedSerial } = facts.scheduler;
  const applied = appliedDigest === rendered.digest && confDigest === rendered.digest;
  const runs = [daemons.munge, daemons.slurmctld].every(
    ({ active, enabled }) => active === 'active' && enabled,
  );
  if (applied && runs) return { verdict: answering(scope) };
  const evidence = { confDigest, appliedSerial, daemons, bootId: facts.bootId };
  return form(scope, head, input, rendered, evidence);
}

function answering(scope: SlurmScope): Verdict {
  if (scope.view !== undefined) return { kind: 'ready' };
  return notReady('SlurmctldNotAnswering', scope.viewError ?? 'slurmctld has not been asked');
}

function form(
  scope: SlurmScope,
  head: SlurmNode,
  input: HeadInput,
  rendered: RenderedHead,
  evidence: unknown,
): Decision {
  const files = headFiles(rendered);
  const script = headScript(input, rendered);
  const work = { family: 'slurm-head', content: { files, script }, evidence };
  const state = workState(work, head.facts?.units ?? [], scope.now);
  const isFirst = head.facts?.scheduler.appliedDigest === undefined;
  const what = isFirst ? 'FormingCluster' : 'ApplyingConfig';
  if (state.kind === 'running') {
    return { verdict: configuring(what, `unit ${state.unit} runs`) };
  }
  if (state.kind === 'resting') {
    return { verdict: failed(what, state.failure, state.retryAt) };
  }
  const verdict: Verdict =
    state.failure === undefined
      ? configuring(what, 'slurm.conf is written and slurmctld is started or told')
      : failed(what, state.failure, scope.now);
  const action = { kind: 'startUnit', unit: state.unit, files, script } as const;
  return { verdict, actions: [{ node: head.name, action, why: whyFormed(head, rendered) }] };
}

/** A setting that Slurm refuses is for a person to mend; all else may pass. */
function failed(what: string, failure: string, retryAt: number): Verdict {
  const at = failure.indexOf(faultyConf);
  if (at === -1) return { kind: 'failed', reason: `${what}Failed`, message: failure, retryAt };
  const [, parameter] = /unrecognized key: (\w+)/.exec(failure) ?? [];
  const near = parameter && nearest(parameter, parameters);
  const hint = near === undefined ? '' : ` (did you mean "${near}"?)`;
  const message = `${failure.slice(at)}${hint}`;
  return { kind: 'stalled', reason: 'InvalidConfig', message, retryAt };
}

function whyFormed(head: SlurmNode, rendered: RenderedHead): string {
  const facts = head.facts?.scheduler;
  if (facts?.appliedDigest === undefined) return 'the head is not formed';
  if (facts.appliedDigest !== rendered.digest) return 'the configuration changed';
  if (facts.confDigest !== rendered.digest) return 'slurm.conf was changed in the guest';
  return 'a daemon of the head does not run';
}

/** `workers` are the verdicts of this round. */
export function planRemovedHead(
  scope: SlurmScope,
  head: SlurmNode,
  workers: ReadonlyMap<string, Verdict>,
): Decision {
  const left = workersOf(scope).filter(({ name }) => workers.get(name)?.kind !== 'absent');
  const wanted = left.filter((node) => node.wanted === 'present');
  if (wanted.length > 0) return replaceIdleHead(scope, wanted.length);
  if (left.length > 0 && !head.off) {
    const message = `${left.length} workers leave before the head: ${names(left)}`;
    const verdict: Verdict = { kind: 'draining', reason: 'WorkersFirst', message };
    return { verdict, actions: kept(scope, head) };
  }
  if (head.off) return { verdict: { kind: 'absent' } };
  const message = isSchedulerGone(scope) ? 'the head was never formed' : 'all workers have left';
  return { verdict: { kind: 'drained', message } };
}

/**
 * Workers cannot leave while slurmctld does not answer, as when the head has another address since:
 * what keeps a wanted head at work keeps this one until they have left.
 */
function kept(scope: SlurmScope, head: SlurmNode): PlannedAction[] {
  if (scope.view !== undefined || !wasFormed(head)) return [];
  return planPresentHead(scope, head).actions ?? [];
}

/** The queue lives on the head's disk, so a head with jobs in any state is not given up. */
function replaceIdleHead(scope: SlurmScope, workers: number): Decision {
  const jobs = scope.view?.jobs.length;
  if (jobs === 0) {
    return { verdict: { kind: 'drained', message: 'the queue is empty' } };
  }
  const message =
    jobs === undefined
      ? `slurmctld cannot be asked for its queue: ${scope.viewError ?? 'not asked yet'}`
      : `${jobs} jobs are queued or run on ${workers} workers, and the queue lives on the head`;
  return { verdict: { kind: 'draining', reason: 'HeadHasJobs', message } };
}

function names(nodes: SlurmNode[]): string {
  const shown = nodes.slice(0, 5).map(({ name }) => name);
  return nodes.length > shown.length ? `${shown.join(', ')}, …` : shown.join(', ');
}
