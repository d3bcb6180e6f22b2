/**
 * What a broken file stands for is the same for the process that has read it, for the next one, and
 * for `benchctl plan`, which looks once and from outside.
 */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ManifestSource, SourceSnapshot } from '../../src/controllers/ports.ts';
import { openManifestDirectory } from '../../src/drivers/manifest-directory.ts';
import type { ManifestMemory } from '../../src/drivers/manifest-memory.ts';
import { SimFiles } from '../../src/sim/files.ts';
import { MemoryState } from '../../src/sim/memory-state.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { clusterText, imageText } from '../crd/manifest-texts.ts';

const directory = '/manifests';
const base = `${directory}/base.yaml`;
const own = `${directory}/own.yaml`;
const brokenImage = imageText().replace(/provides:.*/, 'provides: [slurmm]');

class Scene {
  readonly clock = new VirtualClock();
  readonly files = new SimFiles({ clock: this.clock });
  readonly state = new MemoryState('an installation');
  readonly memory: ManifestMemory = {
    read: () => this.state.remembered(),
    write: (files) => this.state.remember(files),
  };

  /** A process that begins now. */
  begin(): Promise<ManifestSource> {
    const { clock, files, memory } = this;
    return openManifestDirectory(directory, { clock, files, memory });
  }

  /** What one look tells of it, as `benchctl plan` does. */
  async once(): Promise<SourceSnapshot> {
    const { clock, files } = this;
    const memory = { ...this.memory, write: async () => assert.fail('a plan changes nothing') };
    const source = await openManifestDirectory(directory, { clock, files, memory, settleMs: 0 });
    await source.close();
    return source.snapshot();
  }
}

async function opened(): Promise<{ scene: Scene; source: ManifestSource }> {
  const scene = new Scene();
  scene.files.makeDirectory(directory);
  scene.files.write(base, `${imageText()}---\n${clusterText({ name: 'a' })}...\n`);
  scene.files.write(own, clusterText({ name: 'b' }));
  const source = await scene.begin();
  await scene.clock.advance(5000);
  assert(source.snapshot().trusted);
  return { scene, source };
}

/** What a reading stands for, without when it was read. */
function meaning({ trusted, manifests, faults }: SourceSnapshot) {
  const names = manifests.map(({ object, origin }) => [object.metadata.name, origin.missing]);
  return { trusted, names: names.sort(), faults: faults.map(({ message }) => message) };
}

const edits: [string, (files: SimFiles) => void][] = [
  ['nothing', () => {}],
  [
    'a field is wrong, and another file goes',
    (files) => {
      files.write(base, `${brokenImage}---\n${clusterText({ name: 'a' })}...\n`);
      files.remove(own);
    },
  ],
  ['an object goes from a file that is broken', (files) => files.write(base, brokenImage)],
  [
    'a file is broken, and another is new',
    (files) => {
      files.write(base, 'kind: [BenchCluster');
      files.write(`${directory}/new.yaml`, clusterText({ name: 'c' }));
    },
  ],
  [
    'the mark at the end goes',
    (files) => files.write(base, `${imageText()}---\n${clusterText({ name: 'a' })}`),
  ],
  ['a file goes', (files) => files.remove(base)],
];

for (const [what, edit] of edits) {
  test(`${what}: the process, one that is new, and a plan say the same`, async () => {
    const { scene, source } = await opened();
    edit(scene.files);
    await scene.clock.advance(30_000);
    const meant = meaning(source.snapshot());
    assert.deepEqual(meaning(await scene.once()), meant, 'a plan');
    await source.close();
    const next = await scene.begin();
    await scene.clock.advance(30_000);
    assert.deepEqual(meaning(next.snapshot()), meant, 'the next process');
    await next.close();
  });
}

test('an edit while no process runs: a broken file stands for what it held before', async () => {
  const { scene, source } = await opened();
  await source.close();
  scene.files.write(base, 'kind: [BenchCluster');
  scene.files.remove(own);
  const next = await scene.begin();
  const first = meaning(next.snapshot());
  assert.deepEqual(first.names, [
    ['a', undefined],
    ['b', true],
    ['debian-slurm', undefined],
  ]);
  await scene.clock.advance(30_000);
  assert.deepEqual(meaning(next.snapshot()).names, [
    ['a', undefined],
    ['debian-slurm', undefined],
  ]);
});

test('a process that finds no directory keeps what is remembered, and so does the next', async () => {
  const { scene, source } = await opened();
  await source.close();
  scene.files.moveDirectory(directory, '/elsewhere');
  const blind = await scene.begin();
  await scene.clock.advance(30_000);
  assert.equal(blind.snapshot().trusted, false);
  assert.equal(blind.snapshot().manifests.length, 3);
  await blind.close();
  scene.files.moveDirectory('/elsewhere', directory);
  scene.files.write(base, 'kind: [BenchCluster');
  const next = await scene.begin();
  await scene.clock.advance(30_000);
  assert.equal(next.snapshot().manifests.length, 3);
  assert(next.snapshot().manifests.every(({ origin }) => !origin.missing));
});

test('what cannot be remembered does not count, and is read again', async () => {
  const { scene, source } = await opened();
  scene.state.failNext(3);
  scene.files.write(own, clusterText({ name: 'other' }));
  await scene.clock.advance(500);
  const { trusted, reason, manifests } = source.snapshot();
  assert.equal(trusted, false);
  assert.match(reason ?? '', /cannot be kept: no space left on device/);
  assert.deepEqual(manifests.map(({ object }) => object.metadata.name).sort(), [
    'a',
    'b',
    'debian-slurm',
  ]);
  await scene.clock.advance(10_000);
  assert.deepEqual(meaning(source.snapshot()).names, [
    ['a', undefined],
    ['debian-slurm', undefined],
    ['other', undefined],
  ]);
});
