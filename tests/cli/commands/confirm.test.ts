/** What is held is shown everywhere that people look, and goes by its revision only. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import { revisionOf } from '../../../src/controllers/bench-cluster/removal.ts';
import type { HeldRemoval } from '../../../src/controllers/ports.ts';
import { ago, condition, record, status } from '../support/builders.ts';
import { createWorld, settle, until } from '../support/fake-context.ts';

const deleted: HeldRemoval = {
  cluster: 'default/slurm-a',
  deletes: true,
  pools: [
    { name: 'head', from: 1, to: 0 },
    { name: 'compute', from: 40, to: 0 },
  ],
  since: ago(120),
};
const smaller: HeldRemoval = {
  cluster: 'lab/slurm-b',
  deletes: false,
  pools: [{ name: 'gpu', from: 12, to: 1 }],
  since: ago(60),
};
const all = revisionOf([deleted, smaller]);

async function heldWorld(t: TestContext) {
  const world = await createWorld(t);
  world.ledger = { held: [deleted, smaller], nodes: 120, confirmed: [], changes: [] };
  return world;
}

test('confirm shows what is held and what to type, confirms nothing, and ends with 2', async (t) => {
  const world = await heldWorld(t);
  assert.equal(await world.run('confirm'), exitCodes.planHasChanges);
  const lines = world.stdout.text.split('\n').map((line) => line.replace(/ {2,}/g, '  '));
  assert.deepEqual(lines, [
    'CLUSTER  WOULD BE  LOSES  NODES  HELD  REVISION',
    `default/slurm-a  deleted  all 41 nodes  41  2m  ${revisionOf([deleted])}`,
    `lab/slurm-b  smaller  gpu 12 -> 1  11  60s  ${revisionOf([smaller])}`,
    '',
    'In all 52 of 120 nodes would go (1 cluster deleted, 1 cluster made smaller).',
    '',
  ]);
  assert.match(world.stderr.text, new RegExp(`benchctl confirm --revision ${all}`));
  assert.deepEqual(world.confirmed, []);
  assert.equal(world.leftOpen, 0);
});

for (const words of [['--yes'], ['--revision', all]]) {
  test(`confirm ${words[0]} confirms all of it`, async (t) => {
    const world = await heldWorld(t);
    assert.equal(await world.run('confirm', ...words), exitCodes.ok);
    assert.deepEqual(world.confirmed, [all]);
    assert.match(world.stdout.text, /^confirmed: default\/slurm-a \(all 41 nodes\)$/m);
    assert.match(world.stdout.text, /^confirmed: lab\/slurm-b \(gpu 12 -> 1\)$/m);
  });
}

test('confirm of one cluster leaves the others', async (t) => {
  const world = await heldWorld(t);
  const revision = revisionOf([smaller]);
  assert.equal(await world.run('confirm', '--revision', revision), exitCodes.ok);
  assert.deepEqual(world.confirmed, [revision]);
  assert.doesNotMatch(world.stdout.text, /slurm-a/);
});

test('confirm of what is not held any more is not found', async (t) => {
  const world = await heldWorld(t);
  assert.equal(await world.run('confirm', '--revision', '0123456789ab'), exitCodes.notFound);
  assert.match(world.stderr.text, /next: {2}.*benchctl confirm\n/);
  assert.deepEqual(world.confirmed, []);
});

test('confirm with nothing held has nothing to do', async (t) => {
  const world = await createWorld(t);
  for (const words of [[], ['--yes']]) {
    assert.equal(await world.run('confirm', ...words), exitCodes.ok);
  }
  assert.match(world.stderr.text, /nothing is held/);
  assert.deepEqual(world.confirmed, []);
});

test('confirm says that a controller must run', async (t) => {
  const world = await heldWorld(t);
  world.controller = { running: false };
  await world.run('confirm', '--yes');
  assert.match(world.stderr.text, /not running; it goes on when run: benchctl run --dir /);
});

test('get and describe remark that something is held', async (t) => {
  for (const words of [
    ['get', 'clusters'],
    ['describe', 'cluster', 'slurm-a'],
  ]) {
    const world = await heldWorld(t);
    world.clusters = [{ record: record() }];
    assert.equal(await world.run(...words), exitCodes.ok);
    assert.match(
      world.stderr.text,
      /held until a person confirms: 52 of 120 nodes.*benchctl confirm/,
    );
  }
});

test('waiting for the end of a cluster that is held says why it does not come', async (t) => {
  const world = await heldWorld(t);
  const stalled = condition({ type: 'Stalled', reason: 'DeletionHeld', message: 'it waits' });
  world.clusters = [{ record: record({ status: status({ conditions: [stalled] }) }) }];
  const end = world.run('wait', '--for=delete', 'cluster/slurm-a', '--timeout=0s');
  await until(() => world.listening);
  await settle();
  world.clock.advance(0);
  assert.equal(await end, exitCodes.timedOut);
  assert.match(world.stderr.text, /it waits/);
});
