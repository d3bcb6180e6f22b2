/** Hosts that are slow, tell of what was, or lose a machine. */
import { PortError } from '../../../../src/controllers/ports.ts';
import { clusterOf } from '../../../fakes/builders.ts';
import { deadly, readyIn } from '../../scenes.ts';
import { hang, withoutEnd } from '../troubles.ts';
import { type Nets, ready, worlds, written } from '../worlds.ts';

const minute = 60_000;
const stopAfter = 40;

export const hosts: Nets = {
  async rest() {
    const world = await ready();
    await world.clock.advance(2 * minute);
    const mark = world.oracle.rest();
    await world.clock.advance(30 * minute);
    world.oracle.judgeRest(mark);
  },

  /** Each listing is old when it arrives, and each write takes a while. */
  async 'stale listings'() {
    const world = written(clusterOf({ replicas: 1 }));
    world.watched.staleMs = 1000;
    world.watched.writeMs = 250;
    await world.start();
    await world.clock.advance(3 * minute);
    world.source.put(clusterOf({ replicas: 2 }));
    await world.clock.advance(500);
    world.source.put(clusterOf({ replicas: 1 }));
    await world.clock.advance(5 * minute);
    if (Object.keys(world.watched.made()).some((made) => made.includes('alpha-compute-1'))) {
      world.thrown.push(new Error('a node was made for a spec that was over'));
    }
    world.source.remove(clusterOf());
    await world.clock.advance(10 * minute);
  },

  async 'removal by stale listings'() {
    for (const [staleMs, writeMs] of [
      [100, 250],
      [400, 20],
    ] as const) {
      for (let at = 10; at < 2000; at += 200) {
        const world = await ready(clusterOf({ replicas: 0 }));
        world.watched.staleMs = staleMs;
        world.watched.writeMs = writeMs;
        world.source.put(clusterOf({ replicas: 1 }));
        await world.clock.advance(at);
        world.source.put(clusterOf({ replicas: 0 }));
        await world.clock.advance(10 * minute);
        const removals = world.effects.names.filter((name) =>
          /^(destroy|deleteVolume|undefine) /.test(name),
        );
        if (new Set(removals).size < removals.length) {
          world.thrown.push(new Error('what a listing was too old for was done a second time'));
        }
      }
    }
  },

  /**
   * The head is off and a status takes long to store; the process dies of the first thing that it
   * deletes, and then the manifest is back.
   */
  async 'death with the disk of a head'() {
    const world = deadly((effect) => effect.startsWith('deleteVolume'));
    worlds.push(world);
    await readyIn(world);
    const { state, hypervisor, clock } = world;
    const putStatus = state.putStatus.bind(state);
    state.putStatus = async (...status) => {
      const { crashes } = world;
      await new Promise<void>((resolve) => clock.after(5000, resolve));
      if (world.crashes === crashes) await putStatus(...status);
    };
    const head = world.domain('alpha-head-0');
    if (head) hypervisor.powerOff(head, 'destroyed');
    world.source.remove(clusterOf());
    for (let looks = 0; looks < 20 && world.crashes === 0; looks += 1) {
      await clock.advance(500);
      if (head) hypervisor.announce(head.uuid);
    }
    state.putStatus = putStatus;
    world.source.put(clusterOf());
    await clock.advance(10 * minute);
  },

  async 'a slow host'() {
    const world = written();
    world.watched.writeMs = 2000;
    await world.start();
    await world.clock.advance(10 * minute);
  },

  async 'a power cut'() {
    const world = await ready();
    await world.clock.advance(minute + 500);
    const domain = world.domain('alpha-compute-0');
    world.hypervisor.disturb(domain?.uuid ?? '', 'destroy');
    await world.clock.advance(1000);
    if (domain?.state !== 'running') world.thrown.push(new Error('it is off for a second'));
    await world.clock.advance(10 * minute);
  },

  /** Each round of a cluster whose head is silent takes as long as people are patient with it. */
  async 'a power cut beside silent heads'() {
    const names = Array.from({ length: 8 }, (_, index) => `silent${index}`);
    const others = names.map((name) => clusterOf({ name, replicas: 0 }));
    const world = await ready(clusterOf({ replicas: 1 }), ...others);
    await world.clock.advance(minute);
    for (const name of names) world.guests.silent.add(`${name}-head-0`);
    await world.clock.advance(3 * minute);
    const domain = world.domain('alpha-compute-0');
    for (let cut = 0; cut < 5; cut += 1) {
      world.hypervisor.disturb(domain?.uuid ?? '', 'destroy');
      await world.clock.advance(1000);
      if (domain?.state !== 'running') world.thrown.push(new Error('others hold it up'));
      await world.clock.advance(20 * minute);
    }
    world.guests.silent.clear();
    await world.clock.advance(30 * minute);
  },

  async 'half of a cluster hangs'() {
    const world = await ready(clusterOf({ replicas: 3 }));
    await hang(world, 'alpha-compute-0', 'alpha-compute-1');
  },

  /** In the first cluster only one is, which it would be restarted for. */
  async 'most guests of a host hang'() {
    const world = await ready(clusterOf({ replicas: 1 }), clusterOf({ name: 'beta' }));
    await hang(world, 'alpha-compute-0', 'beta-compute-0', 'beta-compute-1');
  },

  async 'a host without a network'() {
    const world = written(clusterOf(), clusterOf({ name: 'beta' }));
    for (let count = 0; count < stopAfter; count += 1) {
      world.hypervisor.failNext('createNetwork', new PortError('failed', 'no bridge left'));
    }
    await world.start();
    await world.clock.advance(10 * minute);
    withoutEnd(world, 'alpha', 'beta');
  },
};
