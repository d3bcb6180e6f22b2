import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import { ago, cluster, condition, node, record, status } from '../support/builders.ts';
import { createWorld, settle, until } from '../support/fake-context.ts';
import { clusterYaml } from '../support/manifests.ts';

test('get clusters prints the promised columns', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record(), createdAt: ago(3600 * 5), statusAt: ago(1) }];
  assert.equal(await world.run('get', 'clusters'), exitCodes.ok);
  assert.equal(
    world.stdout.text,
    'NAME      READY   SCHEDULER   HEAD   WORKERS   UP-TO-DATE   AGE\n' +
      'slurm-a   True    slurm       1/1    2/2       3            5h\n',
  );
  assert.equal(world.stderr.text, '');
  assert.equal(world.leftOpen, 0);
});

test('a cluster that no controller has seen is shown as unknown', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml('fresh'));
  await world.run('get', 'clusters', '-o', 'wide');
  assert.match(world.stdout.text, /^fresh +Unknown +slurm +0\/1 +0\/2 +0 +- +- +NotSeen$/m);
});

test('a wanted size comes from the manifest and not from the last good record', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', clusterYaml('slurm-a', 5));
  world.clusters = [{ record: record() }];
  await world.run('get', 'cluster', 'slurm-a');
  assert.match(world.stdout.text, /2\/5/);
});

test('a cluster being deleted says so', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ deletionTimestamp: ago(10) }) }];
  await world.run('get', 'clusters');
  assert.match(world.stdout.text, /slurm-a +Deleting/);
});

test('without a running controller get says how old the status is and how to start it', async (t) => {
  const world = await createWorld(t);
  world.controller = { running: false, lastSeen: ago(600) };
  world.clusters = [{ record: record(), statusAt: ago(185) }];
  await world.run('get', 'clusters');
  assert.match(world.stderr.text, /not running; this status is 3m5s old .*benchctl run --dir /);
});

test('get nodes prints phases, and wide adds UUID and reason', async (t) => {
  const world = await createWorld(t);
  const nodes = [
    node('slurm-a-head-0'),
    node('slurm-a-compute-0', { phase: 'Booting', reason: 'NoAddress', address: undefined }),
  ];
  world.clusters = [{ record: record({ status: status({ nodes }) }) }];
  await world.run('get', 'nodes', '--output=wide');
  const [titles, head, worker] = world.stdout.text.split('\n');
  assert.match(titles ?? '', /^NAME +CLUSTER +POOL +PHASE +ADDRESS +HOST +AGE +UUID +REASON$/);
  assert.match(
    head ?? '',
    /^slurm-a-head-0 +slurm-a +head +Ready +192.168.150.79 +rhodey +4m +4c4c/,
  );
  assert.match(worker ?? '', /^slurm-a-compute-0 +slurm-a +compute +Booting +- .* NoAddress$/);
});

test('nodes can be those of one cluster, and names fit other commands', async (t) => {
  const world = await createWorld(t);
  const other = record({ cluster: cluster('b'), status: status({ nodes: [node('b-head-0')] }) });
  world.clusters = [{ record: record() }, { record: other }];
  await world.run('get', 'nodes', '--cluster', 'b', '-o', 'name');
  assert.equal(world.stdout.text, 'node/b-head-0\n');
});

test('JSON holds the object with its status, a list unless it was named', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record({ generation: 7 }), createdAt: ago(10) }];
  await world.run('get', 'cluster/slurm-a', '-o', 'json');
  const one = JSON.parse(world.stdout.text);
  assert.equal(one.kind, 'BenchCluster');
  assert.equal(one.metadata.generation, 7);
  assert.equal(one.status.conditions[0].type, 'Ready');
  world.stdout.text = '';
  await world.run('get', 'clusters', '-o', 'json');
  assert.equal(JSON.parse(world.stdout.text).items.length, 1);
});

test('namespaces are apart, -A shows all', async (t) => {
  const world = await createWorld(t);
  const other = cluster('b');
  other.metadata.namespace = 'lab';
  world.clusters = [{ record: record() }, { record: record({ cluster: other }) }];
  await world.run('get', 'clusters', '-n', 'lab', '-o', 'name');
  assert.equal(world.stdout.text, 'cluster/b\n');
  world.stdout.text = '';
  await world.run('get', 'clusters', '-A');
  assert.match(world.stdout.text, /^NAMESPACE +NAME/);
  assert.match(world.stdout.text, /^lab +b /m);
});

test('what is not there ends with its own code and a next command', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('get', 'cluster', 'nope'), exitCodes.notFound);
  assert.match(world.stderr.text, /^error: cluster\/nope not found in namespace default$/m);
  assert.match(world.stderr.text, /^next: {2}benchctl get clusters -A$/m);
  assert.equal(world.leftOpen, 0);
});

test('images of a missing directory are an error, an empty one only a note', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('get', 'images', '--dir', '/nowhere'), exitCodes.notFound);
  assert.equal(await world.run('get', 'images'), exitCodes.ok);
  assert.match(world.stderr.text, /no images in namespace default/);
});

test('a fault in the directory is remarked with file and line', async (t) => {
  const world = await createWorld(t);
  await world.write('bad.yaml', 'kind: Nonsense\n');
  await world.run('get', 'clusters');
  assert.match(world.stderr.text, /note: .*bad\.yaml:1:7: kind: "Nonsense" is not a kind/);
});

test('an unknown kind is a usage error', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('get', 'pods'), exitCodes.usage);
  assert.match(world.stderr.text, /no such kind: pods/);
});

test('--watch prints a row again when it changed, not when time passed', async (t) => {
  const world = await createWorld(t);
  world.clusters = [{ record: record(), createdAt: ago(60) }];
  const done = world.run('get', 'clusters', '--watch');
  await until(() => world.listening);
  await settle();
  const before = world.stdout.text.split('\n').length;
  world.clock.advance(5000);
  world.changed();
  await settle();
  assert.equal(world.stdout.text.split('\n').length, before);
  const conditions = [condition({ status: 'False', reason: 'NodesNotReady' })];
  world.clusters = [{ record: record({ status: status({ conditions }) }), createdAt: ago(60) }];
  world.changed();
  await settle();
  world.clusters = [];
  world.changed();
  await settle();
  const rows = world.stdout.text.trimEnd().split('\n');
  assert.match(rows.at(-2) ?? '', /slurm-a +False/);
  assert.match(rows.at(-1) ?? '', /slurm-a +False .*gone$/);
  world.abort.abort();
  assert.equal(await done, exitCodes.interrupted);
  assert.equal(world.leftOpen, 0);
  assert.equal(world.listening, false);
});
