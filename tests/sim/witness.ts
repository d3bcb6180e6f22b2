/** How the oracle reads the truth of a simulated world. Every answer is a copy. */

import type { ManifestSource } from '../../src/controllers/ports.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { SimDomain } from '../../src/sim/domain.ts';
import type { SimGuests } from '../../src/sim/guests.ts';
import { poolPath } from '../../src/sim/host.ts';
import type { SimHypervisor } from '../../src/sim/hypervisor.ts';
import type { SlurmCluster, SlurmClusters } from '../../src/sim/slurm/clusters.ts';
import { isSame } from '../oracle/is-same.ts';
import type {
  DomainTruth,
  HostTruth,
  RecordTruth,
  SchedulerTruth,
  SourceTruth,
  Witness,
} from '../oracle/truth.ts';

export interface WitnessedWorld {
  installation: string;
  clock: Clock;
  source: Pick<ManifestSource, 'snapshot'>;
  hypervisor: SimHypervisor;
  guests: SimGuests;
  slurm: SlurmClusters;
  /** Clusters that a person asked to delete, as `namespace/name`. */
  requests(): string[];
  /** Revisions that a person confirmed. */
  confirmations(): string[];
  secrets: ReadonlyMap<string, Uint8Array>;
}

/** From the start of a domain until its SSH answers, as in the simulated guests. */
const sshAfterMs = 4000;

export function witnessOf(world: WitnessedWorld, host: string): Witness {
  return {
    installation: world.installation,
    now: () => world.clock.now(),
    hosts: unchanged(
      () => `${world.hypervisor.changes} ${answering(world).join()}`,
      kept(() => [hostTruth(world, host)]),
    ),
    schedulers: kept(() => schedulerTruths(world)),
    source: (): SourceTruth => {
      const { trusted, manifests, faults } = world.source.snapshot();
      return {
        ...{ trusted, manifests, faults },
        ...{ requests: world.requests(), confirmations: world.confirmations() },
      };
    },
    secrets: () => world.secrets,
  };
}

/** The same value as before while it says the same. */
function kept<Value>(read: () => Value): () => Value {
  let last: Value | undefined;
  return () => {
    const value = read();
    last = last !== undefined && isSame(last, value) ? last : value;
    return last;
  };
}

/** Does not read again while the stamp is the same. */
function unchanged<Value>(stamp: () => string, read: () => Value): () => Value {
  let last: { stamp: string; value: Value } | undefined;
  return () => {
    const now = stamp();
    if (last?.stamp !== now) last = { stamp: now, value: read() };
    return last.value;
  };
}

function hostTruth(world: WitnessedWorld, name: string): HostTruth {
  const { hypervisor } = world;
  return {
    name,
    poolPath,
    domains: [...hypervisor.domains.values()].map((domain) => domainTruth(world, domain)),
    volumes: [...hypervisor.volumes.values()].map((volume) => ({ ...volume })),
    networks: [...hypervisor.networks.values()].map(({ name, uuid, active, owner, leases }) => ({
      ...{ name, uuid, active },
      ...(owner && { owner: { ...owner } }),
      leases: leases.map(({ mac, address }) => ({ mac, address })),
    })),
  };
}

function answering(world: WitnessedWorld): boolean[] {
  return [...world.hypervisor.domains.values()].map((domain) => answers(world, domain));
}

function answers({ guests, clock }: WitnessedWorld, domain: SimDomain): boolean {
  const { name, state, hung } = domain;
  const isUp = state === 'running' && !hung && !guests.silent.has(name);
  // Another machine that has its address cannot prove to be it.
  return isUp && !guests.impostors.has(name) && clock.now() >= domain.startedAt + sshAfterMs;
}

function domainTruth(world: WitnessedWorld, domain: SimDomain): DomainTruth {
  const { name, uuid, state, reason, persistent, id, owner, mac, network } = domain;
  return {
    ...{ name, uuid, state, reason, persistent, id, mac, network },
    ...(owner && { owner: { ...owner, ...(owner.node && { node: { ...owner.node } }) } }),
    files: [...domain.files],
    answers: answers(world, domain),
  };
}

function schedulerTruths(world: WitnessedWorld): SchedulerTruth[] {
  const clusters = world.slurm.clusters();
  return [...world.hypervisor.domains.values()].flatMap((domain): SchedulerTruth[] => {
    const { node, installation } = domain.owner ?? {};
    if (node?.pool !== 'head' || installation !== world.installation) return [];
    const { namespace, cluster } = node;
    return [{ namespace, cluster, head: domain.uuid, ...toldBy(clusters, domain.name) }];
  });
}

/** Records in the memory of its daemon; on the disk they are nobody's to ask. */
function toldBy(clusters: readonly SlurmCluster[], head: string) {
  const told = clusters.find((cluster) => cluster.head === head);
  if (told?.answers !== true) return { answers: false, records: [] };
  const records = [...told.records.values()].map(
    ({ jobs, down: _, by: __, ...record }): RecordTruth => ({ ...record, jobs: jobs.length }),
  );
  return { answers: true, records };
}
