/**
 * Rules of a BenchCluster that span fields, each as a check of the schema and, where CEL can say
 * it, as a rule of the CRD. A check returns its issues with paths relative to the value it is given.
 */
import type { CelRule } from './field.ts';
import { nodeCapacity, parseSubnet } from './subnet.ts';

/** Pool of the head in node names: `<cluster>-head-0`. */
export const reservedPoolName = 'head';

const longestNodeName = 63;

interface RuleIssue {
  [key: string]: unknown;
  code: 'custom';
  path: (string | number)[];
  message: string;
  params?: { hint: string };
  input: unknown;
}

interface SizedPool {
  name: string;
  replicas: number;
  rollout: { maxSurge: number };
}

interface NamedPools {
  metadata: { name: string };
  spec: { workers: SizedPool[] };
}

/** Pools have different names, and every node name is a host name. */
export function checkNames({ metadata, spec }: NamedPools): RuleIssue[] {
  const seen = new Set<string>();
  return spec.workers.flatMap(({ name, replicas, rollout }, index) => {
    const issues: RuleIssue[] = [];
    const report = (message: string, hint: string) =>
      issues.push({
        code: 'custom',
        path: ['spec', 'workers', index, 'name'],
        message,
        params: { hint },
        input: name,
      });
    if (seen.has(name)) {
      report(`is the second pool named "${name}"`, 'give each pool a name of its own');
    }
    seen.add(name);
    const last = `${metadata.name}-${name}-${Math.max(0, replicas + rollout.maxSurge - 1)}`;
    if (last.length > longestNodeName) {
      report(
        `makes node names of ${last.length} characters (at most ${longestNodeName}): ${last}`,
        'shorten the name of the pool or the cluster',
      );
    }
    return issues;
  });
}

interface SizedNetwork {
  network: { managed?: { cidr: string } | undefined };
  controlPlane: { replicas: number };
  workers: Pick<SizedPool, 'replicas' | 'rollout'>[];
}

/** A managed subnet has an address for every node. */
export function checkSubnetSize({ network, controlPlane, workers }: SizedNetwork): RuleIssue[] {
  const subnet = network.managed && parseSubnet(network.managed.cidr);
  if (subnet === undefined) return [];
  const nodes = workers.reduce(
    (sum, { replicas, rollout }) => sum + replicas + rollout.maxSurge,
    controlPlane.replicas,
  );
  const room = nodeCapacity(subnet);
  if (nodes <= room) return [];
  return [
    {
      code: 'custom',
      path: ['network', 'managed', 'cidr'],
      message: `has room for ${room} nodes, and the cluster has ${nodes}`,
      params: { hint: 'take a larger subnet (a smaller number after the "/")' },
      input: network.managed?.cidr,
    },
  ];
}

/** A rollout that may neither lack a node nor add one can never begin. */
export function checkRollout(rollout: { maxUnavailable: number; maxSurge: number }): RuleIssue[] {
  if (rollout.maxUnavailable > 0 || rollout.maxSurge > 0) return [];
  return [
    {
      code: 'custom',
      path: ['maxUnavailable'],
      message: 'cannot be 0 while maxSurge is 0: no VM could ever be replaced',
      params: { hint: 'write maxSurge: 1 to keep every node at work, or maxUnavailable: 1' },
      input: rollout.maxUnavailable,
    },
  ];
}

export const rolloutCel = {
  cel: [
    {
      rule: 'self.maxUnavailable > 0 || self.maxSurge > 0',
      message: 'maxUnavailable and maxSurge cannot both be 0',
    },
  ],
};

/** The same for the API server, at the root of the object. */
export const clusterCel: CelRule[] = [
  {
    rule: `self.spec.workers.all(w, size(self.metadata.name) + size(w.name) + size(string(w.replicas + w.rollout.maxSurge > 0 ? w.replicas + w.rollout.maxSurge - 1 : 0)) + 2 <= ${longestNodeName})`,
    message: `node names (<cluster>-<pool>-<index>) must have at most ${longestNodeName} characters`,
  },
];
