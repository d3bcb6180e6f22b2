/**
 * The least scheduler that the controller can run, and guests that know nothing else: they cost so
 * little that the controller's own work is what a bench of many clusters measures.
 */

import type { GuestAction } from '../src/controllers/bench-cluster/action.ts';
import {
  type GuestResult,
  type GuestRunner,
  type GuestTarget,
  PortError,
} from '../src/controllers/ports.ts';
import type {
  AnyScheduler,
  SchedulerNode,
  SchedulerPlan,
  Verdict,
} from '../src/controllers/schedulers/scheduler.ts';
import type { Clock } from '../src/lib/clock.ts';
import type { SimHypervisor } from '../src/sim/hypervisor.ts';

const viewScript = 'scale-view';

/** The view: the names of the nodes that have joined. */
export const scaleScheduler: AnyScheduler = {
  name: 'slurm',
  checkConfig: () => [],
  factsScript: 'scale-facts',
  parseFacts: () => ({}),
  viewScript,
  parseView: (stdout) => new Set(stdout.split('\n')),
  isReady: (view, node) => view instanceof Set && view.has(node),
  secrets: {},
  plan({ nodes, view }) {
    const actions: SchedulerPlan['actions'] = [];
    const head = nodes.find(({ role }) => role === 'controlPlane');
    const verdictOf = (node: SchedulerNode<unknown>): Verdict => {
      if (node.wanted === 'removed')
        return node.off ? { kind: 'absent' } : { kind: 'drained', message: 'idle' };
      if (view instanceof Set && view.has(node.name)) return { kind: 'ready' };
      const waits = node !== head && view === undefined;
      if (!waits && node.facts !== undefined) {
        const action: GuestAction = { kind: 'startUnit', unit: 'join', files: [], script: 'join' };
        actions.push({ node: node.name, action, why: 'it has not joined' });
      }
      return { kind: 'configuring', reason: 'Joining', message: 'it is joining' };
    };
    return { verdicts: new Map(nodes.map((node) => [node.name, verdictOf(node)])), actions };
  },
};

const sshAfterMs = 4000;
const roundTripMs = 50;
const unitMs = 3000;

/** The guests of one host. */
export class ScaleGuests implements GuestRunner {
  readonly #clock: Clock;
  readonly #hypervisor: SimHypervisor;
  /** Names of the nodes that have joined, by the UID of their cluster. */
  readonly #joined = new Map<string, Set<string>>();

  constructor(clock: Clock, hypervisor: SimHypervisor) {
    this.#clock = clock;
    this.#hypervisor = hypervisor;
  }

  async run(target: GuestTarget, script: string): Promise<GuestResult> {
    await this.#pass(roundTripMs);
    const domain = this.#hypervisor.domain(target.uuid);
    if (domain.state !== 'running' || this.#clock.now() < domain.startedAt + sshAfterMs) {
      throw new PortError('unreachable', `${target.address} does not answer`);
    }
    const uid = domain.owner?.node?.clusterUid ?? '';
    const joined = this.#joined.get(uid) ?? new Set<string>();
    this.#joined.set(uid, joined);
    if (script.includes('begin=facts')) return done(factsOf(domain.name, script, joined));
    await this.#pass(unitMs);
    joined.add(domain.name);
    return done('');
  }

  forget(): void {}

  async close(): Promise<void> {}

  #pass(milliseconds: number): Promise<void> {
    return new Promise((resolve) => {
      this.#clock.after(milliseconds, resolve);
    });
  }
}

function factsOf(name: string, script: string, joined: ReadonlySet<string>): string {
  const lines = [`bc1:bootId=boot-${name}`, `bc1:hostname=${name}`, 'bc1:cpus=1'];
  lines.push('bc1:memoryKiB=1000000', 'bc1:uptime=10', 'bc1:begin=facts/1', '', 'bc1:end=facts/1');
  if (script.includes(viewScript)) {
    const code = joined.size > 0 ? 0 : 1;
    lines.push('bc1:begin=view/1', ...joined, 'bc1:end=view/1', `bc1:viewStatus=${code}`);
  }
  return [...lines, 'bc1:complete=1', ''].join('\n');
}

function done(stdout: string): GuestResult {
  return { exitCode: 0, stdout, stderr: '' };
}
