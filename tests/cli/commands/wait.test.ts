import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import { ago, cluster, condition, node, record, status } from '../support/builders.ts';
import { createWorld, settle, until } from '../support/fake-context.ts';
import { clusterYaml } from '../support/manifests.ts';

const notReady = status({
  conditions: [condition({ status: 'False', reason: 'NodesNotReady', message: '1 of 3' })],
});

test('wait ends at once when it is so already', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record() }];
  assert.equal(await world.run('wait', '--for=condition=Ready', 'cluster/slurm-a'), exitCodes.ok);
  assert.equal(world.stdout.text, 'cluster/slurm-a condition Ready=True met\n');
});

test('wait is woken by a change', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ status: notReady }) }];
  const done = world.run('wait', '--for=condition=Ready', 'cluster/slurm-a');
  await until(() => world.listening);
  await settle();
  assert.equal(world.stdout.text, '');
  world.clusters = [{ record: record() }];
  world.changed();
  assert.equal(await done, exitCodes.ok);
  assert.equal(world.clock.pending, 0);
  assert.equal(world.leftOpen, 0);
});

test('wait runs out of time with its own code, and says how it is', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ status: notReady }) }];
  const done = world.run('wait', '--for=condition=Ready', '--timeout=30s', 'cluster/slurm-a');
  await until(() => world.listening);
  await settle();
  world.clock.advance(29_999);
  await settle();
  assert.equal(world.stderr.text, '');
  world.clock.advance(1);
  assert.equal(await done, exitCodes.timedOut);
  assert.match(
    world.stderr.text,
    /not condition=Ready after 30s: Ready is False: NodesNotReady: 1 of 3/,
  );
  assert.match(world.stderr.text, /next: {2}benchctl describe cluster slurm-a/);
});

test('a timeout of 0s looks once', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ status: notReady }) }];
  const done = world.run('wait', '--for=condition=Ready', '--timeout=0s', 'cluster/slurm-a');
  await until(() => world.listening);
  await settle();
  world.clock.advance(0);
  assert.equal(await done, exitCodes.timedOut);
});

test('Ready of an earlier generation is not believed', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ generation: 2 }) }];
  const done = world.run('wait', '--for=condition=Ready', 'cluster/slurm-a');
  await until(() => world.listening);
  await settle();
  assert.equal(world.stdout.text, '');
  const conditions = [condition({ observedGeneration: 2 })];
  world.clusters = [{ record: record({ generation: 2, status: status({ conditions }) }) }];
  world.changed();
  assert.equal(await done, exitCodes.ok);
});

test('Ready is not believed before the controller has taken in the present manifest', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml('slurm-a', 3));
  world.clusters = [{ record: record() }];
  const done = world.run('wait', '--for=condition=Ready', 'cluster/slurm-a');
  await until(() => world.listening);
  await settle();
  assert.equal(world.stdout.text, '');
  world.clusters = [{ record: record({ cluster: cluster('slurm-a', 3) }) }];
  world.changed();
  assert.equal(await done, exitCodes.ok);
});

test('a cluster that was only just applied is waited for, an unknown one is not found', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml('fresh'));
  assert.equal(
    await world.run('wait', '--for=condition=Ready', 'cluster/nope'),
    exitCodes.notFound,
  );
  const done = world.run('wait', '--for=condition=Ready', 'cluster/fresh');
  await until(() => world.listening);
  await settle();
  world.clusters = [{ record: record({ cluster: cluster('fresh') }) }];
  world.changed();
  assert.equal(await done, exitCodes.ok);
});

test('--for=delete ends when the record is gone, at once when there never was one', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ deletionTimestamp: ago(5) }) }];
  const done = world.run('wait', '--for=delete', 'cluster/slurm-a');
  await until(() => world.listening);
  await settle();
  assert.equal(world.stdout.text, '');
  world.clusters = [];
  world.changed();
  assert.equal(await done, exitCodes.ok);
  assert.equal(await world.run('wait', '--for=delete', 'cluster/slurm-a'), exitCodes.ok);
});

test('nodes are waited for by phase and by Ready, also before they exist', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ status: status({ nodes: [] }) }) }];
  const booting = world.run('wait', '--for=phase=Booting', 'node/slurm-a-compute-0');
  const ready = world.run('wait', '--for=condition=Ready', 'node/slurm-a-compute-0');
  await until(() => world.listening);
  await settle();
  const nodes = [node('slurm-a-compute-0', { phase: 'Booting' })];
  world.clusters = [{ record: record({ status: status({ nodes }) }) }];
  world.changed();
  assert.equal(await booting, exitCodes.ok);
  world.clusters = [{ record: record() }];
  world.changed();
  assert.equal(await ready, exitCodes.ok);
});

test('the case of a condition does not matter, as with kubectl', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record() }];
  const asked = ['--for=condition=ready=true', '--timeout=0s'];
  assert.equal(await world.run('wait', ...asked, 'cluster/slurm-a'), exitCodes.ok);
  assert.equal(await world.run('wait', ...asked, 'node/slurm-a-compute-0'), exitCodes.ok);
});

test('Ctrl-C ends a wait with 130 and without an error text', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ status: notReady }) }];
  const done = world.run('wait', '--for=condition=Ready', 'cluster/slurm-a');
  await until(() => world.listening);
  await settle();
  world.abort.abort();
  assert.equal(await done, exitCodes.interrupted);
  assert.equal(world.stderr.text, '');
});

for (const words of [
  ['--for=ready', 'cluster/a'],
  ['--for=condition=Ready=Maybe', 'cluster/a'],
  ['--for=phase=Nowhere', 'node/a'],
  ['--for=phase=Ready', 'cluster/a'],
  ['--for=condition=Stalled', 'cluster/a', 'node/a'],
  ['--for=condition=Ready', '--timeout=soon', 'cluster/a'],
  ['--for=condition=Ready', 'image/a'],
  ['--for=condition=Ready'],
  ['cluster/a'],
]) {
  test(`wait ${words.join(' ')} is a usage error`, async (t) => {
    const world = await createWorld(t);
    assert.equal(await world.run('wait', ...words), exitCodes.usage);
    assert.match(world.stderr.text, /^error: .+\nnext: {2}benchctl wait/);
  });
}
