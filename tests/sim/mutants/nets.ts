/**
 * Short lives under the eyes of the oracle, each with the trouble that some mistake would not
 * survive. A net says what it caught; on the right controller that is nothing.
 */
import { PortError } from '../../../src/controllers/ports.ts';
import type { BenchCluster } from '../../../src/crd/bench-cluster.ts';
import { clusterOf, identity, imageOf } from '../../fakes/builders.ts';
import { uuidOfNode } from '../../oracle/derived.ts';
import {
  beforeStart,
  deadly,
  listBefore,
  readyIn,
  runJob,
  writtenBeside,
  writtenWorld,
} from '../scenes.ts';
import { World } from '../world.ts';
import { hang, reopenBetweenListings, withoutEnd } from './troubles.ts';

const minute = 60_000;
const strangers = 'aaaaaaaa-0000-4000-8000-000000000001';
const stopAfter = 40;

/** The worlds so far, to be judged also when a life in them came to no good end. */
export const worlds: World[] = [];

function written(...clusters: BenchCluster[]): World {
  const world = writtenWorld(...clusters);
  worlds.push(world);
  return world;
}

/** A world with manifests in files, in which nothing is left to chance. */
function inFiles(): World {
  const world = new World({ choice: { choose: () => 0 }, inFiles: true });
  worlds.push(world);
  return world;
}

async function ready(...clusters: BenchCluster[]): Promise<World> {
  const world = written(...clusters);
  await world.start();
  for (const { metadata } of clusters.length > 0 ? clusters : [clusterOf()]) {
    const { namespace, name } = metadata;
    const isReady = () =>
      world
        .status(name, namespace)
        ?.conditions.some(({ type, status }) => type === 'Ready' && status === 'True') === true;
    await world.until(`${name} is ready`, isReady);
  }
  return world;
}

export const nets: Record<string, () => Promise<void>> = {
  async create() {
    const world = await ready();
    await world.clock.advance(5 * minute);
  },

  async rest() {
    const world = await ready();
    await world.clock.advance(2 * minute);
    const mark = world.oracle.rest();
    await world.clock.advance(30 * minute);
    world.oracle.judgeRest(mark);
  },

  async 'two clusters'() {
    const world = await ready(clusterOf(), clusterOf({ name: 'beta', replicas: 1 }));
    world.source.remove(clusterOf());
    await world.clock.advance(5 * minute);
  },

  async 'two namespaces'() {
    const other = clusterOf({ namespace: 'lab', name: 'beta', replicas: 1 });
    await ready(clusterOf({ replicas: 1 }), other);
  },

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

  async rollout() {
    const world = await ready(clusterOf({ replicas: 3 }));
    world.source.put(clusterOf({ replicas: 3, pool: { memory: '2Gi' } }));
    await world.clock.advance(10 * minute);
  },

  async 'another image, then deletion'() {
    const world = await ready(clusterOf({ replicas: 1 }));
    world.source.put(imageOf('debian', 'b'));
    await world.clock.advance(10 * minute);
    world.source.remove(clusterOf());
    await world.clock.advance(10 * minute);
  },

  async 'a head of an earlier spec'() {
    const world = await ready(clusterOf({ replicas: 1 }));
    world.source.put(clusterOf({ replicas: 1, spec: { controlPlane: { memory: '2Gi' } } }));
    await world.clock.advance(5 * minute);
  },

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

  /** Machines that no cluster has, because their record is lost; it may come back. */
  async leftovers() {
    const beta = clusterOf({ name: 'beta', replicas: 1 });
    const world = await ready(clusterOf({ replicas: 1 }), beta);
    await world.stop();
    await world.state.removeCluster('default', 'beta');
    world.source.remove(beta);
    world.hypervisor.disturb(world.domain('beta-compute-0')?.uuid ?? '', 'destroy');
    await world.start();
    await world.clock.advance(14 * minute);
    world.source.breakFile(clusterOf({ name: 'gamma' }), { file: 'c.yaml', message: 'half' });
    await world.clock.advance(60 * minute);
    if (world.domain('beta-compute-0') === undefined) throw new Error('it was taken for an orphan');
    world.source.put(beta);
    world.source.mend();
    await world.untilReady('beta');
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

  /** Disks are there, and no domain can be defined. */
  async 'deletion in the midst of creation'() {
    const world = written(clusterOf({ replicas: 1 }));
    for (let count = 0; count < stopAfter; count += 1) world.hypervisor.failNext('defineDomain');
    await world.start();
    await world.clock.advance(500);
    world.source.remove(clusterOf());
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

  async 'a unit that fails'() {
    const world = written(clusterOf({ replicas: 1 }));
    world.guests.failUnits('slurm-head', 2);
    await world.start();
    await world.clock.advance(10 * minute);
  },

  /** Machines of another installation, and a copy of one of ours that a person made. */
  async strangers() {
    const world = await ready();
    const ours = world.domain('alpha-compute-0');
    if (ours?.owner?.node === undefined) throw new Error('it has no mark');
    const add = (name: string, uuid: string, installation: string) => {
      world.hypervisor.addForeignDomain({ name, uuid, network: '' });
      const domain = world.hypervisor.domains.get(uuid);
      if (domain && ours.owner) domain.owner = { ...structuredClone(ours.owner), installation };
    };
    // As if the other one had been made from a copy of our state.
    const { installation } = identity;
    const uuid = uuidOfNode(installation, 'default/alpha', 'alpha-compute-7');
    add('alpha-compute-7', uuid, strangers);
    add('alpha-compute-0-copy', strangers.replace('1', '2'), installation);
    await world.clock.advance(5 * minute);
    world.source.put(clusterOf({ replicas: 1 }));
    await world.clock.advance(5 * minute);
  },

  /** Another installation uploads the image that our cluster would have had, too. */
  async 'a neighbour uploads'() {
    const world = written();
    const network = { name: 'their-net', managed: { cidr: '192.168.160.0/24' } };
    const neighbour = writtenBeside(world, clusterOf({ name: 'beta', spec: { network } }));
    worlds.push(neighbour);
    world.hypervisor.uploads.streamMs = 10 * minute;
    await neighbour.start();
    await world.clock.advance(minute);
    await world.start();
    await world.clock.advance(minute);
    world.source.remove(clusterOf());
    world.state.requestDeletion('default', 'alpha');
    await world.untilGone('alpha');
    await neighbour.until('beta is ready', () => neighbour.isReady('beta'), 60 * minute);
    const left = `old-000000000000.qcow2.${neighbour.identity.installation.slice(0, 8)}.part`;
    world.hypervisor.volumes.set(left, { name: left, capacityBytes: 5 });
    await neighbour.stop();
    await world.clock.advance(30 * minute);
    world.hypervisor.volumes.delete(left);
  },

  async 'foreign names'() {
    const world = written();
    const volume = { name: 'alpha-compute-1-01220ba9.qcow2', capacityBytes: 5 };
    world.hypervisor.volumes.set(volume.name, volume);
    world.hypervisor.addForeignDomain({ name: 'alpha-compute-0', uuid: strangers });
    await world.clock.advance(10_000);
    await world.start();
    await world.clock.advance(5 * minute);
    withoutEnd(world);
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
      await world.clock.advance(minute);
      world.source.remove(clusterOf());
      await world.clock.advance(1000);
      world.source.put(clusterOf());
      await world.clock.advance(5 * minute);
    }
    withoutEnd(world);
  },
};
