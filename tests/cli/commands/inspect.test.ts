import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import { ago, cluster, condition, event, node, record, status } from '../support/builders.ts';
import { createWorld, settle, until } from '../support/fake-context.ts';

test('nodes of the last pool stand below it', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record() }];
  assert.equal(await world.run('describe', 'cluster', 'slurm-a'), exitCodes.ok);
  assert.match(world.stdout.text, /\n└─pool\/compute .*\n {2}├─node\/slurm-a-compute-0 /);
});

test('describe cluster draws the tree, conditions, log lines and last events', async (t) => {
  const world = await createWorld(t);
  const nodes = [
    node('slurm-a-head-0'),
    node('slurm-a-compute-0'),
    node('slurm-a-compute-1', {
      phase: 'NotReady',
      reason: 'UnitFailed',
      message: 'benchcluster-join failed\nslurmd: error one\nslurmd: \u001b[31merror two',
    }),
    node('slurm-a-old-0', { pool: 'old', phase: 'Draining', reason: 'PoolRemoved' }),
  ];
  const conditions = [
    condition({ status: 'False', reason: 'NodesNotReady', message: '2 of 3 are ready' }),
    condition({ type: 'InfrastructureReady' }),
  ];
  world.clusters = [
    { record: record({ status: status({ nodes, conditions }) }), createdAt: ago(600) },
  ];
  world.events = [event(), event({ cluster: 'other', message: 'not ours' })];
  assert.equal(await world.run('describe', 'cluster', 'slurm-a'), exitCodes.ok);
  const lines = world.stdout.text.split('\n').map((line) => line.replace(/ {2,}/g, '  '));
  assert.deepEqual(lines.slice(0, 8), [
    'Name:  slurm-a',
    'Namespace:  default',
    'Scheduler:  slurm',
    'Image:  debian-slurm',
    'Network:  bench',
    'Endpoint:  192.168.150.79',
    'Generation:  1',
    'Age:  10m',
  ]);
  assert.deepEqual(lines.slice(9, 17), [
    'NAME  READY  REASON  SINCE  MESSAGE',
    'cluster/slurm-a  False  NodesNotReady  5m  2 of 3 are ready',
    '├─head 1/1',
    '│ └─node/slurm-a-head-0  Ready  NodeReady  4m  192.168.150.79',
    '├─pool/compute 1/2',
    '│ ├─node/slurm-a-compute-0  Ready  NodeReady  4m  192.168.150.79',
    '│ └─node/slurm-a-compute-1  NotReady  UnitFailed  4m  benchcluster-join failed',
    '└─node/slurm-a-old-0  Draining  PoolRemoved  4m',
  ]);
  assert.match(world.stdout.text, /Conditions:\n {2}TYPE .*\n {2}Ready +False +NodesNotReady +5m/);
  assert.match(
    world.stdout.text,
    /node\/slurm-a-compute-1:\n +benchcluster-join failed\n +slurmd: error one\n +slurmd: \\x1b\[31merror two/,
  );
  assert.match(
    world.stdout.text,
    /Last events:[\s\S]*60s +Normal +NodeReady +node\/slurm-a-compute-0 +joined/,
  );
  assert.doesNotMatch(world.stdout.text, /not ours/);
});

test('describe says what a cluster is paused by', async (t) => {
  const world = await createWorld(t);
  const paused = cluster();
  paused.metadata.annotations = { 'benchcluster.io/paused': 'true' };
  world.clusters = [{ record: record({ cluster: paused }) }];
  await world.run('describe', 'cluster/slurm-a');
  assert.match(world.stdout.text, /^Paused: +by the annotation benchcluster.io\/paused$/m);
  paused.spec.paused = true;
  await world.run('describe', 'cluster/slurm-a');
  assert.match(world.stdout.text, /^Paused: +by spec.paused and by the annotation /m);
});

test('describe tells a status that is behind the manifest', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ generation: 3 }) }];
  await world.run('describe', 'cluster/slurm-a');
  assert.match(world.stdout.text, /Generation: +3 \(the status is of 1\)/);
});

test('describe node shows its facts and whole message', async (t) => {
  const world = await createWorld(t);
  const nodes = [node('slurm-a-compute-0', { phase: 'Stalled', message: 'a\nb' })];
  world.clusters = [{ record: record({ status: status({ nodes }) }) }];
  assert.equal(await world.run('describe', 'node', 'slurm-a-compute-0'), exitCodes.ok);
  assert.match(world.stdout.text, /Phase: +Stalled for 4m/);
  assert.match(world.stdout.text, /Message:\n {2}a\n {2}b/);
});

test('describe of what is not there, or cannot be described', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('describe', 'cluster', 'nope'), exitCodes.notFound);
  assert.equal(await world.run('describe', 'node/nope'), exitCodes.notFound);
  assert.equal(await world.run('describe', 'image', 'x'), exitCodes.usage);
  assert.equal(await world.run('describe', 'cluster'), exitCodes.usage);
});

test('events are shown newest last, of one cluster when asked', async (t) => {
  const world = await createWorld(t);
  const { node: _, ...clusterEvent } = event({ cluster: 'b' });
  world.events = [
    event({ at: ago(90), type: 'Warning', reason: 'DomainGone', message: 'somebody undefined it' }),
    clusterEvent,
    event({ namespace: 'lab' }),
  ];
  assert.equal(await world.run('events'), exitCodes.ok);
  assert.match(
    world.stdout.text,
    /^90s +Warning +DomainGone +node\/slurm-a-compute-0 +somebody undefined it$/m,
  );
  assert.equal(world.stdout.text.split('\n').length, 4);
  world.stdout.text = '';
  await world.run('events', 'b');
  assert.match(world.stdout.text, /cluster\/b/);
  assert.doesNotMatch(world.stdout.text, /DomainGone/);
  assert.equal(await world.run('events', 'cluster/c'), exitCodes.ok);
  assert.equal(world.stderr.text, 'note: no events of cluster/c in namespace default\n');
  assert.equal(await world.run('events', 'node/slurm-a-compute-0'), exitCodes.usage);
});

test('events --watch shows each new event once, also when old ones are cut off', async (t) => {
  const world = await createWorld(t);
  world.events = [event({ message: 'first' })];
  const done = world.run('events', '--watch', '-o', 'json');
  await until(() => world.listening);
  await settle();
  world.events = [event({ message: 'second' })];
  world.changed();
  await settle();
  world.changed();
  await settle();
  world.abort.abort();
  assert.equal(await done, exitCodes.interrupted);
  const messages = world.stdout.text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line).message);
  assert.deepEqual(messages, ['first', 'second']);
});
