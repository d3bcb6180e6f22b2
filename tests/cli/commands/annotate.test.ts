import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import { createWorld } from '../support/fake-context.ts';
import { clusterYaml, hostYaml } from '../support/manifests.ts';

const paused = 'benchcluster.io/paused';

test('annotate sets, keeps all else, and takes away again', async (t) => {
  const world = await createWorld(t);
  const before = `# ours\n${hostYaml()}---\n${clusterYaml()}---\n# last\n${clusterYaml('b')}`;
  await world.write('all.yaml', before);
  assert.equal(await world.run('annotate', 'cluster/slurm-a', `${paused}=true`), exitCodes.ok);
  assert.equal(world.stdout.text, 'cluster/slurm-a annotated\n');
  const after = await world.read('all.yaml');
  assert.match(after, /\{name: slurm-a, annotations: \{benchcluster\.io\/paused: "true"\}\}\n/);
  assert.match(after, /replicas: 2 # how many/);
  assert.ok(after.startsWith(`# ours\n${hostYaml()}`) && after.includes('# last\n'));
  assert.equal(await world.run('annotate', 'cluster/slurm-a', `${paused}-`), exitCodes.ok);
  assert.doesNotMatch(await world.read('all.yaml'), /annotations/);
});

test('a value is replaced only when that is asked for', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  await world.run('annotate', 'cluster/slurm-a', 'benchcluster.io/reconcile=one');
  const again = ['annotate', 'cluster/slurm-a', 'benchcluster.io/reconcile=two'];
  assert.equal(await world.run(...again), exitCodes.failed);
  assert.match(world.stderr.text, /has the value "one" already[\s\S]*--overwrite/);
  assert.equal(await world.run(...again, '--overwrite'), exitCodes.ok);
  assert.match(await world.read('a.yaml'), /reconcile: two/);
});

test('what makes no valid manifest is not written, with the loader’s own words', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  const bad = await world.run('annotate', 'cluster/slurm-a', 'benchcluster.io/pausd=true');
  assert.equal(bad, exitCodes.invalidManifests);
  assert.match(world.stderr.text, /is not a known annotation[\s\S]*did you mean/);
  assert.equal(await world.read('a.yaml'), clusterYaml());
});

test('an object that is not there, a node, and a word that is no change are told apart', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml());
  assert.equal(await world.run('annotate', 'cluster/nope', 'a=b'), exitCodes.notFound);
  assert.equal(await world.run('annotate', 'node/slurm-a-head-0', 'a=b'), exitCodes.usage);
  assert.equal(await world.run('annotate', 'cluster/slurm-a', 'nonsense'), exitCodes.usage);
});
