/** What is ours on a host, what is others’, and what is left of either. */
import { clusterOf, identity, imageOf } from '../../../fakes/builders.ts';
import { uuidOfNode } from '../../../oracle/derived.ts';
import { writtenBeside } from '../../scenes.ts';
import { withoutEnd } from '../troubles.ts';
import { type Nets, ready, worlds, written } from '../worlds.ts';

const minute = 60_000;
const strangers = 'aaaaaaaa-0000-4000-8000-000000000001';
const stopAfter = 40;

export const owners: Nets = {
  async create() {
    const world = await ready();
    await world.clock.advance(5 * minute);
  },

  /** Of the same size, as when an image was built anew and its manifest is still the one before. */
  async 'files of an image that hold something else'() {
    const world = written(clusterOf({ replicas: 1 }));
    const { source, boot } = imageOf().spec;
    for (const file of [source, boot?.kernel, boot?.initrd]) {
      if (file) world.images.replace(file.path, 'e'.repeat(64));
    }
    await world.start();
    await world.clock.advance(10 * minute);
    world.images.mend();
    await world.clock.advance(60 * minute);
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

  async 'another image, then deletion'() {
    const world = await ready(clusterOf({ replicas: 1 }));
    world.source.put(imageOf('debian', 'b'));
    await world.clock.advance(10 * minute);
    world.source.remove(clusterOf());
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
};
