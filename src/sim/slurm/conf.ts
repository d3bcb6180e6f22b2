/** slurm.conf as Slurm's programs read it: what is in it, and why they refuse it. */
import { NotModelledError } from '../shell/syntax.ts';
import { parameterNames } from './conf-names.ts';

export interface Partition {
  name: string;
  isDefault: boolean;
  /** Names of node sets and nodes, or ALL. */
  nodes: string[];
}

export interface SlurmConf {
  clusterName: string;
  /** Where slurmctld is to be found. */
  hostName: string;
  address: string;
  port: number;
  pidFile: string;
  slurmdTimeoutMs: number;
  partitions: Partition[];
  /** Features by node set. */
  nodeSets: Map<string, string>;
  /** Found by slurmctld alone, and it ends over it; a line for its log. */
  pluginFault?: string;
}

/** What every program of Slurm says of a file with a fault in it. */
export class ConfFault extends Error {
  readonly code = 'SLURM_CONF_FAULT';
  constructor(message: string) {
    super(message);
    this.name = 'ConfFault';
  }
}

const numbers = `BatchStartTimeout CompleteWait InactiveLimit KillWait MaxJobCount MaxNodeCount
  MessageTimeout MinJobAge ReturnToService SlurmctldPort SlurmctldTimeout SlurmdPort SlurmdTimeout
  TCPTimeout TreeWidth WaitTime`
  .toLowerCase()
  .split(/\s+/);

/** Plugins that the package brings, by the parameter that names one. */
const plugins: Record<string, { kind: string; known: string[] }> = {
  schedulertype: { kind: 'sched', known: ['sched/backfill', 'sched/builtin'] },
  prioritytype: { kind: 'priority', known: ['priority/basic', 'priority/multifactor'] },
};

/** Reads files once; every program of every machine asks for the same few again and again. */
export class ConfReader {
  readonly #known = new Map<string, SlurmConf>();

  /** Throws ConfFault. */
  read(text: string): SlurmConf {
    const known = this.#known.get(text);
    if (known !== undefined) return known;
    const conf = parseConf(text);
    this.#known.set(text, conf);
    return conf;
  }
}

function parseConf(text: string): SlurmConf {
  const values = new Map<string, string>();
  const partitions: Partition[] = [];
  const nodeSets = new Map<string, string>();
  for (const line of text.split('\n')) {
    const words = line.replace(/#.*/, '').trim().split(/\s+/);
    if (words[0] === '') continue;
    const pairs = new Map(words.map(pair));
    const partition = pairs.get('partitionname');
    const set = pairs.get('nodeset');
    if (partition !== undefined) {
      const nodes = (pairs.get('nodes') ?? '').split(',');
      partitions.push({ name: partition, isDefault: pairs.get('default') === 'YES', nodes });
    } else if (set !== undefined) nodeSets.set(set, pairs.get('feature') ?? '');
    else if (pairs.has('nodename')) throw new NotModelledError(`slurm.conf: ${line}`);
    else for (const [name, value] of pairs) values.set(name, value);
  }
  const host = /^([^(]+)\(([^)]+)\)$/.exec(values.get('slurmctldhost') ?? '');
  if (host === null) throw new NotModelledError('slurm.conf without an address of slurmctld');
  const pluginFault = faultOfPlugins(values);
  return {
    clusterName: values.get('clustername') ?? '',
    hostName: host[1] ?? '',
    address: host[2] ?? '',
    port: Number(values.get('slurmctldport') ?? 6817),
    pidFile: values.get('slurmctldpidfile') ?? '/var/run/slurmctld.pid',
    slurmdTimeoutMs: Number(values.get('slurmdtimeout') ?? 300) * 1000,
    partitions,
    nodeSets,
    ...(pluginFault !== undefined && { pluginFault }),
  };
}

function pair(word: string): [string, string] {
  const at = word.indexOf('=');
  if (at < 0) throw new ConfFault(`_parse_next_key: Parsing error at unrecognized key: ${word}`);
  const [name, value] = [word.slice(0, at), word.slice(at + 1)];
  const folded = name.toLowerCase();
  if (!parameterNames.has(folded)) {
    throw new ConfFault(`_parse_next_key: Parsing error at unrecognized key: ${name}`);
  }
  if (numbers.includes(folded) && !/^\d+$/.test(value)) {
    throw new ConfFault(`${name} value "${value}" is not a valid number`);
  }
  return [folded, value];
}

function faultOfPlugins(values: ReadonlyMap<string, string>): string | undefined {
  for (const [name, { kind, known }] of Object.entries(plugins)) {
    const value = values.get(name);
    if (value === undefined || known.includes(value)) continue;
    return `error: cannot find ${kind} plugin for ${value}
fatal: Failed to initialize ${kind} plugin`;
  }
  return undefined;
}
