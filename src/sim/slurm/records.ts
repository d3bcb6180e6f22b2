/** What slurmctld knows of nodes and jobs, how its programs write it, and its files on the disk. */
import type { Partition, SlurmConf } from './conf.ts';

export interface NodeRecord {
  name: string;
  /** Of the first registration, until a person changes it. */
  address: string;
  cpus: number;
  memoryMiB: number;
  features: string[];
  down: boolean;
  drain: boolean;
  invalid: boolean;
  notResponding: boolean;
  /** Unix seconds; absent until it has registered with this run of slurmctld. */
  bootTime?: number;
  slurmdStartTime?: number;
  reason?: { text: string; user: string; at: number };
}

export type JobState = 'PENDING' | 'RUNNING' | 'COMPLETING';

export interface JobRecord {
  id: string;
  state: JobState;
  /** How many nodes, and which of them must be among these. */
  count: number;
  wanted: string[];
  partition: string;
  exclusive: boolean;
  comment: string;
  /** Where it runs, or is ending. */
  nodes: string[];
  /** Milliseconds since the epoch. */
  startedAt: number;
}

export interface Saved {
  nextId: number;
  nodes: NodeRecord[];
  jobs: JobRecord[];
}

const nodeFile = '/var/lib/slurm/slurmctld/node_state';
const jobFile = '/var/lib/slurm/slurmctld/job_state';

export function writeState(disk: Map<string, string>, { nodes, ...jobs }: Saved): void {
  disk.set(nodeFile, JSON.stringify(nodes));
  disk.set(jobFile, JSON.stringify(jobs));
}

export function readState(disk: ReadonlyMap<string, string>): Saved {
  const nodes = JSON.parse(disk.get(nodeFile) ?? '[]');
  return { nextId: 1, jobs: [], ...JSON.parse(disk.get(jobFile) ?? '{}'), nodes };
}

export function cpusOf(job: JobRecord, node: NodeRecord): number {
  return job.exclusive ? node.cpus : 1;
}

/** The first word of the state, from how many of its CPUs are taken. */
export function baseOf(node: NodeRecord, allocated: number): string {
  if (node.down) return 'DOWN';
  if (allocated === 0) return 'IDLE';
  return allocated >= node.cpus ? 'ALLOCATED' : 'MIXED';
}

export function isIn(partition: Partition, node: NodeRecord, conf: SlurmConf): boolean {
  return partition.nodes.some((name) => {
    const feature = conf.nodeSets.get(name);
    if (name === 'ALL' || name === node.name) return true;
    return feature !== undefined && node.features.includes(feature);
  });
}

/** One record as `scontrol show node -o` prints it. */
export function nodeText(
  node: NodeRecord,
  jobs: readonly JobRecord[],
  allocated: number,
  conf: SlurmConf,
  time: (seconds: number) => string,
): string {
  const { name, address, cpus, memoryMiB, features, reason } = node;
  const isCompleting = jobs.some(({ state }) => state === 'COMPLETING');
  const flags = [
    baseOf(node, allocated),
    ...(node.drain ? ['DRAIN'] : []),
    ...(isCompleting ? ['COMPLETING'] : []),
    'DYNAMIC_NORM',
    ...(node.notResponding ? ['NOT_RESPONDING'] : []),
    ...(node.invalid ? ['INVALID_REG'] : []),
  ];
  const partitions = conf.partitions.filter((one) => isIn(one, node, conf)).map((one) => one.name);
  const when = (at: number | undefined) => (at === undefined ? 'None' : time(at));
  const tres = `cpu=${cpus},mem=${memoryMiB}M,billing=${cpus}`;
  return [
    `NodeName=${name} Arch=x86_64 CoresPerSocket=${cpus}  CPUAlloc=${allocated} CPUEfctv=${cpus}`,
    `CPUTot=${cpus} CPULoad=0.00 AvailableFeatures=${features} ActiveFeatures=${features}`,
    `Gres=(null) NodeAddr=${address} NodeHostName=${name} Version=22.05.8`,
    `OS=Linux 6.1.0-18-cloud-amd64 #1 SMP PREEMPT_DYNAMIC Debian 6.1.76-1 (2024-02-01) `,
    `RealMemory=${memoryMiB} AllocMem=0 FreeMem=${memoryMiB} Sockets=1 Boards=1`,
    `State=${flags.join('+')} ThreadsPerCore=1 TmpDisk=0 Weight=1 Owner=N/A MCS_label=N/A`,
    `Partitions=${partitions.join(',')}  BootTime=${when(node.bootTime)}`,
    `SlurmdStartTime=${when(node.slurmdStartTime)} LastBusyTime=${when(node.slurmdStartTime)}`,
    `CfgTRES=${tres} AllocTRES=${allocated > 0 ? `cpu=${allocated}` : ''} CapWatts=n/a`,
    'CurrentWatts=0 AveWatts=0 ExtSensorsJoules=n/s ExtSensorsWatts=0 ExtSensorsTemp=n/s',
    ...(reason ? [`Reason=${reason.text} [${reason.user}@${time(reason.at)}]`] : []),
  ].join(' ');
}

/** Names as Slurm shortens them: `a-[0-2,7],b`. */
export function hostList(names: readonly string[]): string {
  const numbered = new Map<string, string[]>();
  for (const name of [...names].sort()) {
    const [, stem = name, number] = /^(.*?)(\d+)$/.exec(name) ?? [];
    numbered.set(stem, [...(numbered.get(stem) ?? []), ...(number === undefined ? [] : [number])]);
  }
  return [...numbered]
    .map(([stem, numbers]) => {
      if (numbers.length < 2) return `${stem}${numbers[0] ?? ''}`;
      return `${stem}[${ranges(numbers)}]`;
    })
    .join(',');
}

function ranges(numbers: string[]): string {
  const runs: [first: string, last: string][] = [];
  for (const number of numbers.sort((a, b) => Number(a) - Number(b))) {
    const run = runs.at(-1);
    const isNext = run !== undefined && Number(number) === Number(run[1]) + 1;
    if (isNext && run[1].length === number.length) run[1] = number;
    else runs.push([number, number]);
  }
  return runs.map(([first, last]) => (first === last ? first : `${first}-${last}`)).join(',');
}
