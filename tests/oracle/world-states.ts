/**
 * Interesting states of the world, each a question about its truth at one moment. A state is met
 * when it begins to hold.
 */
import { partNamed } from './derived.ts';
import { graceMs } from './ledger.ts';
import { nodeOf } from './lineage.ts';
import type { Memory } from './memory.ts';
import { isRunning } from './targets.ts';
import type { DomainTruth, HostTruth, RecordTruth, Truth } from './truth.ts';

type Question = (truth: Truth, memory: Memory) => boolean;

function someDomain(test: (domain: DomainTruth, host: HostTruth, memory: Memory) => boolean) {
  return ({ hosts }: Truth, memory: Memory) =>
    hosts.some((host) => host.domains.some((domain) => test(domain, host, memory)));
}

function someRecord(test: (record: RecordTruth, cluster: string, memory: Memory) => boolean) {
  return ({ schedulers }: Truth, memory: Memory) =>
    schedulers.some(({ records, namespace, cluster }) =>
      records.some((record) => test(record, `${namespace}/${cluster}`, memory)),
    );
}

const ours = (domain: DomainTruth, memory: Memory) => memory.lineage.isOurs(domain);

export const worldStates: Record<string, Question> = {
  'a domain is paused': someDomain(({ state }) => state === 'paused'),
  'a domain has crashed': someDomain(({ state }) => state === 'crashed'),
  'a domain was switched off by others': someDomain(
    (domain, _, memory) =>
      ours(domain, memory) && !isRunning(domain) && domain.reason === 'shutdown',
  ),
  'a running domain has no definition': someDomain(({ persistent }) => !persistent),
  'a domain of ours has lost its mark': someDomain(
    ({ owner, uuid }, host, memory) =>
      owner === undefined && memory.lineage.made(host, uuid) !== undefined,
  ),
  'a foreign domain has a name like ours': ({ hosts }, memory) =>
    hosts.some(({ domains }) =>
      domains.some(
        (domain) =>
          !ours(domain, memory) &&
          memory.ledger.clusters().some((key) => domain.name.startsWith(`${key.split('/')[1]}-`)),
      ),
    ),
  'a guest that runs does not answer for long': someDomain(
    ({ uuid, state, answers }, _, memory) =>
      state === 'running' && !answers && memory.health.unwellFor(uuid, memory.now) > 120_000,
  ),
  'a disk has no domain': ({ hosts }, { lineage, ledger }) =>
    hosts.some(({ volumes, domains }) =>
      volumes.some(({ name }) => {
        const node = lineage.nodeOfDisk(name, ledger.clusters());
        return node !== undefined && !domains.some(({ uuid }) => uuid === node.uuid);
      }),
    ),
  'a domain has no disk': someDomain(
    (domain, { volumes, poolPath }, memory) =>
      ours(domain, memory) &&
      !volumes.some(({ name }) => domain.files.includes(`${poolPath}/${name}`)),
  ),
  'a network of ours is off': ({ hosts }) =>
    hosts.some((host) => host.networks.some((n) => !n.active)),
  'two machines have one address': ({ hosts }) =>
    hosts.some(({ networks }) =>
      networks.some(({ leases }) => {
        const addresses = leases.map(({ address }) => address);
        return new Set(addresses).size < addresses.length;
      }),
    ),
  'a job is on a node that is closed': someRecord(({ closed, jobs }) => closed && jobs > 0),
  'a node is closed by us': someRecord(
    ({ closed, name }, cluster, { drains }) =>
      closed && drains.record(cluster, name)?.closedByUs === true,
  ),
  'a node is closed by others': someRecord(
    ({ closed, name }, cluster, { drains }) =>
      closed && drains.record(cluster, name)?.closedByUs === false,
  ),
  'a node is on record and off': ({ hosts, schedulers }) =>
    schedulers.some(({ records }) =>
      records.some(({ name }) =>
        hosts.some(({ domains }) => domains.some((d) => d.name === name && !isRunning(d))),
      ),
    ),
  'a scheduler is away while its head runs': ({ hosts, schedulers }) =>
    schedulers.some(
      ({ answers, head }) =>
        !answers &&
        hosts.some(({ domains }) => domains.some((d) => d.uuid === head && d.state === 'running')),
    ),
  'a head is down while a worker runs': ({ hosts }) =>
    hosts.some(({ domains }) => {
      const nodes = domains.map((domain) => ({
        node: nodeOf(domain.owner),
        on: isRunning(domain),
      }));
      return nodes.some(
        ({ node, on }) =>
          node?.pool === 'head' &&
          !on &&
          nodes.some((other) => other.on && other.node?.cluster === node.cluster),
      );
    }),
  'a node is of an earlier spec': (truth, memory) =>
    memory.ledger.clusters().some((cluster) => {
      const version = memory.ledger.inForce(cluster);
      const age = version === undefined ? 0 : truth.now - version.from;
      return age > graceMs && memory.ledger.versions(cluster).length > 1 && !version?.deleting;
    }),
  'a cluster is being deleted': (_, { ledger }) =>
    ledger.clusters().some((key) => ledger.inForce(key)?.deleting && !ledger.isOver(key)),
  'a cluster is paused': (_, { ledger }) =>
    ledger.clusters().some((key) => ledger.inForce(key)?.spec.paused),
  'another installation has a machine': someDomain(
    ({ owner }, _, { installation }) => owner !== undefined && owner.installation !== installation,
  ),
  'another installation uploads an image': ({ hosts }, { installation }) =>
    hosts.some(({ volumes }) =>
      volumes.some(({ name }) => !installation.startsWith(partNamed(name)?.by ?? '')),
    ),
  'another installation uses an image of ours': someDomain(
    ({ owner, files }, host, { installation, lineage }) => {
      if (owner === undefined || owner.installation === installation) return false;
      const used = host.volumes.filter(({ name }) => files.includes(`${host.poolPath}/${name}`));
      return used.some(({ backingVolume = '' }) => lineage.madeVolume(host, backingVolume));
    },
  ),
  'there are several clusters': (_, { ledger }) =>
    ledger.clusters().filter((key) => !ledger.isOver(key)).length > 1,
};
