/** How the oracle reads the truth of a simulated world. Every answer is a copy. */
import { PortError } from '../../src/controllers/ports.ts';
import type { Clock } from '../../src/lib/clock.ts';
import type { SimGuest } from '../../src/sim/guests.ts';
import { poolPath } from '../../src/sim/host.ts';
import type { SimHypervisor } from '../../src/sim/hypervisor.ts';
import type { MemorySource } from '../../src/sim/memory-source.ts';
import type { FakeSchedulerProgram } from '../fakes/fake-scheduler-program.ts';
import type {
  HostTruth,
  RecordTruth,
  SchedulerTruth,
  SourceTruth,
  Witness,
} from '../oracle/truth.ts';

export interface WitnessedWorld {
  installation: string;
  clock: Clock;
  source: MemorySource;
  hypervisor: SimHypervisor;
  /** What the software in the guests knows. */
  program: FakeSchedulerProgram;
  /** Clusters that a person asked to delete, as `namespace/name`. */
  requests(): string[];
  secrets: ReadonlyMap<string, Uint8Array>;
}

export function witnessOf(world: WitnessedWorld, host: string): Witness {
  return {
    installation: world.installation,
    now: () => world.clock.now(),
    hosts: () => [hostTruth(world.hypervisor, host)],
    schedulers: () => schedulerTruths(world),
    source: (): SourceTruth => {
      const { trusted, manifests, faults } = world.source.snapshot();
      return { trusted, manifests, faults, requests: world.requests() };
    },
    secrets: () => world.secrets,
  };
}

function hostTruth(hypervisor: SimHypervisor, name: string): HostTruth {
  return {
    name,
    poolPath,
    domains: [...hypervisor.domains.values()].map(
      ({ name, uuid, state, reason, persistent, id, owner, mac, network, files }) => ({
        ...{ name, uuid, state, reason, persistent, id, mac, network },
        ...(owner && { owner: { ...owner, ...(owner.node && { node: { ...owner.node } }) } }),
        files: [...files],
      }),
    ),
    volumes: [...hypervisor.volumes.values()].map((volume) => ({ ...volume })),
    networks: [...hypervisor.networks.values()].map(({ name, uuid, active, owner, leases }) => ({
      ...{ name, uuid, active },
      ...(owner && { owner: { ...owner } }),
      leases: leases.map(({ mac, address }) => ({ mac, address })),
    })),
  };
}

function schedulerTruths(world: WitnessedWorld): SchedulerTruth[] {
  return [...world.hypervisor.domains.values()].flatMap((domain): SchedulerTruth[] => {
    const { node } = domain.owner ?? {};
    if (node?.pool !== 'head') return [];
    const { namespace, cluster } = node;
    return [{ namespace, cluster, head: domain.uuid, ...toldBy(world, domain.name) }];
  });
}

function toldBy({ program }: WitnessedWorld, head: string) {
  const units = guestOf(program, head)?.units;
  if (units?.get('form')?.activeState !== 'active') return { answers: false, records: [] };
  const records = [...program.nodes(head)].map(([name, { jobs, drain }]): RecordTruth => {
    const joins = [...(guestOf(program, name)?.units.values() ?? [])];
    const up = joins.some((unit) => unit.name.startsWith('join-') && unit.activeState === 'active');
    return { name, jobs, closed: drain !== undefined, ...(drain && { reason: drain }), up };
  });
  return { answers: true, records };
}

/** Undefined when it does not run, or has lost its disk. */
function guestOf(program: FakeSchedulerProgram, name: string): SimGuest | undefined {
  try {
    return program.guests?.guest(name);
  } catch (thrown) {
    if (thrown instanceof PortError) return undefined;
    throw thrown;
  }
}
