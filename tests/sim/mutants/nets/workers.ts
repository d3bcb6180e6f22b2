/** Nodes with work on them, and the scheduler that says so. */
import { clusterOf } from '../../../fakes/builders.ts';
import { beforeStart, listBefore, runJob } from '../../scenes.ts';
import { reopenBetweenListings, withoutEnd } from '../troubles.ts';
import { type Nets, ready, written } from '../worlds.ts';

const minute = 60_000;

export const workers: Nets = {
  /** A job holds the node until the end. */
  async 'shrink with a job'() {
    const world = await ready();
    const job = await runJob(world, 'alpha-compute-1');
    world.source.put(clusterOf({ replicas: 1 }));
    await world.clock.advance(5 * minute);
    world.slurm.endJob('alpha', job);
    await world.clock.advance(5 * minute);
  },

  /** The scheduler was asked before the listing, which takes half a minute, and the job came in it. */
  async 'a job while the host is slow to list'() {
    const world = await ready();
    const job = await runJob(world, 'alpha-compute-1');
    world.source.put(clusterOf({ replicas: 1 }));
    await world.clock.advance(minute);
    await reopenBetweenListings(world, 'alpha-compute-1', job);
    await world.clock.advance(5 * minute);
    withoutEnd(world);
  },

  async 'shrink while the head is silent'() {
    const world = await ready();
    await runJob(world, 'alpha-compute-1');
    world.guests.silent.add('alpha-head-0');
    world.source.put(clusterOf({ replicas: 1 }));
    await world.clock.advance(5 * minute);
    world.guests.silent.delete('alpha-head-0');
    await world.clock.advance(5 * minute);
    withoutEnd(world);
  },

  async 'force at the deadline'() {
    const drain = { timeout: '5m', onTimeout: 'Force' } as const;
    const world = await ready(clusterOf({ pool: { drain } }));
    await runJob(world, 'alpha-compute-1');
    world.source.put(clusterOf({ replicas: 1, pool: { drain } }));
    await world.clock.advance(12 * minute);
  },

  async 'a drain by hand'() {
    const world = await ready();
    world.slurm.drainByHand('alpha', 'alpha-compute-1', 'fan is loud');
    await world.clock.advance(5 * minute);
    const mark = world.oracle.rest();
    await world.clock.advance(30 * minute);
    world.oracle.judgeRest(mark);
  },

  /** It is made anew under its name, and its record is of the machine before. */
  async 'a drain by hand as the record of a lost machine goes'() {
    const world = await ready();
    const { slurm, hypervisor, clock } = world;
    const { names } = world.effects;
    // An effect is noted before it is judged and reaches the guest.
    names.push = (...added) => {
      if (added.some((name) => name.includes('scontrol delete'))) {
        slurm.drainByHand('alpha', 'alpha-compute-1', 'fan is loud');
      }
      return Array.prototype.push.apply(names, added);
    };
    const domain = world.domain('alpha-compute-1');
    if (domain === undefined) throw new Error('it has no domain');
    hypervisor.volumes.delete(hypervisor.rootOf(domain)?.name ?? '');
    hypervisor.powerOff(domain, 'destroyed');
    hypervisor.disturb(domain.uuid, 'undefine');
    await clock.advance(10 * minute);
    slurm.resumeByHand('alpha', 'alpha-compute-1');
    await clock.advance(5 * minute);
  },

  async rollout() {
    const world = await ready(clusterOf({ replicas: 3 }));
    world.source.put(clusterOf({ replicas: 3, pool: { memory: '2Gi' } }));
    await world.clock.advance(10 * minute);
  },

  async 'a head of an earlier spec'() {
    const world = await ready(clusterOf({ replicas: 1 }));
    world.source.put(clusterOf({ replicas: 1, spec: { controlPlane: { memory: '2Gi' } } }));
    await world.clock.advance(5 * minute);
  },

  /** The cluster goes while its head is silent, and all who ask are given a listing of before. */
  async 'an old listing'() {
    const world = await ready();
    await runJob(world, 'alpha-compute-0');
    world.guests.silent.add('alpha-head-0');
    await world.clock.advance(75_000);
    listBefore(
      world,
      beforeStart((name) => name === 'alpha-head-0'),
    );
    world.source.remove(clusterOf());
    await world.clock.advance(5 * minute);
    withoutEnd(world);
  },

  async 'a unit that fails'() {
    const world = written(clusterOf({ replicas: 1 }));
    world.guests.failUnits('slurm-head', 2);
    await world.start();
    await world.clock.advance(10 * minute);
  },
};
