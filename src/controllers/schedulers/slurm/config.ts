/**
 * The parameters of slurm.conf: safe defaults, the user's over them, and what the user may not set.
 * Names are matched without regard to case, as Slurm does. A parameter or value that the installed
 * Slurm does not know is found there, by the head's script, before it takes the place of a good one.
 */
import type { SlurmSpec } from '../../../crd/bench-cluster.ts';
import { oncePer } from '../../../lib/once-per.ts';

export type Parameter = readonly [name: string, value: string];

/** What holds unless the user says otherwise. */
const defaults: Record<string, string> = {
  SchedulerType: 'sched/backfill',
  // Memory is not shared out: a job that names none would otherwise take all of a node.
  SelectTypeParameters: 'CR_Core',
  ProctrackType: 'proctrack/linuxproc',
  TaskPlugin: 'task/none',
  JobCompType: 'jobcomp/none',
  MpiDefault: 'none',
  SlurmdTimeout: '120',
  SlurmctldTimeout: '60',
  // A slurmctld that died hard may remember an srun as running that has long ended, and that would
  // hold its nodes, and their drains, for ever.
  InactiveLimit: '300',
  KillWait: '30',
  MailProg: '/bin/true',
};

/** What the cluster's life rests on; the user's value is refused. */
const owned: Record<string, string> = {
  SelectType: 'select/cons_tres',
  AuthType: 'auth/munge',
  CredType: 'cred/munge',
  SlurmUser: 'slurm',
  SlurmdUser: 'root',
  SlurmctldPort: '6817',
  SlurmdPort: '6818',
  StateSaveLocation: '/var/lib/slurm/slurmctld',
  SlurmdSpoolDir: '/var/lib/slurm/slurmd',
  SlurmctldPidFile: '/run/slurmctld.pid',
  SlurmdPidFile: '/run/slurmd.pid',
  // A worker that comes back after a crash is taken back without a hand.
  ReturnToService: '2',
  MaxNodeCount: '4096',
  // Nodes that join do not know each other's addresses, so slurmctld speaks to each itself.
  TreeWidth: '65533',
};

/** Written by `render.ts` from the cluster, or able to pull in other text. */
const refused = `ClusterName SlurmctldHost SlurmctldAddr ControlMachine ControlAddr BackupController
  BackupAddr NodeName NodeSet PartitionName DownNodes FrontendName Include`.split(/\s+/);

/** Changes that `scontrol reconfigure` does not carry out (man slurm.conf); jobs outlive both. */
const restartNeeded =
  `AccountingStorageEnforce AccountingStorageType AuthAltTypes AuthType CoreSpecPlugin
  CredType GresTypes JobAcctGatherType JobCompType JobContainerType LaunchParameters MaxArraySize
  MaxJobCount MaxNodeCount PluginDir PowerPlugin PreemptType PriorityType ProctrackType
  SchedulerParameters SchedulerType SelectType SelectTypeParameters SlurmUser SlurmctldHost
  SlurmctldParameters SlurmctldPort SlurmdPort StateSaveLocation SwitchType TaskPlugin
  TopologyPlugin`.split(/\s+/);

/** Changes that a slurmd learns of only when it starts; jobs outlive that. */
const slurmdRestartNeeded = `AcctGatherEnergyType AcctGatherFilesystemType
  AcctGatherInterconnectType AcctGatherProfileType AuthAltTypes AuthType CommunicationParameters
  CoreSpecPlugin CredType GresTypes JobAcctGatherType JobContainerType MpiDefault MpiParams
  NodeFeaturesPlugins PluginDir PrEpPlugins ProctrackType RoutePlugin SelectType SlurmdParameters
  SlurmdPort SlurmdSpoolDir SwitchType TaskPlugin TaskPluginParam TopologyPlugin`.split(/\s+/);

const maxValueLength = 1024;

function indexed(names: string[]): Map<string, string> {
  return new Map(names.map((name) => [name.toLowerCase(), name]));
}

const refusedNames = indexed([...refused, ...Object.keys(owned)]);
const defaultNames = indexed(Object.keys(defaults));
const restartNames = indexed(restartNeeded);
const slurmdRestartNames = indexed(slurmdRestartNeeded);

/** Faults of the user's parameters, each with its path below `spec.scheduler.slurm`. */
export function checkConfig(spec: SlurmSpec): { path: string; message: string }[] {
  const faults: { path: string; message: string }[] = [];
  const seen = new Map<string, string>();
  for (const [key, value] of Object.entries(spec.config)) {
    const path = `config.${key}`;
    const folded = key.toLowerCase();
    const twin = seen.get(folded);
    seen.set(folded, key);
    if (!/^[A-Za-z][A-Za-z0-9]*$/.test(key)) {
      faults.push({ path, message: 'is not the name of a parameter' });
      continue;
    }
    if (twin !== undefined) faults.push({ path, message: `is the same parameter as ${twin}` });
    if (refusedNames.has(folded)) {
      faults.push({ path, message: `${refusedNames.get(folded)} is set by the controller` });
      continue;
    }
    const message = faultOfValue(value);
    if (message !== undefined) faults.push({ path, message });
  }
  return faults;
}

function faultOfValue(value: string | number): string | undefined {
  const text = String(value);
  if (typeof value === 'number' && !Number.isFinite(value)) return 'must be a finite number';
  if (text.trim() === '') return 'must not be empty; leave the parameter out instead';
  if (text.length > maxValueLength) return `must not be longer than ${maxValueLength} characters`;
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(text))
    return 'must be one line without control characters';
  if (text.includes('#')) return 'must not contain "#", which starts a comment in slurm.conf';
  if (/\\\s*$/.test(text)) return 'must not end in a backslash, which joins lines in slurm.conf';
  if (/\s/.test(text.trim())) {
    return 'must not contain spaces: slurm.conf takes what follows for another parameter';
  }
  return undefined;
}

/**
 * All parameters but those of nodes and partitions, in a fixed order.
 * Throws on what `checkConfig` finds: nothing unchecked reaches a file.
 */
export const mergedParameters = oncePer((spec: SlurmSpec): readonly Parameter[] => {
  const [fault] = checkConfig(spec);
  if (fault !== undefined) throw new RangeError(`${fault.path} ${fault.message}`);
  const merged = new Map<string, string>(Object.entries(defaults));
  const parameters = ['enable_configless'];
  for (const [key, value] of Object.entries(spec.config)) {
    const folded = key.toLowerCase();
    const text = String(value).trim();
    if (folded === 'slurmctldparameters') {
      const given = text.split(',').filter((item) => item !== '' && !parameters.includes(item));
      parameters.push(...given);
    } else merged.set(defaultNames.get(folded) ?? key, text);
  }
  merged.set('SlurmctldParameters', parameters.join(','));
  for (const [name, value] of Object.entries(owned)) merged.set(name, value);
  return [...merged].sort(([a], [b]) => (a < b ? -1 : 1));
});

export function needsRestart(parameter: string): boolean {
  return restartNames.has(parameter.toLowerCase());
}

export function needsSlurmdRestart(parameter: string): boolean {
  return slurmdRestartNames.has(parameter.toLowerCase());
}
