/** `simulate`, and how every other command shows that the state is a simulated world's. */
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import type { Trouble } from '../../../src/cli/simulation.ts';
import { type HostInventory, PortError } from '../../../src/controllers/ports.ts';
import { event, now, record } from '../support/builders.ts';
import { createWorld, type FakeWorld } from '../support/fake-context.ts';
import { hostYaml } from '../support/manifests.ts';

/** A simulated world whose time is an hour ahead, and what was done to it. */
async function simulated(t: TestContext): Promise<{ world: FakeWorld; troubles: Trouble[] }> {
  const world = await createWorld(t);
  const troubles: Trouble[] = [];
  const refuse = async () => {
    throw new PortError('rejected', 'nothing of the kind in a simulated world');
  };
  world.parts.openSimulation = async () => ({
    speed: 60,
    now: () => Date.parse(now) + 3_600_000,
    async trouble(trouble) {
      troubles.push(trouble);
      return ['it is done'];
    },
    world: {
      openHosts: async () => ({
        inventory: async (): Promise<HostInventory> => refuse(),
        deleteVolume: refuse,
        close: async () => {},
      }),
      openGuests: refuse,
      planOnce: refuse,
      doctor: refuse,
      images: refuse,
    },
  });
  return { world, troubles };
}

const node = { namespace: 'default', node: 'slurm-a-compute-0' };
const cluster = { namespace: 'default', cluster: 'slurm-a' };
const verbs: [words: string[], trouble: Trouble][] = [
  [['destroy', node.node], { verb: 'destroy', ...node }],
  [['crash', `node/${node.node}`], { verb: 'crash', ...node }],
  [['pause', node.node], { verb: 'pause', ...node }],
  [['undefine', node.node, '-n', 'lab'], { verb: 'undefine', ...node, namespace: 'lab' }],
  [['drain', node.node], { verb: 'drain', ...node }],
  [['resume', node.node], { verb: 'resume', ...node }],
  [['host-down', 'rhodey'], { verb: 'host-down', namespace: 'default', host: 'rhodey' }],
  [['host-up', 'rhodey'], { verb: 'host-up', namespace: 'default', host: 'rhodey' }],
  [['queue', 'slurm-a'], { verb: 'queue', ...cluster }],
  [['submit', 'slurm-a'], { verb: 'submit', ...cluster, nodes: 1, minutes: 5, wait: false }],
  [
    ['submit', 'slurm-a', '--nodes', '2', '--minutes', '7', '--wait'],
    { verb: 'submit', ...cluster, nodes: 2, minutes: 7, wait: true },
  ],
];

for (const [words, trouble] of verbs) {
  test(`simulate ${words.join(' ')}`, async (t) => {
    const { world, troubles } = await simulated(t);
    assert.equal(await world.run('simulate', ...words), exitCodes.ok, world.stderr.text);
    assert.deepEqual(troubles, [trouble]);
    assert.equal(world.stdout.text, 'it is done\n');
  });
}

for (const words of [
  ['submit', 'slurm-a', '--nodes', '0'],
  ['submit', 'slurm-a', '--minutes', 'long'],
  ['destroy'],
  ['burn', 'slurm-a-compute-0'],
]) {
  test(`simulate ${words.join(' ')} is a usage error`, async (t) => {
    const { world, troubles } = await simulated(t);
    assert.equal(await world.run('simulate', ...words), exitCodes.usage);
    assert.deepEqual(troubles, []);
  });
}

test('a real installation has no such trouble', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('simulate', 'destroy', node.node), exitCodes.failed);
  assert.match(world.stderr.text, /is not the state of a simulated world\nnext: .*--simulated/);
});

test('what is shown of a simulated world is called so, and dated in its time', async (t) => {
  const { world } = await simulated(t);
  world.clusters = [{ record: record(), createdAt: now, statusAt: now }];
  world.events = [event({ at: now })];
  for (const words of [['get', 'clusters'], ['describe', 'cluster', 'slurm-a'], ['events']]) {
    world.stderr.text = '';
    world.stdout.text = '';
    assert.equal(await world.run(...words), exitCodes.ok, world.stderr.text);
    assert.match(world.stderr.text, /^note: SIMULATED, at 60 times real speed/, words.join(' '));
    assert.match(world.stdout.text, /\b(60m|1h)\b/, words.join(' '));
  }
});

test('no command asks a real host or guest for a simulated world', async (t) => {
  const { world } = await simulated(t);
  world.clusters = [{ record: record(), createdAt: now, statusAt: now }];
  world.parts.planOnce = () => assert.fail('the real world was asked');
  world.parts.doctor = () => assert.fail('the real world was asked');
  world.parts.openHosts = () => assert.fail('the real world was asked');
  world.parts.images = () => assert.fail('the real world was asked');
  world.parts.openGuests = () => assert.fail('the real world was asked');
  for (const words of [
    ['plan'],
    ['doctor'],
    ['image', 'prune'],
    ['ssh', node.node, 'true'],
    ['logs', node.node],
  ]) {
    assert.equal(await world.run(...words), exitCodes.failed, words.join(' '));
    assert.match(world.stderr.text, /nothing of the kind in a simulated world/);
  }
  await world.write('host.yaml', hostYaml('rhodey'));
  await world.run('get', 'hosts');
  assert.match(world.stdout.text, /rhodey +Unreachable/);
});

test('a controller of a simulated world that does not run is started as one', async (t) => {
  const { world } = await simulated(t);
  world.controller = { running: false, lastSeen: now };
  world.clusters = [{ record: record() }];
  for (const words of [
    ['get', 'clusters'],
    ['delete', 'cluster/slurm-a'],
  ]) {
    world.stderr.text = '';
    await world.run(...words);
    assert.match(world.stderr.text, /benchctl run --simulated --dir /, words.join(' '));
  }
});
