import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import type { ImageTools } from '../../../src/cli/image-tools.ts';
import { createWorld, type FakeWorld } from '../support/fake-context.ts';
import { hostYaml } from '../support/manifests.ts';

function giveTools(world: FakeWorld, tools: Partial<ImageTools>): void {
  const missing = () => Promise.reject(new Error('not asked for'));
  const all = { build: missing, verify: missing, cached: missing, remove: missing, ...tools };
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

test('image verify takes a host of the manifests, and else this machine', async (t) => {
  const world = await createWorld(t);
  const asked: string[] = [];
  giveTools(world, {
    verify: async (name, host) => {
      asked.push(`${name} on ${host.metadata.name}`);
      return [];
    },
  });
  await world.write('host.yaml', hostYaml('rhodey'));
  assert.equal(await world.run('image', 'verify', 'a'), exitCodes.ok);
  assert.equal(await world.run('image', 'verify', 'a', '--host', 'rhodey'), exitCodes.ok);
  assert.equal(await world.run('image', 'verify', 'a', '--host', 'hulk'), exitCodes.notFound);
  assert.match(world.stderr.text, /host\/hulk not found/);
  assert.deepEqual(asked, ['a on local', 'a on rhodey']);
});

test('image alone is a usage error with help', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('image'), exitCodes.usage);
  assert.match(world.stderr.text, /error: no command was given\nnext: {2}benchctl image --help/);
});
