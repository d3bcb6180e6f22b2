/**
 * The end of all faults: hosts, guests and files are well again, and people have put away what is
 * theirs. After it a person does no more than what the status asks for.
 */
import type { SimDomain } from '../../../src/sim/domain.ts';
import { poolPath } from '../../../src/sim/host.ts';
import { switchOn } from './accidents.ts';
import { type Scene, scenesOf } from './steps.ts';
import { imagesOnRecord } from './town.ts';

const ourDrain = 'benchcluster: ';

export function heal(scene: Scene): void {
  const { world, ends } = scene;
  for (const end of [...ends]) end();
  const { hypervisor } = world;
  if (world.injector) {
    world.injector.active = false;
    world.injector.eventsLostUntil = 0;
  }
  hypervisor.unreachable = false;
  hypervisor.poolActive = true;
  world.guests.silent.clear();
  for (const each of scenesOf(scene)) each.world.state.failNext(0);
  for (const domain of [...hypervisor.domains.values()]) {
    if (domain.owner === undefined) removeByHand(hypervisor, domain);
    else if (domain.hung) reset(hypervisor, domain);
    else if (domain.state === 'pmsuspended') {
      domain.state = 'running';
      domain.reason = 'wakeup';
    }
  }
  if (wasRestored(world)) removeForgotten(scene);
  for (const { town } of scenesOf(scene)) town.rewrite();
  healSchedulers(scene);
}

function wasRestored({ oracle }: Scene['world']): boolean {
  return oracle.reached.counts['fault hostRestored'] !== undefined;
}

/** What a backup brought back of clusters that are over, and that only a person may take away. */
function removeForgotten(scene: Scene): void {
  const { hypervisor } = scene.world;
  const isOver = (cluster: string) =>
    scenesOf(scene).every(
      ({ world: { state }, town }) =>
        !state.has(`default/${cluster}`) && town.clusters.every(({ name }) => name !== cluster),
    );
  for (const domain of [...hypervisor.domains.values()]) {
    if (domain.owner?.node && isOver(domain.owner.node.cluster)) removeByHand(hypervisor, domain);
  }
  const used = new Set([...hypervisor.domains.values()].flatMap(({ files }) => files));
  const { volumes } = hypervisor;
  const unused = [...volumes.values()].filter(({ name }) => !used.has(`${poolPath}/${name}`));
  // Of an image that nobody has on record any more, no controller would take the disk and then it.
  const known = new Set(scenesOf(scene).flatMap((each) => [...imagesOnRecord(each.world)]));
  for (const { name, backingVolume } of unused) {
    if (backingVolume === undefined) continue;
    if (isOver(name.split('-')[0] ?? '') || !known.has(backingVolume)) volumes.delete(name);
  }
  // An image that is wanted after all is uploaded again.
  const bases = new Set([...volumes.values()].map(({ backingVolume }) => backingVolume));
  for (const { name, backingVolume } of unused) {
    if (backingVolume === undefined && !bases.has(name)) volumes.delete(name);
  }
}

/** Jobs end, and drains by hand are taken back; what slurmctld cannot be told now, it is later. */
export function healSchedulers({ world }: Pick<Scene, 'world'>): void {
  for (const { name, records } of world.slurm.clusters()) {
    for (const { id } of world.slurm.jobs(name)) world.slurm.endJob(name, id);
    for (const record of records.values()) {
      if (!record.closed && !record.down) continue;
      if (record.reason?.startsWith(ourDrain) !== true) world.slurm.resumeByHand(name, record.name);
    }
  }
}

/** What the status asks a person for; each is told. */
export async function obey({ world, town, tell }: Scene): Promise<void> {
  for (const name of world.state.names()) {
    const told = world.condition(name, 'Stalled');
    const revision = /--revision (\w+)/.exec(told?.message ?? '')?.[1];
    if (told?.reason !== 'DeletionHeld' || revision === undefined) continue;
    tell(`a person confirms ${revision}, of ${name}`);
    world.state.confirm(revision);
  }
  for (const cluster of town.clusters) {
    for (const { name, reason } of world.status(cluster.name)?.nodes ?? []) {
      // Slurm takes it back only when its daemon registers anew.
      const domain = reason === 'InvalidRegistration' ? world.domain(name) : undefined;
      if (domain?.state !== 'running') continue;
      tell(`a person resets ${name} (${reason})`);
      reset(world.hypervisor, domain);
    }
    for (const { name, reason, phase, role } of world.status(cluster.name)?.nodes ?? []) {
      if (phase !== 'Stalled') continue;
      const domain = world.domain(name);
      if (reason === 'RepairsExhausted') {
        tell(`a person gives ${cluster.name} new chances`);
        cluster.notes += 1;
        town.write(cluster);
        break;
      }
      if (role === 'controlPlane' && domain?.id !== undefined && domain.id !== -1) {
        tell(`a person resets ${name} (${reason})`);
        reset(world.hypervisor, domain);
      }
      // A backup of a host may be of the moment when the disk of a head that went was gone already.
      if (reason === 'DiskMissing' && domain?.id === -1 && wasRestored(world)) {
        tell(`a person undefines ${name} (${reason})`);
        removeByHand(world.hypervisor, domain);
      }
    }
  }
}

function reset(hypervisor: Scene['world']['hypervisor'], domain: SimDomain): void {
  hypervisor.powerOff(domain, 'destroyed');
  switchOn(hypervisor, domain);
  hypervisor.announce(domain.uuid);
}

/** With its disk, and with what nobody else uses then: kernel, initrd, the image below the disk. */
function removeByHand(hypervisor: Scene['world']['hypervisor'], domain: SimDomain): void {
  if (domain.id !== -1) hypervisor.powerOff(domain, 'destroyed');
  hypervisor.undefine(domain);
  const { domains, volumes } = hypervisor;
  const names = domain.files.map((file) => file.slice(poolPath.length + 1));
  const below = names.flatMap((name) => volumes.get(name)?.backingVolume ?? []);
  for (const name of [...names, ...below]) {
    const isUsed =
      [...domains.values()].some(({ files }) => files.includes(`${poolPath}/${name}`)) ||
      [...volumes.values()].some(({ backingVolume }) => backingVolume === name);
    if (!isUsed) volumes.delete(name);
  }
  hypervisor.announce(domain.uuid);
}
