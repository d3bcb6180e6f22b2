/**
 * A scheduler small enough to read at once, with what makes schedulers hard: it must be formed on
 * the head before anybody joins, its records live on the head's disk, nodes are drained before
 * they leave and forgotten after they are off, jobs hold a drain up, and it cannot be asked while
 * the head is away. The module is pure like every other; the program plays it inside of guests.
 */
import type {
  SchedulerModule,
  SchedulerNode,
  SchedulerPlan,
  SchedulerScope,
  Verdict,
} from '../../src/controllers/schedulers/scheduler.ts';

export interface FakeFacts {
  files: number;
}

export interface FakeNodeView {
  name: string;
  up: boolean;
  /** Why it is closed for work. */
  drain?: string;
  jobs: number;
}

export type FakeView = FakeNodeView[];
export const keyPath = '/etc/fake/key';
/** Not text, as most keys are not. The same in every run, so that every run is the same. */
const key = Uint8Array.of(0xff, 0x27, 0x0a, 0x00, 0x5c, 0x80, 0x41, 0x24);
const ourDrain = 'benchcluster: ';

type Scope = SchedulerScope<unknown, FakeFacts, FakeView>;
type Node = SchedulerNode<FakeFacts>;
type Decision = { verdict: Verdict; action?: SchedulerPlan['actions'][number] };

export const fakeScheduler: SchedulerModule<unknown, FakeFacts, FakeView> = {
  name: 'slurm',
  checkConfig: () => [],
  factsScript: 'fake-facts',
  parseFacts: (stdout) => ({ files: Number(stdout) }),
  viewScript: 'fake-view',
  parseView: (stdout) => JSON.parse(stdout),
  isReady: (view, name) =>
    view.some((node) => node.name === name && node.up && node.drain === undefined),
  secrets: { key: async () => key },
  plan(scope) {
    const decisions = scope.nodes.map((node) => ({ node, ...decide(scope, node) }));
    return {
      actions: decisions.flatMap(({ action }) => action ?? []),
      verdicts: new Map(decisions.map(({ node, verdict }) => [node.name, verdict])),
    };
  },
};

function decide(scope: Scope, node: Node): Decision {
  if (node.role === 'controlPlane') {
    return node.wanted === 'present' ? headPresent(scope, node) : headRemoved(scope, node);
  }
  return node.wanted === 'present' ? workerPresent(scope, node) : workerRemoved(scope, node);
}

function headPresent(scope: Scope, head: Node): Decision {
  if (scope.view?.some(({ name }) => name === head.name)) return { verdict: { kind: 'ready' } };
  return guestUnit(scope.now, head, 'form', 'the scheduler is being formed');
}

function headRemoved(scope: Scope, head: Node): Decision {
  const others = scope.nodes.filter(({ name }) => name !== head.name);
  if (others.length > 0) {
    return { verdict: draining('WaitingForWorkers', `${others.length} workers are still there`) };
  }
  return { verdict: head.off ? { kind: 'absent' } : { kind: 'drained', message: 'no workers' } };
}

function workerPresent(scope: Scope, node: Node): Decision {
  const head = scope.nodes.find(({ role }) => role === 'controlPlane');
  if (scope.view === undefined || head?.address === undefined) {
    return { verdict: configuring('WaitingForHead', scope.viewError ?? 'no head') };
  }
  const record = scope.view.find(({ name }) => name === node.name);
  if (record?.drain?.startsWith(ourDrain)) {
    return { verdict: configuring('Resuming', 'taken back'), action: tell(head, 'resume', node) };
  }
  if (record?.drain !== undefined) {
    return { verdict: { kind: 'notReady', reason: 'Drained', message: record.drain } };
  }
  if (record?.up) return { verdict: { kind: 'ready' } };
  return guestUnit(
    scope.now,
    node,
    `join-${head.address.replaceAll('.', '-')}`,
    'the node is joining',
  );
}

function workerRemoved(scope: Scope, node: Node): Decision {
  const head = scope.nodes.find(({ role }) => role === 'controlPlane');
  // The head leaves too, and is off or was never formed: nobody to ask, nothing to be forgotten by.
  const formed = head?.facts === undefined || head.facts.scheduler.files > 0;
  if (head === undefined || (head.wanted === 'removed' && (head.off || !formed))) {
    return { verdict: node.off ? { kind: 'absent' } : { kind: 'drained', message: 'no head' } };
  }
  if (scope.view === undefined) {
    return { verdict: draining('SchedulerUnreachable', scope.viewError ?? 'no answer') };
  }
  const record = scope.view.find(({ name }) => name === node.name);
  if (record === undefined) return { verdict: { kind: 'absent' } };
  if (node.off) {
    return { verdict: draining('Leaving', 'is off'), action: tell(head, 'delete', node) };
  }
  const deadline = (node.removalSince ?? scope.now) + node.drain.timeoutMs;
  if (node.drain.onTimeout === 'Force' && scope.now >= deadline) {
    return { verdict: { kind: 'drained', message: 'the deadline has passed' } };
  }
  if (record.drain === undefined) {
    return {
      verdict: { ...draining('Draining', 'closed for work'), deadline },
      action: tell(head, 'drain', node),
    };
  }
  if (record.jobs > 0) return { verdict: { ...draining('JobsRunning', 'has jobs'), deadline } };
  return { verdict: { kind: 'drained', message: 'no job runs' } };
}

function guestUnit(now: number, node: Node, unit: string, message: string): Decision {
  const verdict = configuring('UnitRunning', message);
  if (node.facts === undefined) return { verdict };
  const view = node.facts.units.find(({ name }) => name === `benchcluster-${unit}.service`);
  if (view?.activeState === 'activating' || view?.activeState === 'active') return { verdict };
  const content = { secret: 'key' };
  const files = [{ path: keyPath, mode: '0600', owner: 'root:root', content }];
  const start = { kind: 'startUnit', unit, files, script: `fake ${unit}` } as const;
  const action = { node: node.name, action: start, why: message };
  if (view?.activeState !== 'failed') return { verdict, action };
  const leftMs = Math.max(0, 5 - (view.endedSecondsAgo ?? 0)) * 1000;
  return {
    verdict: {
      kind: 'failed',
      reason: 'UnitFailed',
      message: view.journalTail,
      retryAt: now + leftMs,
    },
    ...(leftMs === 0 && { action }),
  };
}

function tell(head: Node, verb: 'drain' | 'resume' | 'delete', node: Node) {
  const script = `fake-ctl ${verb} ${node.name} ${ourDrain}${node.removalReason ?? ''}`;
  return { node: head.name, action: { kind: 'runScript', script } as const, why: verb };
}

function configuring(reason: string, message: string): Verdict {
  return { kind: 'configuring', reason, message };
}

function draining(reason: string, message: string): Verdict & { kind: 'draining' } {
  return { kind: 'draining', reason, message };
}
