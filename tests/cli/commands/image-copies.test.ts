/** `image list` and `image prune` on a cache of values and hosts of the simulator. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import type { CachedImage } from '../../../src/cli/image-tools.ts';
import { PortError } from '../../../src/controllers/ports.ts';
import { SimHypervisor } from '../../../src/sim/hypervisor.ts';
import { recordOf } from '../../fakes/builders.ts';
import { ago, cluster } from '../support/builders.ts';
import { createWorld, type FakeWorld } from '../support/fake-context.ts';
import { hostYaml } from '../support/manifests.ts';

const oldDigest = 'a'.repeat(12);
const newDigest = 'b'.repeat(12);
const former = `debian-${oldDigest}.qcow2`;
const present = `debian-${newDigest}.qcow2`;

function build(letter: string, seconds: number): CachedImage {
  const volume = (kind: string) => `debian-${letter.repeat(12)}.${kind}`;
  return {
    name: 'debian',
    sha256: letter.repeat(64),
    dir: `/cache/debian/${letter}`,
    files: [`/cache/debian/${letter}/disk.qcow2`],
    volumes: [volume('qcow2'), volume('vmlinuz'), volume('initrd')],
    bytes: 1024 ** 2,
    createdAt: ago(seconds),
  };
}

/** Two builds in the cache, and a host `rhodey`. */
async function worldWith(t: TestContext): Promise<{
  world: FakeWorld;
  host: SimHypervisor;
  cache: CachedImage[];
}> {
  const world = await createWorld(t);
  const host = new SimHypervisor({ clock: world.clock });
  world.hosts.set('rhodey', host);
  const cache = [build('b', 60), build('a', 7200)];
  world.parts.images = async () => ({
    build: () => Promise.reject(new Error('not asked for')),
    verify: () => Promise.reject(new Error('not asked for')),
    cached: async () => [...cache],
    remove: async ({ dir }) => {
      cache.splice(
        cache.findIndex((item) => item.dir === dir),
        1,
      );
    },
  });
  await world.write('host.yaml', hostYaml('rhodey'));
  return { world, host, cache };
}

function addVolumes(host: SimHypervisor, ...names: string[]): void {
  for (const name of names) host.volumes.set(name, { name, capacityBytes: 2 ** 20 });
}

function addDisk(host: SimHypervisor, name: string, backingVolume: string): void {
  host.volumes.set(name, { name, capacityBytes: 2 ** 20, backingVolume });
}

test('image list shows cache and hosts, who uses what, and whose it is', async (t) => {
  const { world, host } = await worldWith(t);
  addVolumes(host, former, present, 'theirs-cccccccccccc.qcow2', 'notes.txt');
  addDisk(host, 'vm-0-deadbeef.qcow2', former);
  addDisk(host, 'vm-1-deadbeef.qcow2', former);
  assert.equal(await world.run('image', 'list', '--no-color'), exitCodes.ok);
  const rows = world.stdout.text.split('\n').map((line) => line.split(/ {3,}/));
  assert.deepEqual(rows.slice(0, -1), [
    ['NAME', 'DIGEST', 'WHERE', 'SIZE', 'USED-BY', 'STATE', 'AGE', 'FILE'],
    ['debian', newDigest, 'cache', '1.0 MiB', '-', 'current', '60s', '/cache/debian/b/disk.qcow2'],
    ['debian', oldDigest, 'cache', '1.0 MiB', '-', 'wanted', '120m', '/cache/debian/a/disk.qcow2'],
    ['debian', oldDigest, 'rhodey', '-', '2', 'used', '-', former],
    ['debian', newDigest, 'rhodey', '-', '-', 'unused', '-', present],
    ['theirs', 'c'.repeat(12), 'rhodey', '-', '-', 'foreign', '-', 'theirs-cccccccccccc.qcow2'],
  ]);
  assert.equal(world.leftOpen, 0);
});

test('a host that does not answer is said, and the others are listed', async (t) => {
  const { world, host } = await worldWith(t);
  addVolumes(host, present);
  await world.write('more.yaml', hostYaml('hulk'));
  assert.equal(await world.run('image', 'list', '-o', 'json'), exitCodes.ok);
  assert.match(world.stderr.text, /note: host hulk cannot be reached: no route to it/);
  const copies = JSON.parse(world.stdout.text);
  assert.deepEqual(copies[2], {
    ...{ name: 'debian', digest: newDigest, where: 'rhodey', file: present },
    ...{ usedBy: [], state: 'unused' },
  });
});

test('a host that hangs is given up after its time', async (t) => {
  const { world, host } = await worldWith(t);
  host.inventory = () => new Promise(() => {});
  const listed = world.run('image', 'list');
  while (world.clock.pending === 0) await new Promise((resolve) => setImmediate(resolve));
  world.clock.advance(10_000);
  assert.equal(await listed, exitCodes.ok);
  assert.match(world.stderr.text, /host rhodey cannot be reached: no answer in time/);
});

test('prune asks, and takes only what is ours, unused and wanted by nobody', async (t) => {
  const { world, host, cache } = await worldWith(t);
  addVolumes(host, former, present, `debian-${oldDigest}.vmlinuz`, `debian-${newDigest}.initrd`);
  addVolumes(host, 'theirs-cccccccccccc.qcow2', `debian-${'d'.repeat(12)}.qcow2`, 'data.qcow2');
  addDisk(host, 'vm-0-deadbeef.qcow2', present);
  const files = [`/var/lib/libvirt/images/debian-${newDigest}.initrd`];
  host.addForeignDomain({ name: 'strange', uuid: 'u', files });
  world.answer = 'y';
  assert.equal(await world.run('image', 'prune'), exitCodes.ok);
  assert.deepEqual(world.questions, ['Remove these 3 images, 1.0 MiB? [y/N] ']);
  assert.match(world.stdout.text, /3 removed, 1\.0 MiB\n$/);
  assert.deepEqual(
    cache.map(({ dir }) => dir),
    ['/cache/debian/b'],
  );
  assert.deepEqual([...host.volumes.keys()].sort(), [
    'data.qcow2',
    `debian-${newDigest}.initrd`,
    present,
    `debian-${'d'.repeat(12)}.qcow2`,
    'theirs-cccccccccccc.qcow2',
    'vm-0-deadbeef.qcow2',
  ]);
});

for (const [name, argv, answer, code] of [
  ['says no', [], 'n', exitCodes.ok],
  ['only presses Enter', [], '', exitCodes.ok],
  ['is not there', [], undefined, exitCodes.usage],
  ['wants to see it only', ['--dry-run'], 'y', exitCodes.ok],
  ['says two things at once', ['--dry-run', '--yes'], 'y', exitCodes.usage],
] as const) {
  test(`prune removes nothing when the person ${name}`, async (t) => {
    const { world, host, cache } = await worldWith(t);
    addVolumes(host, former, present);
    world.answer = answer;
    assert.equal(await world.run('image', 'prune', ...argv), code);
    assert.deepEqual([host.volumes.size, cache.length], [2, 2]);
  });
}

test('what a cluster wants is kept on its host, and goes from another one', async (t) => {
  const { world, host } = await worldWith(t);
  const other = new SimHypervisor({ clock: world.clock });
  other.inventory = async () => ({ ...other.view(), hostname: 'hulk' });
  world.hosts.set('hulk', other);
  await world.write('more.yaml', hostYaml('hulk'));
  const uri = { uri: 'qemu:///system', pool: 'default' };
  const record = recordOf(cluster());
  world.clusters = [{ record: { ...record, host: { ...record.host, spec: uri } } }];
  for (const each of [host, other]) addVolumes(each, former, present);
  assert.equal(await world.run('image', 'prune', '--yes'), exitCodes.ok);
  assert.deepEqual([...host.volumes.keys()], [former]);
  assert.deepEqual([...other.volumes.keys()], []);
});

test('while the host of a cluster is away, what it wants is kept everywhere', async (t) => {
  const { world, host } = await worldWith(t);
  const record = recordOf(cluster());
  const away = { ...record.host, metadata: { ...record.host.metadata, name: 'away' } };
  world.clusters = [{ record: { ...record, host: away } }];
  addVolumes(host, former, present);
  assert.equal(await world.run('image', 'prune', '--yes'), exitCodes.ok);
  assert.deepEqual([...host.volumes.keys()], [former]);
});

test('what was taken into use meanwhile is kept, the rest goes, and it is told', async (t) => {
  const { world, host, cache } = await worldWith(t);
  addVolumes(host, former, present, `debian-${newDigest}.initrd`);
  world.parts.ask = async () => {
    addDisk(host, 'vm-0-deadbeef.qcow2', present);
    return 'yes';
  };
  host.failNext('deleteVolume', new PortError('conflict', 'it is used by domain x'));
  assert.equal(await world.run('image', 'prune'), exitCodes.failed);
  assert.match(world.stdout.text, /^1 removed/m);
  assert.match(world.stderr.text, /not removed: .*it is used by domain x \(and 2 more\)/);
  // Of the old build the cache stays too: without it nothing would tell whose the volume is.
  assert.equal(cache.length, 2);
  assert.deepEqual([...host.volumes.keys()], [former, present, 'vm-0-deadbeef.qcow2']);
});
