/** Recipes: what is refused and named, and which changes make another image. */

import assert from 'node:assert/strict';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { mmdebstrapArguments } from '../../src/image/build.ts';
import { readRecipe } from '../../src/image/recipe.ts';

const GOOD = {
  name: 'tiny',
  suite: 'bookworm',
  packages: ['systemd'],
  provides: ['slurm'],
  initrdModules: ['virtio_blk'],
  cmdline: 'root=/dev/vda rw',
  exclude: ['/usr/share/doc/*'],
};

async function withFolder(use: (dir: string) => Promise<void>): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'recipe-test-'));
  try {
    await mkdir(join(dir, 'files'));
    await writeFile(join(dir, 'files/motd'), 'hello');
    await writeFile(join(dir, 'recipe.json'), JSON.stringify(GOOD));
    await use(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

test('the recipe of the project is readable', async () => {
  const dir = fileURLToPath(new URL('../../images/debian-slurm', import.meta.url));
  const recipe = await readRecipe(dir);
  assert.equal(recipe.name, 'debian-slurm');
  assert.ok(recipe.packages.includes('slurmd'));
  // Without it a guest on a loaded machine without KVM panics at boot.
  assert.match(recipe.cmdline, /\bno_timer_check\b/);
});

test('the digest is that of every byte and executable bit, and of nothing else', () =>
  withFolder(async (dir) => {
    const digests = [(await readRecipe(dir)).digest];
    const next = async (): Promise<void> => {
      digests.push((await readRecipe(dir)).digest);
    };
    await writeFile(join(dir, 'files/motd'), 'hullo');
    await next();
    await chmod(join(dir, 'files/motd'), 0o755);
    await next();
    await writeFile(join(dir, 'files/more'), '');
    await next();
    assert.equal(new Set(digests).size, digests.length);
    await rm(join(dir, 'files/more'));
    await chmod(join(dir, 'files/motd'), 0o644);
    await writeFile(join(dir, 'files/motd'), 'hello');
    assert.equal((await readRecipe(dir)).digest, digests[0]);
  }));

const faults: [string, unknown, string][] = [
  ['an option for a package', { ...GOOD, packages: ['--purge'] }, 'packages'],
  ['a shell word in a module', { ...GOOD, initrdModules: ['a;reboot'] }, 'initrdModules'],
  ['a path for a name', { ...GOOD, name: '../etc' }, 'name'],
  ['a command line of two lines', { ...GOOD, cmdline: 'a\nb' }, 'cmdline'],
  ['no suite', { ...GOOD, suite: undefined }, 'suite'],
];
for (const [what, recipe, field] of faults) {
  test(`${what} is refused, and the field is named`, () =>
    withFolder(async (dir) => {
      await writeFile(join(dir, 'recipe.json'), JSON.stringify(recipe));
      await assert.rejects(readRecipe(dir), (error) => {
        assert.ok(error instanceof Error && 'code' in error && 'facts' in error);
        assert.equal(error.code, 'RECIPE_INVALID');
        assert.equal(Object.getOwnPropertyDescriptor(error.facts, 'field')?.value, field);
        return true;
      });
    }));
}

test('a recipe that is no JSON is refused', () =>
  withFolder(async (dir) => {
    await writeFile(join(dir, 'recipe.json'), '{');
    await assert.rejects(readRecipe(dir), { code: 'RECIPE_INVALID' });
  }));

test('packages come from the one mirror, signed, without recommended ones', () =>
  withFolder(async (dir) => {
    const args = mmdebstrapArguments(await readRecipe(dir), 'http://mirror.example');
    const sources = args.filter((arg) => arg.startsWith('deb '));
    assert.equal(sources.length, 3);
    for (const line of sources) {
      assert.match(line, /^deb \[signed-by=\/[^\]]+\] http:\/\/mirror\.example\//);
    }
    assert.ok(args.includes('--aptopt=APT::Install-Recommends "false"'));
    assert.ok(args.some((arg) => arg.startsWith('--include=') && arg.includes('systemd')));
  }));
