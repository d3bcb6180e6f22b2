/** Values with defaults, so that a case shows only what matters to it. */
import type { UnitView } from '../../../src/controllers/schedulers/scheduler.ts';
import type { DaemonFacts, SlurmFacts } from '../../../src/controllers/schedulers/slurm/facts.ts';
import { joinDigest, renderHead } from '../../../src/controllers/schedulers/slurm/render.ts';
import type { SlurmNode, SlurmScope } from '../../../src/controllers/schedulers/slurm/scope.ts';
import type {
  JobRecord,
  NodeRecord,
  SlurmView,
} from '../../../src/controllers/schedulers/slurm/view.ts';

export const now = 1_800_000_000_000;
export const headName = 'a-head-0';
export const workerName = 'a-w-0';
export const headAddress = '10.0.0.1';
export const workerAddress = '10.0.0.2';

export const input = { name: workerName, address: workerAddress, pool: 'w', headAddress };

export function daemon(active = 'active', enabled = true): DaemonFacts {
  return { active, enabled, incarnation: '1/0' };
}

export function slurmFacts(part: Partial<SlurmFacts> = {}): SlurmFacts {
  const daemons = { munge: daemon(), slurmctld: daemon(), slurmd: daemon() };
  return { daemons, ...part };
}

export function joinedFacts(part: Partial<SlurmFacts> = {}): SlurmFacts {
  return slurmFacts({ joinDigest: joinDigest(input), ...part });
}

export function formedFacts(part: Partial<SlurmFacts> = {}): SlurmFacts {
  const { digest } = renderHead({
    cluster: 'a',
    name: headName,
    address: headAddress,
    pools: ['w'],
    config: { config: {} },
  });
  return slurmFacts({ confDigest: digest, appliedDigest: digest, appliedSerial: '1', ...part });
}

export function unit(name: string, part: Partial<UnitView> = {}): UnitView {
  return {
    name: `benchcluster-${name}.service`,
    activeState: 'active',
    result: 'success',
    exitStatus: 0,
    attempts: 1,
    journalTail: '',
    ...part,
  };
}

function guestFacts(scheduler: SlurmFacts, units: UnitView[]): NonNullable<SlurmNode['facts']> {
  return { bootId: 'boot', hostname: 'h', cpus: 1, memoryMiB: 970, units, scheduler };
}

export function worker(
  part: Partial<SlurmNode> & { facts?: never } = {},
  facts?: SlurmFacts,
  units: UnitView[] = [],
): SlurmNode {
  return {
    name: workerName,
    role: 'worker',
    pool: 'w',
    wanted: 'present',
    drain: { timeoutMs: 600_000, onTimeout: 'Wait' },
    running: true,
    off: false,
    address: workerAddress,
    ...part,
    ...(facts && { facts: guestFacts(facts, units) }),
  };
}

export const off = { running: false, off: true } as const;
export const removed = { wanted: 'removed', removalReason: 'replicas lowered' } as const;

export function head(
  part: Partial<SlurmNode> & { facts?: never } = {},
  facts: SlurmFacts | undefined = formedFacts(),
  units: UnitView[] = [],
): SlurmNode {
  const base = {
    name: headName,
    role: 'controlPlane',
    pool: 'head',
    address: headAddress,
  } as const;
  return worker({ ...base, ...part }, facts, units);
}

/** A head in which a unit of ours runs, with what it told before. */
export function forming(before: SlurmFacts): SlurmNode {
  const base = {
    name: headName,
    role: 'controlPlane',
    pool: 'head',
    address: headAddress,
  } as const;
  return worker({ ...base, factsBefore: guestFacts(before, []) });
}

export function record(part: Partial<NodeRecord> & { state?: string } = {}): NodeRecord {
  const { state = 'IDLE', ...rest } = part;
  const [base = '', ...flags] = state.split('+');
  return {
    name: workerName,
    address: workerAddress,
    cpus: 1,
    realMemoryMib: 960,
    base,
    flags: [...flags, 'DYNAMIC_NORM'],
    bootTime: 1_799_999_000,
    slurmdStartTime: 1_799_999_100,
    ...rest,
  };
}

export const viewClock = 1_700_000_000;

export function ours(text: string, secondsAgo = 10): NonNullable<NodeRecord['reason']> {
  return { text: `benchcluster: ${text}`, user: 'root', at: viewClock - secondsAgo };
}

export function job(id: string, state = 'RUNNING', nodes = [workerName]): JobRecord {
  return { id, state, nodes };
}

export function view(nodes: NodeRecord[], jobs: JobRecord[] = []): SlurmView {
  return { clock: viewClock, nodes: new Map(nodes.map((node) => [node.name, node])), jobs };
}

export function scope(nodes: SlurmNode[], seen?: SlurmView): SlurmScope {
  return {
    cluster: { namespace: 'default', name: 'a', uid: 'u' },
    config: { config: {} },
    pools: ['w'],
    nodes,
    ...(seen ? { view: seen } : { viewError: 'connection refused' }),
    now,
  };
}
