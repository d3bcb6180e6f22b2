/** What the crash sweeps disturb: short lives of clusters, each of which ends at rest. */
import type { BenchCluster } from '../../src/crd/bench-cluster.ts';
import { clusterOf, imageOf } from '../fakes/builders.ts';
import { deleteDiskOfHead, runJob } from './scenes.ts';
import type { World } from './world.ts';

export interface Workload {
  name: string;
  clusters: BenchCluster[];
  /** Edits the source and moves time; must end in a world at rest. */
  run: (world: World) => Promise<void>;
  /** Effects at least, so that a sweep over nothing is noticed. */
  atLeast: number;
}

export const workloads: Workload[] = [
  {
    name: 'create',
    clusters: [clusterOf()],
    run: (world) => world.untilReady('alpha'),
    atLeast: 20,
  },
  {
    name: 'scale from one to two to one with a job',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      await world.untilReady('alpha');
      world.source.put(clusterOf({ replicas: 2 }));
      await world.untilReady('alpha', 2);
      const job = await runJob(world, 'alpha-compute-1');
      world.clock.after(5000, () => world.slurm.endJob('alpha', job));
      world.source.put(clusterOf({ replicas: 1 }));
      await world.untilReady('alpha', 3);
    },
    atLeast: 50,
  },
  {
    name: 'create and delete',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      await world.untilReady('alpha');
      world.source.remove(clusterOf());
      await world.untilGone('alpha');
    },
    atLeast: 35,
  },
  {
    name: 'delete in the middle of creation',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      await world.until('the domains run', () => running(world) === 2);
      world.source.remove(clusterOf());
      await world.untilGone('alpha');
    },
    atLeast: 20,
  },
  {
    name: 'delete a cluster whose head is off, and write it again when the disk is gone',
    // The other one keeps network and images, of which else more or less would be made anew.
    clusters: [clusterOf({ replicas: 0 }), clusterOf({ name: 'beta', replicas: 0 })],
    async run(world) {
      await world.untilReady('alpha');
      await world.untilReady('beta');
      const hasDisk = await deleteDiskOfHead(world);
      world.source.put(clusterOf({ replicas: 0 }));
      // Its status of before says that it is ready, until there is another.
      await world.until('it is made anew', () => hasDisk() && world.isReady('alpha'));
    },
    atLeast: 30,
  },
  {
    name: 'roll another image through a pool',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      await world.untilReady('alpha');
      world.source.put(imageOf('debian', 'b'));
      await world.until('the worker is new', () => {
        const ready = world.condition('alpha', 'Ready')?.status === 'True';
        return ready && world.domain('alpha-compute-0')?.owner?.node?.image.endsWith('b') === true;
      });
    },
    atLeast: 40,
  },
  {
    name: 'replace a worker that never comes up',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      const worker = 'alpha-compute-0';
      world.guests.silent.add(worker);
      await world.until('it boots', () => world.domain(worker)?.state === 'running');
      // Nobody looks until its patience is over, which makes a life of ten minutes a short one.
      world.kill(10 * minute);
      const isGone = () => world.watched.counts.has(`undefine ${worker}`);
      // Each process that begins gives it ten minutes of its own.
      await world.until('it is taken away', isGone, 60 * minute);
      world.guests.silent.delete(worker);
      await world.untilReady('alpha');
    },
    atLeast: 35,
  },
  {
    name: 'change a parameter of slurm.conf',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      await world.untilReady('alpha');
      const scheduler = { slurm: { config: { SlurmctldDebug: 'debug' } } };
      world.source.put(clusterOf({ replicas: 1, spec: { scheduler } }));
      await world.untilReady('alpha', 2);
    },
    atLeast: 24,
  },
  {
    name: 'lose the host in the middle of creation',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      await world.until(
        'the worker runs',
        () => world.domain('alpha-compute-0')?.state === 'running',
      );
      world.hypervisor.unreachable = true;
      await world.clock.advance(2 * minute);
      world.hypervisor.unreachable = false;
      await world.untilReady('alpha');
    },
    atLeast: 20,
  },
  {
    name: 'rename',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      await world.untilReady('alpha');
      world.source.remove(clusterOf());
      world.source.put(clusterOf({ name: 'beta', replicas: 1 }));
      await world.untilGone('alpha');
      await world.untilReady('beta');
    },
    atLeast: 50,
  },
  {
    name: 'two clusters on one host, of which one is deleted',
    clusters: [clusterOf({ replicas: 1 }), clusterOf({ name: 'beta', replicas: 0 })],
    async run(world) {
      await world.untilReady('alpha');
      await world.untilReady('beta');
      world.source.remove(clusterOf());
      await world.untilGone('alpha');
    },
    atLeast: 40,
  },
  {
    name: 'start without a record',
    clusters: [clusterOf({ replicas: 1 })],
    async run(world) {
      await world.untilReady('alpha');
      world.kill();
      await world.restore('alpha');
      await world.untilReady('alpha');
    },
    atLeast: 22,
  },
  {
    name: 'start with an older record',
    clusters: [clusterOf({ replicas: 0 })],
    async run(world) {
      await world.untilReady('alpha');
      const older = world.state.record('default/alpha');
      world.source.put(clusterOf({ replicas: 1 }));
      await world.untilReady('alpha', 2);
      world.kill();
      await world.restore('alpha', older);
      await world.untilReady('alpha', 2);
    },
    atLeast: 24,
  },
];

const minute = 60_000;

function running(world: World): number {
  return [...world.hypervisor.domains.values()].filter(({ state }) => state === 'running').length;
}
