/**
 * A worker that should serve. Ready is what slurmctld says of a record that the VM's own
 * registration made; a record of an earlier life of the node is deleted before the new VM joins,
 * a drain of ours is undone, a drain of others never. Pure.
 *
 * The first visit of a VM's run always brings facts, so a record that contradicts them is seen.
 */
import type { Verdict } from '../scheduler.ts';
import {
  addressScript,
  downScript,
  forgetScript,
  restartSlurmdScript,
  resumeScript,
} from './commands.ts';
import { checkConfig } from './config.ts';
import { workState } from './guest-work.ts';
import { joinScript } from './join-script.ts';
import {
  isBusy,
  isDown,
  isDrainedByOthers,
  isDraining,
  isDrainKept,
  isOff,
  isReasonOurs,
  isRegistered,
  isUsable,
  stateText,
} from './node-state.ts';
import { type JoinInput, joinDigest, joinFiles } from './render.ts';
import {
  configuring,
  type Decision,
  headOf,
  notReady,
  onHead,
  type SlurmNode,
  type SlurmScope,
  wasFormed,
  workersOf,
} from './scope.ts';
import type { NodeRecord, SlurmView } from './view.ts';

export function planPresentWorker(scope: SlurmScope, node: SlurmNode): Decision {
  const { view } = scope;
  const record = view?.nodes.get(node.name);
  if (node.off) return poweredOff(scope, node, record);
  if (!node.running || node.address === undefined) {
    return { verdict: configuring('WaitingForGuest', 'the guest has not been reached yet') };
  }
  if (view === undefined) {
    return joinBesideHead(scope, node) ?? { verdict: withoutView(scope, node) };
  }
  const input = joinInput(scope, node);
  if (input === undefined) {
    return { verdict: configuring('WaitingForHead', 'the head has no proven address') };
  }
  const stale = record && staleRecord(scope, node, view, record);
  if (stale !== undefined) return stale;
  const joining = join(scope, node, record, input);
  if (joining !== undefined) return joining;
  if (record === undefined) {
    return { verdict: configuring('WaitingForFacts', 'Slurm does not know the node yet') };
  }
  return recorded(scope, node, record);
}

/** Without it Slurm would call the node usable until its next ping, and hold its jobs for longer. */
function poweredOff(scope: SlurmScope, node: SlurmNode, record?: NodeRecord): Decision {
  const verdict = configuring('PoweredOff', 'its VM is off');
  if (record === undefined || isDown(record) || isDraining(record)) return { verdict };
  if (!isOff(node, record)) return { verdict };
  const why = 'its VM is off, so it can run no job';
  return { verdict, actions: onHead(scope, downScript(node.name, 'the VM is off'), why) };
}

function withoutView(scope: SlurmScope, node: SlurmNode): Verdict {
  const head = headOf(scope);
  const hasJoined = node.facts?.scheduler.joinDigest !== undefined;
  const message = scope.viewError ?? 'slurmctld has not been asked yet';
  if (hasJoined || (head !== undefined && wasFormed(head))) {
    return notReady('SchedulerUnreachable', message);
  }
  return configuring('WaitingForHead', 'the head is not formed yet');
}

/** Each holds one of the cluster's effects until the head is there. */
const mostBesideHead = 4;

/**
 * A head that was seen and was never formed has no record of anybody, so nothing can be stale:
 * workers are configured while it is being formed, and their slurmd waits for slurmctld. While its
 * unit runs, what it told before counts: the unit makes no record either.
 */
function joinBesideHead(scope: SlurmScope, node: SlurmNode): Decision | undefined {
  const head = headOf(scope);
  const input = joinInput(scope, node);
  const seen = head?.facts ?? head?.factsBefore;
  if (head === undefined || seen === undefined || input === undefined) return undefined;
  if (wasFormed({ ...head, facts: seen })) return undefined;
  const isForming = head.wanted === 'present' && checkConfig(scope.config).length === 0;
  const hasFailed = seen.units.some(({ activeState }) => activeState === 'failed');
  const isFirst = workersOf(scope).indexOf(node) < mostBesideHead;
  if (!isForming || hasFailed || !isFirst || !isOfEarlierLife(node)) return undefined;
  return join(scope, node, undefined, input);
}

function joinInput(scope: SlurmScope, node: SlurmNode): JoinInput | undefined {
  const headAddress = headOf(scope)?.address;
  if (headAddress === undefined || node.address === undefined) return undefined;
  return { name: node.name, address: node.address, pool: node.pool, headAddress };
}

/** The guest was seen and never joined: another VM made that record, and its jobs died with it. */
function isOfEarlierLife(node: SlurmNode): boolean {
  return node.facts !== undefined && node.facts.scheduler.joinDigest === undefined;
}

/**
 * The VM is not what its record says, so Slurm refuses its registration, and Slurm changes no
 * record by a registration. Work that runs keeps the record alive.
 */
function isMisfit(node: SlurmNode, view: SlurmView, record: NodeRecord): boolean {
  const { facts } = node;
  if (facts === undefined || isUsable(record) || isBusy(view, record)) return false;
  return facts.cpus !== record.cpus || facts.memoryMiB < record.realMemoryMib;
}

/** Memory that a kernel may have less or more from boot to boot, and what the join rounds away. */
const slackMiB = 64;

/**
 * A disk of before is under a domain of another size, as when a person undefined it: slurmd would go
 * on to register what the machine had when it joined.
 */
function isResized({ facts }: SlurmNode): boolean {
  const told = facts?.scheduler.joinHardware;
  if (facts === undefined || told === undefined) return false;
  return told.cpus !== facts.cpus || Math.abs(facts.memoryMiB - told.memoryMiB) > slackMiB;
}

/** A drain of somebody is to outlive the VM, so that record stays, and the VM joins beside it. */
function staleRecord(
  scope: SlurmScope,
  node: SlurmNode,
  view: SlurmView,
  record: NodeRecord,
): Decision | undefined {
  // One that would register the same again joins first.
  const isStale = isOfEarlierLife(node) || (isMisfit(node, view, record) && !isResized(node));
  if (!isStale || isDrainKept(record)) return undefined;
  const why = 'its record is of an earlier VM';
  return {
    verdict: configuring('StaleRecord', `${why}: ${stateText(record)}`),
    actions: onHead(scope, forgetScript(record, 'the VM was replaced'), why),
  };
}

/** Undefined when nothing is to be done in the guest, or nothing is known about it. */
function join(
  scope: SlurmScope,
  node: SlurmNode,
  record: NodeRecord | undefined,
  input: JoinInput,
): Decision | undefined {
  const { facts } = node;
  if (facts === undefined) return undefined;
  const { daemons, joinDigest: joined } = facts.scheduler;
  const runs = [daemons.munge, daemons.slurmd].every(
    ({ active, enabled }) => active === 'active' && enabled,
  );
  const isSame = joined === joinDigest(input);
  const script = joinScript(input);
  const evidence = { daemons, joined, bootId: facts.bootId };
  const work = { family: 'slurm-join', content: { files: joinFiles, script }, evidence };
  const state = workState(work, facts.units, scope.now);
  if (state.kind === 'running') {
    return { verdict: configuring('Joining', `unit ${state.unit} runs`) };
  }
  if (isSame && !isResized(node) && runs && record !== undefined) return undefined;
  if (state.kind === 'resting') {
    const { failure, retryAt } = state;
    return { verdict: { kind: 'failed', reason: 'JoinFailed', message: failure, retryAt } };
  }
  const action = { kind: 'startUnit', unit: state.unit, files: joinFiles, script } as const;
  const verdict: Verdict =
    state.failure === undefined
      ? configuring('Joining', 'slurmd is configured and started')
      : { kind: 'failed', reason: 'JoinFailed', message: state.failure, retryAt: scope.now };
  const why = whyJoin(node, isSame, runs);
  return { verdict, actions: [{ node: node.name, action, why }] };
}

function whyJoin(node: SlurmNode, isSame: boolean, runs: boolean): string {
  if (node.facts?.scheduler.joinDigest === undefined) return 'the node has not joined';
  if (!isSame) return 'an address changed since it joined';
  if (isResized(node)) return 'its VM has other CPUs or memory than when it joined';
  return runs ? 'slurmctld has no record of it' : 'slurmd or munge does not run';
}

/** Joined as far as its guest tells; what does slurmctld say? */
function recorded(scope: SlurmScope, node: SlurmNode, record: NodeRecord): Decision {
  const { address = '' } = node;
  if (record.address !== address && /^[0-9a-f.:]+$/.test(record.address)) {
    // Slurm keeps the address of the first registration, whatever later ones come from.
    const why = `slurmctld reaches for ${record.address}, the node is at ${address}`;
    return {
      verdict: configuring('AddressChanged', why),
      actions: onHead(scope, addressScript(node.name, address), why),
    };
  }
  if (record.isOlder && isRegistered(record)) {
    const why = 'its slurmd started before settings that it reads only then';
    const action = { kind: 'runScript', script: restartSlurmdScript(record) } as const;
    return {
      verdict: configuring('RestartingSlurmd', why),
      actions: [{ node: node.name, action, why }],
    };
  }
  if (isUsable(record)) return { verdict: { kind: 'ready' } };
  if (record.flags.includes('INVALID_REG')) {
    return { verdict: notReady('InvalidRegistration', stateText(record)) };
  }
  if (isDrainedByOthers(record)) {
    const { text = 'no reason given', user = 'somebody' } = record.reason ?? {};
    return { verdict: notReady('DrainedByOthers', `drained by ${user}: ${text}`) };
  }
  if (isReasonOurs(record) && (isDraining(record) || isDown(record))) {
    const why = `${stateText(record)}, and it is wanted`;
    return {
      verdict: configuring('Resuming', why),
      actions: onHead(scope, resumeScript(node.name), why),
    };
  }
  if (!isRegistered(record)) {
    const message = 'slurmctld waits for the registration of its slurmd';
    return { verdict: configuring('Registering', message) };
  }
  return { verdict: notReady('NotUsable', stateText(record)) };
}
