/**
 * The builder around its programs: cached, atomic, cancellable, nothing half-made left.
 * mmdebstrap and qemu-img are stand-ins here, because a real build takes a minute and a network; the
 * end-to-end tests build and boot the real image.
 */

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { BuildStage } from '../../src/image/build.ts';
import { buildImage } from '../../src/image/build.ts';
import { listImages } from '../../src/image/manifest.ts';
import { readRecipe } from '../../src/image/recipe.ts';

const needsRoot = { skip: process.getuid?.() === 0 ? false : 'an image is built as root' };

const MMDEBSTRAP = `#!/bin/sh
echo "I: downloading packages with apt..." >&2
echo "I: running --customize-hook in shell" >&2
[ ! -e "$RECIPE/files/hang" ] || { sleep 60; exit 1; }
[ ! -e "$RECIPE/files/fail" ] || { echo "E: no such package" >&2; exit 25; }
printf kernel >"$OUT/vmlinuz"; printf initrd >"$OUT/initrd"; printf disk >"$OUT/disk.raw"
printf 'slurmd 22.05\\nbash 5.2\\n' >"$OUT/packages.txt"
echo run >>"$RUNS"
`;
const QEMU_IMG = '#!/bin/sh\nfor last; do :; done\nprintf qcow2 >"$last"\n';

type Place = { recipe: string; cacheDir: string; runs: () => Promise<number> };

async function withPlace(use: (place: Place) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'build-test-'));
  const path = process.env.PATH;
  try {
    const recipe = join(dir, 'recipe');
    await mkdir(join(recipe, 'files'), { recursive: true });
    const fields = { name: 'tiny', suite: 'bookworm', cmdline: 'rw', provides: ['slurm'] };
    const lists = { packages: ['bash'], initrdModules: ['virtio_blk'], exclude: [] };
    await writeFile(join(recipe, 'recipe.json'), JSON.stringify({ ...fields, ...lists }));
    await mkdir(join(dir, 'bin'));
    for (const [name, text] of Object.entries({ mmdebstrap: MMDEBSTRAP, 'qemu-img': QEMU_IMG })) {
      await writeFile(join(dir, 'bin', name), text);
      await chmod(join(dir, 'bin', name), 0o755);
    }
    process.env.PATH = `${join(dir, 'bin')}:${path}`;
    process.env.RUNS = join(dir, 'runs');
    const runs = async (): Promise<number> =>
      (await readFile(join(dir, 'runs'), 'utf8').catch(() => '')).split('\n').length - 1;
    await use({ recipe, cacheDir: join(dir, 'cache'), runs });
  } finally {
    process.env.PATH = path;
    delete process.env.RUNS;
    await rm(dir, { recursive: true, force: true });
  }
}

test('an image is built once for its recipe, and its manifest is true', needsRoot, () =>
  withPlace(async ({ recipe, cacheDir, runs }) => {
    const stages: BuildStage[] = [];
    const progress = (at: { stage: BuildStage }): unknown => stages.push(at.stage);
    const read = await readRecipe(recipe);
    const first = await buildImage(read, { cacheDir, progress });
    assert.deepEqual([...new Set(stages)], ['packages', 'filesystem', 'disk', 'digest', 'done']);
    const digest = createHash('sha256').update('qcow2').digest('hex');
    assert.equal(first.manifest.disk.sha256, digest);
    assert.equal(await readFile(first.disk, 'utf8'), 'qcow2');
    assert.equal(first.manifest.packages.slurmd, '22.05');
    const again = await buildImage(read, { cacheDir });
    assert.equal(again.dir, first.dir);
    assert.equal(await runs(), 1);
    await writeFile(join(recipe, 'files/motd'), 'changed');
    const other = await buildImage(await readRecipe(recipe), { cacheDir });
    assert.notEqual(other.dir, first.dir);
    assert.equal((await listImages(cacheDir)).length, 2);
  }),
);

test('a failed build says why and leaves nothing', needsRoot, () =>
  withPlace(async ({ recipe, cacheDir }) => {
    await writeFile(join(recipe, 'files/fail'), '');
    await assert.rejects(buildImage(await readRecipe(recipe), { cacheDir }), (error) => {
      assert.ok(error instanceof Error && 'code' in error);
      assert.equal(error.code, 'COMMAND_FAILED');
      assert.match(error.message, /no such package/);
      return true;
    });
    assert.deepEqual(await readdir(join(cacheDir, 'tiny')), []);
  }),
);

test('a cancelled build ends at once and leaves nothing', needsRoot, () =>
  withPlace(async ({ recipe, cacheDir }) => {
    await writeFile(join(recipe, 'files/hang'), '');
    const cancel = new AbortController();
    const progress = (at: { stage: BuildStage }): void => {
      if (at.stage === 'filesystem') cancel.abort(new Error('enough'));
    };
    const started = performance.now();
    const building = buildImage(await readRecipe(recipe), {
      cacheDir,
      progress,
      signal: cancel.signal,
    });
    await assert.rejects(building, { message: 'enough' });
    assert.ok(performance.now() - started < 20_000);
    assert.deepEqual(await readdir(join(cacheDir, 'tiny')), []);
  }),
);

test('two builds at once end with one whole image', needsRoot, () =>
  withPlace(async ({ recipe, cacheDir }) => {
    const read = await readRecipe(recipe);
    const both = await Promise.all([
      buildImage(read, { cacheDir }),
      buildImage(read, { cacheDir }),
    ]);
    assert.equal(both[0].dir, both[1].dir);
    assert.deepEqual(await readdir(join(cacheDir, 'tiny')), [read.digest.slice(0, 12)]);
  }),
);
