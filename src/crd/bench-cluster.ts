/**
 * BenchCluster: a scheduler on so many VMs of a generic image.
 * The schema is the one source of types, validation, defaults, docs and the CRD; see `field.ts`
 * for update effects. Unknown fields are faults. Rules that span fields stand in
 * `cluster-rules.ts`.
 */
import { z } from 'zod';
import { AuthorizedKey } from './authorized-key.ts';
import {
  checkNames,
  checkRollout,
  checkSubnetSize,
  clusterCel,
  reservedPoolName,
  rolloutCel,
} from './cluster-rules.ts';
import { apiVersion, field, Label, Name, ObjectMeta } from './field.ts';
import { Duration, machineFields } from './machine.ts';
import { SlurmConfig } from './slurm-config.ts';
import { networkOf, parseSubnet, refusalOfSubnet } from './subnet.ts';

const DrainPolicy = z.strictObject({
  timeout: field(Duration.default('10m'), 'live', 'How long running jobs may take to end.'),
  onTimeout: field(
    z.enum(['Wait', 'Force']).default('Wait'),
    'live',
    'After the timeout: `Wait` goes on waiting visibly, `Force` removes the node with its jobs.',
  ),
});

const Rollout = z
  .strictObject({
    maxUnavailable: field(
      z.int().min(0).max(1000).default(1),
      'live',
      'Nodes of `replicas` that may be missing at a time while VMs are replaced.',
    ),
    maxSurge: field(
      z.int().min(0).max(1000).default(0),
      'live',
      'Nodes beyond `replicas` that stand in while VMs are replaced, and are removed afterwards.',
    ),
  })
  .check(({ value, issues }) => {
    issues.push(...checkRollout(value));
  });

export const ControlPlane = z.strictObject({
  replicas: field(z.literal(1).default(1), 'immutable', 'Head nodes; one in this release.'),
  ...machineFields,
});

export const WorkerPool = z.strictObject({
  name: field(
    Label.max(20).refine((name) => name !== reservedPoolName, {
      error: `must not be "${reservedPoolName}": that is the pool of the head node`,
    }),
    'immutable',
    'Name of the pool, part of its node names.',
    { cel: [{ rule: `self != '${reservedPoolName}'`, message: 'is the pool of the head node' }] },
  ),
  replicas: field(z.int().min(0).max(1000), 'live', 'Nodes in the pool.'),
  ...machineFields,
  drain: field(DrainPolicy.prefault({}), 'live', 'How nodes are emptied before removal.'),
  rollout: field(
    Rollout.prefault({}),
    'live',
    'How a change of VMs rolls through the pool.',
    rolloutCel,
  ),
});
export type WorkerPool = z.infer<typeof WorkerPool>;

export const SlurmSpec = z.strictObject({
  config: field(
    SlurmConfig.default({}),
    'live',
    'Parameters of slurm.conf, merged over safe defaults.',
  ),
});
export type SlurmSpec = z.infer<typeof SlurmSpec>;

export const Scheduler = z.strictObject({
  slurm: field(SlurmSpec, 'immutable', 'A Slurm cluster (configless, dynamic nodes).'),
});

const ManagedNetwork = z.strictObject({
  cidr: field(
    z.cidrv4('must be an IPv4 subnet such as 192.168.150.0/24').check((context) => {
      const subnet = parseSubnet(context.value);
      if (subnet === undefined) return;
      const network = networkOf(subnet);
      const refusal =
        network === context.value ? refusalOfSubnet(subnet) : 'is an address within its subnet';
      if (refusal === undefined) return;
      const params = network === context.value ? {} : { hint: `write ${network}` };
      context.issues.push({ code: 'custom', message: refusal, params, input: context.value });
    }),
    'immutable',
    'IPv4 subnet of the network; the host is its first address.',
  ),
  forward: field(
    z.enum(['none', 'nat']).default('nat'),
    'immutable',
    '`nat` gives guests the outside, `none` isolates them.',
  ),
});

export const NetworkSpec = z.strictObject({
  name: field(Name, 'immutable', 'Name of the libvirt network.'),
  managed: field(
    ManagedNetwork.optional(),
    'immutable',
    'Present: the controller creates the network when missing and deletes it with its last cluster.',
  ),
});
export type NetworkSpec = z.infer<typeof NetworkSpec>;

const Access = z.strictObject({
  authorizedKeys: field(z.array(AuthorizedKey).max(50).default([]), 'rolling', 'SSH public keys.'),
});

const Placement = z.strictObject({
  hosts: field(z.array(Name).length(1), 'immutable', 'BenchHosts to use; one in this release.'),
});

export const BenchClusterSpec = z
  .strictObject({
    scheduler: field(Scheduler, 'immutable', 'The scheduler that owns the work; exactly one.'),
    image: field(Name, 'rolling', 'BenchImage of the nodes.'),
    network: field(NetworkSpec, 'immutable', 'The libvirt network of the nodes.'),
    controlPlane: field(ControlPlane.prefault({}), 'rolling', 'The head node.'),
    workers: field(z.array(WorkerPool).min(0).max(50), 'live', 'Pools of workers.', {
      keyedBy: 'name',
    }),
    access: field(
      Access.prefault({}),
      'rolling',
      'Who may log in to the nodes besides the controller.',
    ),
    placement: field(
      Placement.optional(),
      'immutable',
      'Where the nodes live; default: the only BenchHost.',
    ),
    paused: field(z.boolean().default(false), 'live', 'True: observe and report, change nothing.'),
  })
  .check(({ value, issues }) => {
    issues.push(...checkSubnetSize(value));
  });
export type BenchClusterSpec = z.infer<typeof BenchClusterSpec>;

export const BenchCluster = z
  .strictObject({
    apiVersion: z.literal(apiVersion),
    kind: z.literal('BenchCluster'),
    metadata: ObjectMeta,
    spec: BenchClusterSpec,
  })
  .check(({ value, issues }) => {
    issues.push(...checkNames(value));
  })
  .meta({ description: 'A scheduler on so many VMs of a generic image.', cel: clusterCel });
export type BenchCluster = z.infer<typeof BenchCluster>;
