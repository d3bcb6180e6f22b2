/**
 * What happens in a town by itself, or by the hand of somebody who is not the controller. Each
 * tells what it did, or nothing when there was nothing to do it to.
 */
import { between, pick } from '../../../src/sim/choice.ts';
import { newDomain, type SimDomain } from '../../../src/sim/domain.ts';
import { type FaultName, faultKinds } from '../../../src/sim/faults/kinds.ts';
import { poolPath, type SimNetwork } from '../../../src/sim/host.ts';
import { identity } from '../../fakes/builders.ts';
import { diskOfNode, uuidOfNode } from '../../oracle/derived.ts';
import { type Scene, scenesOf } from './steps.ts';
import { imagesOnRecord, manifestOf, nodesOf } from './town.ts';

type Accident = (scene: Scene) => string | undefined;

const accidents: Partial<Record<FaultName, Accident>> = {
  hostAway: (scene) => {
    const { world, choice } = scene;
    const ms = pick(choice, [5_000, 60_000, 600_000, 3_600_000], 'host away for ms');
    world.hypervisor.unreachable = true;
    later(scene, ms, () => {
      world.hypervisor.unreachable = false;
    });
    return `the host is away for ${ms / 1000} s`;
  },
  eventsDead: ({ world, choice }) => {
    const ms = between(choice, 60_000, 3_600_000, 'no events for ms');
    if (world.injector) world.injector.eventsLostUntil = world.clock.now() + ms;
    return `no events for ${Math.round(ms / 1000)} s`;
  },
  ioErrorPause: (scene) =>
    onRunning(scene, ({ uuid }) => scene.world.hypervisor.disturb(uuid, 'pause')),
  guestCrash: (scene) =>
    onRunning(scene, ({ uuid }) => scene.world.hypervisor.disturb(uuid, 'crash')),
  guestPowerOff: (scene) =>
    onRunning(scene, (domain) => {
      scene.world.hypervisor.powerOff(domain, 'shutdown');
      scene.world.hypervisor.announce(domain.uuid);
    }),
  humanDestroy: (scene) =>
    onRunning(scene, ({ uuid }) => scene.world.hypervisor.disturb(uuid, 'destroy')),
  guestSuspends: (scene) =>
    onRunning(scene, (domain) => {
      domain.state = 'pmsuspended';
      domain.reason = 'unknown';
      scene.world.hypervisor.announce(domain.uuid);
    }),
  guestReset: (scene) =>
    onRunning(scene, (domain) => {
      scene.world.hypervisor.powerOff(domain, 'destroyed');
      switchOn(scene.world.hypervisor, domain);
      scene.world.hypervisor.announce(domain.uuid);
    }),
  unseenReset: (scene) =>
    onRunning(scene, (domain) => {
      scene.world.hypervisor.powerOff(domain, 'destroyed');
      switchOn(scene.world.hypervisor, domain);
    }),
  guestSilent: (scene) =>
    onRunning(scene, ({ name }) => {
      const { world, choice } = scene;
      world.guests.silent.add(name);
      const ms = pick(choice, [30_000, 300_000, 1_800_000], 'silent for ms');
      later(scene, ms, () => world.guests.silent.delete(name));
    }),
  guestHangs: (scene) => onRunning(scene, (domain) => scene.world.hypervisor.hang(domain)),
  headSilent: (scene) => {
    const { world, choice, town } = scene;
    const cluster = town.clusters[0];
    if (cluster === undefined) return undefined;
    const name = `${cluster.name}-head-0`;
    world.guests.silent.add(name);
    const ms = pick(choice, [20_000, 120_000, 900_000], 'head silent for ms');
    later(scene, ms, () => world.guests.silent.delete(name));
    return `${name} is silent for ${ms / 1000} s`;
  },
  humanUndefine: (scene) =>
    onRunning(scene, ({ uuid }) => scene.world.hypervisor.disturb(uuid, 'undefine')),
  humanStripsMark: (scene) =>
    onRunning(scene, (domain) => {
      delete domain.owner;
      scene.world.hypervisor.announce(domain.uuid);
    }),
  humanEdits: (scene) => {
    const { world, choice } = scene;
    const ours = [...world.hypervisor.domains.values()].filter(({ owner }) => owner !== undefined);
    if (ours.length === 0) return undefined;
    const domain = pick(choice, ours, 'edited');
    const { memoryBytes, files } = domain;
    const edit = pick(
      choice,
      [{ files: [...files, '/srv/data.qcow2'] }, { memoryBytes: 2 * memoryBytes }],
      'edit',
    );
    redefine(scene, domain, edit);
    later(scene, pick(choice, [600_000, 10_000, 7_200_000], 'edited for ms'), () =>
      redefine(scene, domain, { memoryBytes, files }),
    );
    return `${domain.name} gets another ${Object.keys(edit).join()}`;
  },
  networkStopped: ({ world }) => {
    const network = [...world.hypervisor.networks.values()].find(({ active }) => active);
    if (network === undefined) return undefined;
    network.active = false;
    return `virsh net-destroy ${network.name}`;
  },
  poolStopped: (scene) => {
    const { world, choice } = scene;
    world.hypervisor.poolActive = false;
    const ms = pick(choice, [10_000, 120_000], 'pool stopped for ms');
    later(scene, ms, () => {
      world.hypervisor.poolActive = true;
    });
    return `the pool is stopped for ${ms / 1000} s`;
  },
  foreignDomain: ({ world, choice, town }) => {
    const cluster = town.clusters[0];
    if (cluster === undefined) return undefined;
    const name = pick(choice, nodesOf({ ...cluster, replicas: 4 }), 'foreign name');
    if ([...world.hypervisor.domains.values()].some((domain) => domain.name === name)) return;
    const uuid = `00000000-0000-4000-8000-${String(world.hypervisor.calls.length).padStart(12, '0')}`;
    const mac = '52:54:00:ff:00:01';
    world.hypervisor.domains.set(
      uuid,
      newDomain({ ...{ name, uuid, mac }, network: '', files: [] }),
    );
    world.hypervisor.announce(uuid);
    return `somebody defines a domain ${name}`;
  },
  oldVolume: ({ world, choice, town }) => {
    const cluster = town.clusters[0];
    const { volumes } = world.hypervisor;
    const known = imagesOnRecord(world);
    const image = [...volumes.values()].find(({ name }) => isImage(name) && known.has(name));
    if (cluster === undefined || image === undefined) return undefined;
    const node = pick(choice, nodesOf({ ...cluster, replicas: 4 }).slice(1), 'old disk of');
    const uuid = uuidOfNode(identity.installation, `default/${cluster.name}`, node);
    const name = diskOfNode(node, uuid);
    // What was written and gone before anybody read it has had no life.
    if (!world.oracle.memory.ledger.clusters().includes(`default/${cluster.name}`))
      return undefined;
    // One that is left has outlived its domain.
    if (volumes.has(name) || world.hypervisor.domains.has(uuid)) return undefined;
    const capacityBytes = pick(choice, [10 * 2 ** 30, 2 ** 33], 'old disk bytes');
    volumes.set(name, { name, capacityBytes, backingVolume: image.name });
    return `${name} is left of an earlier life`;
  },
  hostRestored: (scene) => {
    const { world, choice } = scene;
    const restore = world.hypervisor.backup();
    const ms = pick(choice, [10_000, 120_000, 600_000], 'backup is restored after ms');
    later(scene, ms, () => {
      restore();
      for (const each of scenesOf(scene)) each.world.oracle.hostRestored();
    });
    return `the host is backed up, to be restored in ${ms / 1000} s`;
  },
  hostKeyChanged: (scene) =>
    onRunning(scene, ({ name }) => {
      const { impostors } = scene.world.guests;
      impostors.add(name);
      const ms = pick(scene.choice, [30_000, 900_000], 'another host key for ms');
      later(scene, ms, () => impostors.delete(name));
    }),
  clockJumps: ({ world, choice }) => {
    const jump = pick(choice, [-3_600_000, -60_000, 3_600_000], 'jump of the clock');
    world.jumpClock(jump);
    return `the clock jumps by ${jump / 60_000} min, and the controller begins anew`;
  },
  leaseLost: ({ world }) => {
    const network = [...world.hypervisor.networks.values()].find(({ leases }) => leases.length > 0);
    if (network === undefined) return undefined;
    network.leases = [];
    for (const domain of world.hypervisor.domains.values()) domain.leased = false;
    return `the leases of ${network.name} are lost`;
  },
  leaseSwapped: (scene) => {
    const { world, choice } = scene;
    const networks = [...world.hypervisor.networks.values()];
    const stranger = ({ leases }: SimNetwork) => leases.find(({ mac }) => mac !== leases[0]?.mac);
    const network = networks.find((each) => stranger(each) !== undefined);
    const [first, second] = [network?.leases[0], network && stranger(network)];
    if (network === undefined || first === undefined || second === undefined) return undefined;
    const other = new Map([
      [first.mac, second.mac],
      [second.mac, first.mac],
    ]);
    // And no lease that either has had before or has got since.
    const isOfThem = (address: string) => [first.address, second.address].includes(address);
    const swap = () => {
      network.leases = network.leases.map((lease) => {
        const mac = isOfThem(lease.address) ? other.get(lease.mac) : undefined;
        return { ...lease, mac: mac ?? lease.mac };
      });
    };
    swap();
    later(scene, pick(choice, [30_000, 300_000], 'leases swapped for ms'), swap);
    return `${first.address} and ${second.address} change hands`;
  },
  stateFull: ({ world, choice }) => {
    const writes = between(choice, 1, 4, 'failed state writes');
    world.state.failNext(writes);
    return `the next ${writes} writes of state fail`;
  },
  sourceUnreadable: (scene) => {
    const { world, choice, town } = scene;
    world.source.distrust('the directory is not there');
    const ms = pick(choice, [1_000, 60_000, 600_000], 'source away for ms');
    later(scene, ms, () => town.rewrite());
    return `the directory is away for ${ms / 1000} s`;
  },
  sourceAwayForLong: (scene) => {
    const { world, town } = scene;
    world.source.distrust('the directory is not there');
    const [gone] = town.clusters;
    if (gone && town.clusters.length > 1) town.remove(gone);
    later(scene, 3_600_000, () => town.rewrite());
    return `the directory is away for an hour, and comes back without ${gone?.name}`;
  },
  manyFilesGo: ({ town, choice }) => {
    const [first, ...dropped] = town.clusters;
    if (first === undefined || dropped.length === 0) return undefined;
    for (const cluster of dropped) town.remove(cluster);
    first.memory = first.memory === '1Gi' ? '2Gi' : '1Gi';
    town.write(first);
    return `${dropped.map(({ name }) => name).join()} go, ${town.add(choice).name} comes`;
  },
  fileBroken: (scene) => {
    const { world, choice, town } = scene;
    const cluster = town.clusters[0];
    if (cluster === undefined) return undefined;
    const fault = { file: `${cluster.name}.yaml`, message: 'not YAML' };
    world.source.breakFile(manifestOf(cluster), fault);
    const ms = pick(choice, [1_000, 60_000, 600_000], 'file broken for ms');
    later(scene, ms, () => town.rewrite());
    return `${fault.file} is broken for ${ms / 1000} s`;
  },
  fileUnsettled: (scene) => {
    const { town } = scene;
    const cluster = town.clusters[0];
    if (cluster === undefined) return undefined;
    town.write({ ...cluster, replicas: 0 }, false);
    later(scene, 1_500, () => town.rewrite());
    return `${cluster.name}.yaml is cut and not settled`;
  },
  drainLost: (scene) => {
    const cluster = scene.town.clusters[0];
    if (cluster === undefined) return undefined;
    scene.world.slurm.crashDaemon(cluster.name);
    return `kill -9 of slurmctld of ${cluster.name}`;
  },
  humanUndrains: (scene) => {
    const closed = recordsOf(scene).find((record) => record.closed);
    if (closed === undefined) return undefined;
    scene.world.slurm.resumeByHand(closed.cluster, closed.name);
    return `a person resumes ${closed.name}`;
  },
  humanDrains: (scene) => {
    const records = recordsOf(scene);
    if (records.length === 0) return undefined;
    const { cluster, name } = pick(scene.choice, records, 'drained');
    scene.world.slurm.drainByHand(cluster, name, 'fan is loud');
    return `a person drains ${name}`;
  },
  endlessJob: (scene) => newJob(scene, undefined),
  newJob: (scene) => newJob(scene, 20_000),
  nodeReRegisters: (scene) => {
    const records = recordsOf(scene);
    if (records.length === 0) return undefined;
    const { cluster, name } = pick(scene.choice, records, 'impostor of');
    return scene.world.slurm.impostor(cluster, name)
      ? `another slurmd registers as ${name}`
      : undefined;
  },
};

/** By `virsh edit`; a size counts from the next start. */
function redefine(
  { world: { hypervisor } }: Scene,
  domain: SimDomain,
  edit: Partial<Pick<SimDomain, 'memoryBytes' | 'files'>>,
): void {
  if (hypervisor.domains.get(domain.uuid) !== domain) return;
  const isRunning = domain.state === 'running' && edit.memoryBytes !== undefined;
  if (isRunning) hypervisor.powerOff(domain, 'destroyed');
  Object.assign(domain, edit);
  if (isRunning) switchOn(hypervisor, domain);
  hypervisor.announce(domain.uuid);
}

function isImage(volume: string): boolean {
  return /-[0-9a-f]{12}\.qcow2$/.test(volume);
}

/** Each kind that is on may happen now. */
export function accident(scene: Scene): void {
  for (const { name, place } of faultKinds) {
    if (place !== 'accident' || !scene.world.injector?.strikes(name, 'accident')) continue;
    scene.tell(`  ${name}: ${accidents[name]?.(scene) ?? 'nothing to do it to'}`);
  }
}

/** As far as it goes: its network or its disk may not be there. */
export function switchOn(hypervisor: Scene['world']['hypervisor'], domain: SimDomain): void {
  const disks = domain.files.map((file) => file.slice(poolPath.length + 1));
  const isWhole = disks.every((disk) => hypervisor.volumes.has(disk));
  const isPlugged = hypervisor.networks.get(domain.network)?.active === true;
  if (domain.persistent && isWhole && isPlugged) hypervisor.start(domain);
}

/** What ends an accident: after its time, or when all of them are over. */
function later(scene: Scene, ms: number, end: () => void): void {
  const { clock } = scene.world;
  const once = () => {
    if (scene.ends.delete(once)) end();
  };
  scene.ends.add(once);
  clock.after(ms, once);
}

function onRunning(scene: Scene, act: (domain: SimDomain) => void): string | undefined {
  const running = [...scene.world.hypervisor.domains.values()].filter(
    ({ state, owner }) => state === 'running' && owner !== undefined,
  );
  if (running.length === 0) return undefined;
  const domain = pick(scene.choice, running, 'domain');
  act(domain);
  return domain.name;
}

function recordsOf({ world, town }: Scene) {
  return town.clusters.flatMap(({ name: cluster }) =>
    [...world.slurm.records(cluster).values()].map((record) => ({ ...record, cluster })),
  );
}

function newJob(scene: Scene, ms: number | undefined): string | undefined {
  const records = recordsOf(scene);
  if (records.length === 0) return undefined;
  const { cluster, name } = pick(scene.choice, records, 'job on');
  const id = scene.world.slurm.submit(cluster, [name]);
  if (id === undefined) return undefined;
  if (ms !== undefined) later(scene, ms, () => scene.world.slurm.endJob(cluster, id));
  return `job ${id} for ${name}${ms === undefined ? ', endless' : ''}`;
}
