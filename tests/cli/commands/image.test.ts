import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import type { ImageCopy, ImageTools } from '../../../src/cli/image-tools.ts';
import { ago } from '../support/builders.ts';
import { createWorld, type FakeWorld } from '../support/fake-context.ts';

const copy: ImageCopy = {
  name: 'debian-slurm',
  sha256: 'abcdef0123456789'.repeat(4),
  place: 'rhodey',
  file: 'debian-slurm-abcdef012345.qcow2',
  bytes: 1.5 * 1024 ** 3,
  usedBy: [],
  createdAt: ago(7200),
};

function giveTools(world: FakeWorld, tools: Partial<ImageTools>): void {
  const missing = () => Promise.reject(new Error('not asked for'));
  const all = { build: missing, verify: missing, list: missing, prune: missing, ...tools };
  world.parts.images = async () => all;
}

test('image build tells its stages on stderr, each tenth once, and the next command', async (t) => {
  const world = await createWorld(t);
  const asked: unknown[] = [];
  giveTools(world, {
    build: async (options, progress) => {
      asked.push(options);
      for (const fraction of [0.1, 0.11, 0.12, 0.2]) progress({ stage: 'packages', fraction });
      return {
        name: 'debian-slurm',
        manifest: '/cache/debian-slurm.yaml',
        disk: '/cache/debian-slurm.qcow2',
        sha256: 'ab',
        bytes: 1024,
        reused: false,
      };
    },
  });
  assert.equal(await world.run('image', 'build'), exitCodes.ok);
  assert.deepEqual(asked, [{ recipe: 'debian-slurm', force: false }]);
  assert.equal(world.stderr.text, 'packages 10 %\npackages 20 %\n');
  assert.match(world.stdout.text, /next: benchctl apply -f \/cache\/debian-slurm\.yaml/);
});

test('image verify fails when one check does, and shows all', async (t) => {
  const world = await createWorld(t);
  giveTools(world, {
    verify: async () => [
      { name: 'dhcp', passed: true, detail: 'by MAC' },
      { name: 'machine-id', passed: false, detail: 'is in the image' },
    ],
  });
  assert.equal(await world.run('image', 'verify', 'image/debian-slurm'), exitCodes.failed);
  assert.match(world.stdout.text, /^dhcp +ok +by MAC\nmachine-id +fail +is in the image$/m);
  assert.match(world.stderr.text, /1 of 2 checks failed/);
});

test('image list shows every copy with its place and users', async (t) => {
  const world = await createWorld(t);
  giveTools(world, { list: async () => [copy, { ...copy, place: 'cache', usedBy: ['a', 'b'] }] });
  await world.run('image', 'list');
  assert.match(
    world.stdout.text,
    /^debian-slurm +abcdef012345 +rhodey +1\.5 GiB +- +120m +debian/m,
  );
  assert.match(world.stdout.text, / cache .* a,b /);
});

test('image prune says what went, and with --dry-run what would', async (t) => {
  const world = await createWorld(t);
  const asked: unknown[] = [];
  giveTools(world, {
    prune: async (options) => {
      asked.push(options);
      return [copy];
    },
  });
  await world.run('image', 'prune', '--dry-run');
  assert.match(world.stdout.text, /1 would be removed, 1\.5 GiB/);
  await world.run('image', 'prune');
  assert.match(world.stdout.text, /1 removed, 1\.5 GiB/);
  assert.deepEqual(asked, [{ dryRun: true }, { dryRun: false }]);
});

test('image alone is a usage error with help', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('image'), exitCodes.usage);
  assert.match(world.stderr.text, /error: no command was given\nnext: {2}benchctl image --help/);
});
