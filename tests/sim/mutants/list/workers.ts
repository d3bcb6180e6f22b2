/** Mistakes about nodes with work on them. */
import { cluster, type Mutant, slurm } from '../mutant.ts';

export const workers: Mutant[] = [
  {
    name: 'a drain is remembered',
    file: `${cluster}/plan.ts`,
    from: 'const verdict = joined.verdicts.get(node.name);',
    to: `const was = observed.previous?.nodes.find(({ name }) => name === node.name)?.phase;
    const verdict = was === 'Draining'
      ? ({ kind: 'drained', message: 'it was' } as const) : joined.verdicts.get(node.name);`,
    net: 'shrink with a job',
    says: 'S3',
  },
  {
    name: 'no view means that nothing runs',
    file: `${cluster}/plan.ts`,
    from: 'const verdict = joined.verdicts.get(node.name);',
    to: `const verdict = observed.scheduler.view === undefined
      ? ({ kind: 'drained', message: 'nobody answers' } as const) : joined.verdicts.get(node.name);`,
    net: 'shrink while the head is silent',
    says: 'S3',
  },
  {
    name: 'a node is powered off while it drains',
    file: `${cluster}/stages/removal.ts`,
    from: "if (verdict?.kind !== 'drained' && verdict?.kind !== 'absent')",
    to: "if (verdict?.kind === 'ready')",
    net: 'shrink with a job',
    says: 'S3',
  },
  {
    name: 'jobs on a drained node do not count',
    file: `${slurm}/leave.ts`,
    from: 'if (!isBusy(view, record)) return',
    to: 'if (view !== undefined) return',
    net: 'shrink with a job',
    says: 'S3',
  },
  {
    name: 'what the scheduler said counts for as long as the host takes to list',
    file: `${cluster}/observe.ts`,
    from: 'const isOld = answer.at !== undefined && !ports.guests.isFresh(answer.at);',
    to: 'const isOld = false;',
    net: 'a job while the host is slow to list',
    says: 'S3',
  },
  {
    name: 'the deadline of a drain is at once',
    file: `${cluster}/desired.ts`,
    from: 'timeoutMs: millisecondsOf(pool.drain.timeout),',
    to: 'timeoutMs: 0 * millisecondsOf(pool.drain.timeout),',
    net: 'force at the deadline',
    says: 'S3',
  },
  {
    name: 'the deadline of a drain never comes',
    file: `${slurm}/leave.ts`,
    from: 'if (scope.now < deadline) return undefined;',
    to: 'if (scope.now < Number.POSITIVE_INFINITY) return undefined;',
    net: 'force at the deadline',
    says: 'L1',
  },
  {
    name: 'every drain is taken for ours',
    file: `${slurm}/node-state.ts`,
    from: 'return node.reason?.text.startsWith(reasonPrefix) ?? false;',
    to: 'return node.reason !== undefined;',
    net: 'a drain by hand',
    says: 'L2',
  },
  {
    name: 'the mark of a node goes before its disk',
    file: `${cluster}/stages/removal.ts`,
    from: "if (deleteVolume) return remove('its disk is deleted', deleteVolume);",
    to: "if (deleteVolume && !undefine) return remove('its disk is deleted', deleteVolume);",
    net: 'shrink with a job',
    says: 'S13',
  },
  {
    name: 'more nodes are replaced than the pool can spare',
    file: `${cluster}/rollout.ts`,
    from: `const budget = usable.length - (pool.replicas - pool.maxUnavailable);
    const useless = nodes.filter((node) => !usable.includes(node));
    const most = pool.maxUnavailable + pool.maxSurge;`,
    to: `const budget = usable.length;
    const useless = nodes.filter((node) => !usable.includes(node));
    const most = pool.replicas;`,
    net: 'rollout',
    says: 'S16',
  },
  {
    name: 'the head is replaced like any other node',
    file: `${cluster}/rollout.ts`,
    from: "if (pool.role === 'controlPlane') continue;",
    to: '',
    net: 'a head of an earlier spec',
    says: 'S7',
  },
  {
    name: 'a listing that is given out again is another one',
    file: `${cluster}/sightings.ts`,
    from: 'return look.listing !== before.listing || look.at - before.at >= sharedMs;',
    to: 'return look.at > 0 && before.at >= 0;',
    net: 'an old listing',
    says: 'S3',
  },
  {
    name: 'one listing is enough where nobody contradicts it',
    file: `${cluster}/stages/scheduler.ts`,
    from: '!mayRun(node.domain) && !isUnsure(scope, node)',
    to: '!mayRun(node.domain) && (!isUnsure(scope, node) || before !== undefined)',
    net: 'an old listing',
    says: 'S3',
  },
  {
    name: 'a failed command is told with all that it was given',
    file: `${cluster}/execute.ts`,
    from: 'const tail = result.stderr.trim().slice(-400);',
    to: 'const tail = /[A-Za-z0-9+/=]{60,}/.exec(script)?.[0] ?? script;',
    net: 'a unit that fails',
    says: 'S12',
  },
  {
    name: 'the error of a failed command has all that the command was given',
    file: `${cluster}/execute.ts`,
    from: 'if (result.exitCode === 0) return;',
    to: `if (result.exitCode !== 0) {
      throw Object.assign(new PortError('failed', 'a command failed'), { input: script });
    }
    if (result.exitCode === 0) return;`,
    net: 'a unit that fails',
    says: 'S12',
  },
  {
    name: 'whichever run there is is powered off',
    file: `${cluster}/execute.ts`,
    from: 'return hypervisor.changeDomain(action.change, action.domain, signal);',
    to: `const { id: _, ...domain } = action.domain;
      return hypervisor.changeDomain(action.change, domain, signal);`,
    net: 'shrink with a job',
    says: 'S9',
  },
  {
    name: 'nobody else drains a node of which the record is to go',
    file: `${slurm}/commands.ts`,
    from: "*+DRAIN*) echo 'others have drained it meanwhile'; exit 0 ;;",
    to: '',
    net: 'a drain by hand as the record of a lost machine goes',
    says: 'S14',
  },
];
