/**
 * The files that reach a guest: slurm.conf, drop-ins of units, the munge key as a secret that only
 * the executor reads. Pure.
 */
import type { SlurmSpec } from '../../../crd/bench-cluster.ts';
import { digestOf, sha256 } from '../../../lib/hash.ts';
import type { GuestFile } from '../../bench-cluster/action.ts';
import { mergedParameters, needsRestart, needsSlurmdRestart, type Parameter } from './config.ts';

export const mungeKeySecret = 'munge.key';
export const stateDir = '/var/lib/benchcluster';
export const trialDir = `${stateDir}/trial`;
export const stagedPath = `${stateDir}/slurm.conf`;
export const goodPath = `${stateDir}/slurm.conf.good`;
const defaultPartition = 'all';

export interface HeadInput {
  cluster: string;
  name: string;
  address: string;
  pools: string[];
  config: SlurmSpec;
}

export interface JoinInput {
  name: string;
  address: string;
  pool: string;
  headAddress: string;
}

export interface RenderedHead {
  conf: string;
  /** Of `conf`, as sha256sum prints it. */
  digest: string;
}

/** Of the parameters that a daemon reads only when it starts. */
export interface StartDigests {
  slurmctld: string;
  slurmd: string;
}

export function renderHead(input: HeadInput): RenderedHead {
  const conf = [
    '# Written by the BenchCluster controller; other changes are undone.',
    ...parametersOf(input).map(([name, value]) => `${name}=${value}`),
    ...input.pools.map((pool) => `NodeSet=pool-${pool} Feature=${pool}`),
    `PartitionName=${defaultPartition} Nodes=ALL Default=YES MaxTime=INFINITE State=UP`,
    ...input.pools.map(
      (pool) => `PartitionName=${partitionOf(pool)} Nodes=pool-${pool} MaxTime=INFINITE State=UP`,
    ),
    '',
  ].join('\n');
  return { conf, digest: sha256(conf) };
}

export function startDigests(input: HeadInput): StartDigests {
  const all = parametersOf(input);
  return {
    slurmctld: digestOf(all.filter(([name]) => name === 'ClusterName' || needsRestart(name))),
    slurmd: digestOf(all.filter(([name]) => needsSlurmdRestart(name))),
  };
}

function parametersOf({ cluster, name, address, config }: HeadInput): Parameter[] {
  return [
    ['ClusterName', cluster],
    ['SlurmctldHost', `${name}(${address})`],
    ...mergedParameters(config),
  ];
}

/** `default` (a keyword of Slurm) and the partition of all nodes are not free for pools. */
export function partitionOf(pool: string): string {
  return pool === 'default' || pool === defaultPartition ? `${pool}-pool` : pool;
}

function dropIn(unit: string): GuestFile {
  return {
    path: `/etc/systemd/system/${unit}.service.d/10-benchcluster.conf`,
    mode: '0644',
    owner: 'root:root',
    content: { text: '[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\nRestartSec=2\n' },
  };
}

const mungeKey: GuestFile = {
  path: '/etc/munge/munge.key',
  mode: '0400',
  owner: 'munge:munge',
  content: { secret: mungeKeySecret },
};

export function headFiles(head: RenderedHead): GuestFile[] {
  return [
    mungeKey,
    dropIn('munge'),
    dropIn('slurmctld'),
    { path: stagedPath, mode: '0644', owner: 'root:root', content: { text: head.conf } },
  ];
}

export const joinFiles: GuestFile[] = [mungeKey, dropIn('munge'), dropIn('slurmd')];

/** What the join that is in place was made from; not its text, so that a new release changes none. */
export function joinDigest(input: JoinInput): string {
  return digestOf(input).slice(0, 32);
}
