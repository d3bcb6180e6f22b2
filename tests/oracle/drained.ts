/**
 * S3: nothing that may hold work is powered off before its scheduler has it closed and empty, as
 * seen within five seconds; or the deadline that its pool sets has passed since people were told.
 * A scheduler that cannot be asked has not said that a node is empty.
 */
import type { Asked, Checker, Done } from './checker.ts';
import { type KnownRecord, proofMs } from './drains.ts';
import { nodeOf } from './lineage.ts';
import { isRunning, nodeAimedAt, type TargetNode, targetOf } from './targets.ts';
import type { HostTruth } from './truth.ts';
import { drainTimeoutMs, poolOf } from './version.ts';

/** Clocks of the two sides are read at slightly different moments. */
const toleranceMs = 1000;

export const drained: Checker = {
  id: 'S3',
  asked: (asked) => {
    const target = targetOf(asked.effect, asked.truth);
    const node = target && nodeAimedAt(asked.effect, target, asked.memory);
    if (target === undefined || node?.domain === undefined || !isRunning(node.domain)) return [];
    if (asked.effect.kind === 'undefine') return [`asks to undefine ${node.name}, which runs`];
    if (asked.effect.kind !== 'destroy') return [];
    return node.pool === 'head'
      ? headBeforeWorkers(asked, target.host, node)
      : workerWithWork(asked, target.host, node);
  },
  done: (done) => recordBeforePower(done),
};

function headBeforeWorkers({ memory }: Asked, host: HostTruth, head: TargetNode): string[] {
  return host.domains
    .filter((domain) => isRunning(domain) && memory.lineage.isOurs(domain))
    .flatMap((domain) => nodeOf(domain.owner) ?? [])
    .filter(({ cluster, pool }) => cluster === head.cluster && pool !== 'head')
    .filter(({ name }) => memory.drains.record(head.cluster, name) !== undefined)
    .map(({ name }) => `asks to power off ${head.name} while ${name} runs and is on its records`);
}

function workerWithWork(asked: Asked, host: HostTruth, node: TargetNode): string[] {
  const { memory, truth } = asked;
  const record = memory.drains.record(node.cluster, node.name);
  // Never joined, or forgotten by the scheduler: no job can be on it.
  if (record === undefined || isHeadGone(asked, host, node)) return [];
  const emptyFor = truth.now - (record.emptyAt ?? Number.NEGATIVE_INFINITY);
  if (emptyFor <= proofMs || deadlinePassed(asked, node)) return [];
  return [`asks to power off ${node.name}: ${why(record, memory.drains.answers(node.cluster))}`];
}

function why({ jobs, closed }: KnownRecord, answers: boolean): string {
  if (!answers) return 'its scheduler cannot be asked';
  if (!closed) return 'it is open for work';
  return jobs > 0 ? `${jobs} jobs are on it` : 'it was seen empty too long ago';
}

/** A cluster on its way out, whose head does not run any more: nobody can be asked. */
function isHeadGone({ memory, truth }: Asked, host: HostTruth, { cluster }: TargetNode): boolean {
  const deleting = memory.ledger.recent(cluster, truth.now).some((version) => version.deleting);
  const heads = host.domains.filter(({ owner }) => {
    const other = nodeOf(owner);
    return other?.cluster === cluster && other.pool === 'head';
  });
  return deleting && !heads.some(isRunning);
}

function deadlinePassed({ memory, truth }: Asked, { cluster, name, pool }: TargetNode): boolean {
  const since = memory.drains.drainingSince(cluster, name);
  if (since === undefined) return false;
  return memory.ledger.versions(cluster).some((version) => {
    const spec = poolOf(version, pool);
    if (spec === undefined || spec.drain.onTimeout !== 'Force') return false;
    return since + drainTimeoutMs(spec) <= truth.now + toleranceMs;
  });
}

/** A node whose daemon lives registers again, so its record goes after its power. */
function recordBeforePower({ effect, before, after, memory }: Done): string[] {
  if (effect.kind !== 'guest' || effect.reads) return [];
  const running = after.hosts.flatMap(({ domains }) =>
    domains.filter((domain) => isRunning(domain) && memory.lineage.isOurs(domain)),
  );
  return before.schedulers.flatMap((was) => {
    const now = after.schedulers.find(
      ({ namespace, cluster }) => namespace === was.namespace && cluster === was.cluster,
    );
    if (!now?.answers) return [];
    return was.records
      .filter(({ name, jobs, up }) => up && jobs > 0 && effect.script.includes(name))
      .filter(({ name }) => !now.records.some((record) => record.name === name))
      .filter(({ name }) => running.some((domain) => domain.name === name && domain.answers))
      .map(({ name, jobs }) => `the record of ${name} was deleted with ${jobs} jobs on it`);
  });
}
