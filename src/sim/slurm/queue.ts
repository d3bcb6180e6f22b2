/** sbatch, squeue, scancel and sinfo, as far as our scripts and the people of the tests use them. */
import type { Program, ProgramCall, Waiting } from '../shell/machine.ts';
import { NotModelledError } from '../shell/syntax.ts';
import { contact } from './client.ts';
import type { Machine } from './machine.ts';
import { hostList, isIn, type JobRecord } from './records.ts';

const fields: Record<string, (job: JobRecord) => string> = {
  '%i': ({ id }) => id,
  '%T': ({ state }) => state,
  '%N': ({ nodes }) => hostList(nodes),
  '%P': ({ partition }) => partition,
  '%D': ({ count }) => String(count),
};

export function queuePrograms(machine: () => Machine): Map<string, Program> {
  return new Map<string, Program>([
    ['squeue', (call) => squeue(machine(), call)],
    ['sbatch', (call) => sbatch(machine(), call)],
    ['scancel', (call) => scancel(machine(), call)],
    ['sinfo', (call) => sinfo(machine(), call)],
  ]);
}

/** Words by option; an option that is not listed throws. */
function optionsOf({ args }: ProgramCall, flags: string[], valued: string[]) {
  const [set, values, words] = [new Set<string>(), new Map<string, string>(), [] as string[]];
  for (let index = 0; index < args.length; index += 1) {
    const word = args[index] ?? '';
    const joined = /^(-[A-Z])(\d+)$/.exec(word);
    if (joined && valued.includes(joined[1] ?? '')) values.set(joined[1] ?? '', joined[2] ?? '');
    else if (flags.includes(word)) set.add(word);
    else if (valued.includes(word)) {
      index += 1;
      values.set(word, args[index] ?? '');
    } else if (word.startsWith('-')) throw new NotModelledError(args.join(' '));
    else words.push(word);
  }
  return { set, values, words };
}

function* squeue(machine: Machine, call: ProgramCall): Waiting<number> {
  const { set, values } = optionsOf(call, ['-h', '-a'], ['-t', '-o', '-j']);
  const format = values.get('-o') ?? '';
  if (!set.has('-h')) throw new NotModelledError('squeue without -h');
  const { daemon } = yield* contact(machine, call, 'squeue', 'slurm_load_jobs error');
  if (daemon === undefined) return 1;
  const one = values.get('-j');
  const jobs = [...daemon.jobs.all.values()].filter(({ id }) => one === undefined || id === one);
  if (one !== undefined && jobs.length === 0) {
    call.errors.text += 'slurm_load_jobs error: Invalid job id specified\n';
    return 1;
  }
  for (const job of jobs) {
    call.output.text += `${format.replaceAll(/%\w/g, (key) => {
      const field = fields[key];
      if (field === undefined) throw new NotModelledError(`squeue -o ${format}`);
      return field(job);
    })}\n`;
  }
  return 0;
}

function* sbatch(machine: Machine, call: ProgramCall): Waiting<number> {
  const flags = ['--parsable', '--exclusive'];
  const { set, values } = optionsOf(call, flags, ['-w', '-N', '-p', '-o', '--wrap']);
  const { daemon } = yield* contact(
    machine,
    call,
    'sbatch',
    'sbatch: error: Batch job submission failed',
  );
  if (daemon === undefined) return 1;
  const refuse = (why: string): number => {
    call.errors.text += `sbatch: error: Batch job submission failed: ${why}\n`;
    return 1;
  };
  const wanted = values.get('-w')?.split(',') ?? [];
  if (wanted.some((name) => !daemon.nodes.has(name))) return refuse('Invalid node name specified');
  const { partitions } = daemon.conf;
  const name = values.get('-p') ?? partitions.find(({ isDefault }) => isDefault)?.name ?? '';
  if (!partitions.some((partition) => partition.name === name)) {
    return refuse('Invalid partition name specified');
  }
  const count = Math.max(wanted.length, Number(values.get('-N') ?? 1));
  const exclusive = set.has('--exclusive');
  const id = daemon.jobs.submit({ count, wanted, partition: name, exclusive });
  call.output.text += set.has('--parsable') ? `${id}\n` : `Submitted batch job ${id}\n`;
  return 0;
}

function* scancel(machine: Machine, call: ProgramCall): Waiting<number> {
  const { values, words } = optionsOf(call, [], ['-u']);
  const { daemon } = yield* contact(machine, call, 'scancel', 'scancel: error');
  if (daemon === undefined) return 1;
  const all = values.get('-u') === 'root' ? [...daemon.jobs.all.keys()] : [];
  const unknown = [...all, ...words].filter((id) => !daemon.jobs.cancel(id));
  for (const id of unknown) {
    call.errors.text += `scancel: error: Kill job error on job id ${id}: Invalid job id specified\n`;
  }
  return unknown.length === 0 ? 0 : 1;
}

/** The partitions with how many nodes each has, empty ones too. */
function* sinfo(machine: Machine, call: ProgramCall): Waiting<number> {
  const { set, values } = optionsOf(call, ['-h'], ['-o']);
  if (!set.has('-h') || values.get('-o') !== '%R %D') {
    throw new NotModelledError(`sinfo ${call.args.join(' ')}`);
  }
  const { daemon } = yield* contact(machine, call, 'sinfo', 'slurm_load_partitions');
  if (daemon === undefined) return 1;
  for (const partition of daemon.conf.partitions) {
    const nodes = [...daemon.nodes.values()].filter((node) => isIn(partition, node, daemon.conf));
    call.output.text += `${partition.name} ${nodes.length}\n`;
  }
  return 0;
}
