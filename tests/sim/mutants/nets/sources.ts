/** What people write, break and take back in the source. */
import { clusterOf } from '../../../fakes/builders.ts';
import { readyIn, runJob } from '../../scenes.ts';
import { withoutEnd } from '../troubles.ts';
import { inFiles, type Nets, ready } from '../worlds.ts';

const minute = 60_000;

export const sources: Nets = {
  async 'a source that is gone'() {
    const world = await ready();
    world.source.distrust('the directory is empty');
    await world.clock.advance(5 * minute);
  },

  async 'a broken file'() {
    const world = await ready();
    world.source.breakFile(clusterOf(), { file: 'b.yaml', line: 1, message: 'bad indentation' });
    await world.clock.advance(5 * minute);
  },

  async 'files that vanish together'() {
    const three = ['alpha', 'beta', 'gamma'].map((name) => clusterOf({ name, replicas: 1 }));
    const world = await ready(...three);
    await world.clock.advance(2 * minute);
    for (const cluster of three) world.source.remove(cluster);
    await world.clock.advance(5 * minute);
    for (const cluster of three) world.source.put(cluster);
    await world.clock.advance(10 * minute);
  },

  /** One goes by itself, as a small cluster does; that the second is gone too is not sure for long. */
  async 'a file that vanishes while another breaks'() {
    const three = ['alpha', 'beta', 'gamma'].map((name) => clusterOf({ name, replicas: 1 }));
    const [first, second, third] = three;
    const world = await ready(...three);
    await world.clock.advance(2 * minute);
    // While the first is read, the others follow.
    if (first) world.source.remove(first);
    if (second) world.source.remove(second);
    if (third) world.source.breakFile(third, { file: 'c.yaml', line: 1, message: 'bad indent' });
    await world.clock.advance(5 * minute);
    if (third) world.source.put(third);
    world.source.mend();
    await world.clock.advance(5 * minute);
    for (const cluster of three) world.source.put(cluster);
    await world.clock.advance(10 * minute);
  },

  /** What a person read is not what is held by the time that it is confirmed. */
  async 'a confirmation of something else'() {
    const world = await ready(clusterOf({ replicas: 6 }));
    await world.clock.advance(2 * minute);
    world.source.put(clusterOf({ replicas: 2 }));
    await world.clock.advance(minute);
    const told = world.condition('alpha', 'Stalled')?.message ?? '';
    world.source.put(clusterOf({ replicas: 0 }));
    await world.clock.advance(minute);
    world.state.confirm(/--revision (\w+)/.exec(told)?.[1] ?? '');
    await world.clock.advance(5 * minute);
    world.source.put(clusterOf({ replicas: 6 }));
    await world.clock.advance(10 * minute);
  },

  async 'half a file'() {
    const world = await ready();
    world.source.put(clusterOf({ replicas: 1 }), false);
    await world.clock.advance(5 * minute);
  },

  async 'a request while the source is gone'() {
    const world = await ready(clusterOf({ replicas: 1 }), clusterOf({ name: 'beta', replicas: 1 }));
    world.source.distrust('the directory is empty');
    world.state.requestDeletion('default', 'alpha');
    await world.clock.advance(10 * minute);
  },

  /** By the manifest, which is there all the time. */
  async 'a request that was taken back'() {
    const world = await ready(clusterOf({ replicas: 1 }));
    world.state.requestDeletion('default', 'alpha');
    await world.clock.advance(5 * minute);
    world.source.distrust('the directory is empty');
    await world.clock.advance(5 * minute);
  },

  async 'a manifest that comes back'() {
    const world = await ready();
    await runJob(world, 'alpha-compute-1');
    world.source.remove(clusterOf());
    await world.clock.advance(minute);
    world.source.put(clusterOf());
    await world.clock.advance(10 * minute);
  },

  /** A job holds the deletion up; meanwhile the process dies and the source goes. */
  async 'death in the midst of deletion'() {
    const world = await ready(clusterOf({ replicas: 1 }));
    const job = await runJob(world, 'alpha-compute-0');
    world.source.remove(clusterOf());
    await world.clock.advance(minute);
    world.source.distrust('the directory is empty');
    world.kill();
    await world.clock.advance(minute);
    world.slurm.endJob('alpha', job);
    await world.clock.advance(10 * minute);
  },

  async paused() {
    const world = await ready();
    world.source.put(clusterOf({ replicas: 3, spec: { paused: true } }));
    await world.clock.advance(10_000);
    world.hypervisor.disturb(world.domain('alpha-compute-0')?.uuid ?? '', 'destroy');
    await world.clock.advance(5 * minute);
  },

  /** A file that a new process has only seen broken is renamed away, and comes back whole. */
  async 'files that are away for a moment'() {
    const world = await readyIn(inFiles());
    const breaks = [() => world.source.breakFile(clusterOf(), { file: '', message: '' }), () => {}];
    for (const before of breaks) {
      before();
      await world.clock.advance(minute);
      world.kill();
      // Lost with its file, so that nobody knows what the broken one held.
      await world.state.remember([]);
      await world.clock.advance(minute);
      world.source.remove(clusterOf());
      await world.clock.advance(1000);
      world.source.put(clusterOf());
      await world.clock.advance(5 * minute);
    }
    withoutEnd(world);
  },
};
