import assert from 'node:assert/strict';
import { test } from 'node:test';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import type { GuestAccess } from '../../../src/cli/guest-access.ts';
import { node, record, status } from '../support/builders.ts';
import { createWorld, type FakeWorld } from '../support/fake-context.ts';

/** Guests that note what was asked; the console repaints the screen. */
function giveGuests(world: FakeWorld, exitCode = 0): unknown[] {
  const asked: unknown[] = [];
  world.clusters = [{ record: record() }];
  const access: GuestAccess = {
    ssh: async (guest, command) => {
      asked.push([guest.cluster, guest.node, command]);
      return exitCode;
    },
    journal: async (guest, options, write) => {
      asked.push([guest.node, options]);
      write('line one\n');
    },
    console: async (guest, options, write) => {
      asked.push([guest.node, options]);
      write('\u001b[2Jboot\r\n');
    },
    close: async () => {
      asked.push('closed');
    },
  };
  world.parts.openGuests = async () => access;
  return asked;
}

test('ssh hands the command over with its own options and ends with its exit code', async (t) => {
  const world = await createWorld(t);
  const asked = giveGuests(world, 7);
  const code = await world.run('ssh', 'node/slurm-a-head-0', 'ls', '-l', '--color', '-n', '3');
  assert.equal(code, 7);
  const command = ['ls', '-l', '--color', '-n', '3'];
  assert.deepEqual(asked, [['slurm-a', 'slurm-a-head-0', command], 'closed']);
});

test('ssh without a command asks for a shell', async (t) => {
  const world = await createWorld(t);
  const asked = giveGuests(world);
  assert.equal(await world.run('ssh', '-n', 'default', 'slurm-a-head-0'), exitCodes.ok);
  assert.deepEqual(asked[0], ['slurm-a', 'slurm-a-head-0', []]);
});

test('ssh to a node without a proven address connects nowhere', async (t) => {
  const world = await createWorld(t);
  const asked = giveGuests(world);
  const { address: _, ...young } = node('slurm-a-head-0', { phase: 'Booting', reason: 'NoLease' });
  world.clusters = [{ record: record({ status: status({ nodes: [young] }) }) }];
  assert.equal(await world.run('ssh', 'slurm-a-head-0'), exitCodes.failed);
  assert.match(world.stderr.text, /no proven address yet: it is Booting \(NoLease\)/);
  assert.match(world.stderr.text, /next: {2}benchctl logs --console slurm-a-head-0/);
  assert.deepEqual(asked, []);
});

test('unknown nodes and things that are no nodes', async (t) => {
  const world = await createWorld(t);
  giveGuests(world);
  assert.equal(await world.run('ssh', 'nope'), exitCodes.notFound);
  assert.equal(await world.run('logs', 'cluster/slurm-a'), exitCodes.usage);
});

test('logs reads the journal, of one unit when asked', async (t) => {
  const world = await createWorld(t);
  const asked = giveGuests(world);
  assert.equal(await world.run('logs', 'slurm-a-head-0'), exitCodes.ok);
  await world.run('logs', 'slurm-a-head-0', '-u', 'slurmctld', '--lines', '5', '-f');
  assert.deepEqual(asked, [
    ['slurm-a-head-0', { follow: false, lines: 200 }],
    'closed',
    ['slurm-a-head-0', { follow: true, lines: 5, unit: 'slurmctld' }],
    'closed',
  ]);
  assert.equal(world.stdout.text, 'line one\nline one\n');
});

test('the console is raw for a pipe and harmless on a terminal', async (t) => {
  const world = await createWorld(t);
  giveGuests(world);
  await world.run('logs', '--console', 'slurm-a-head-0');
  assert.equal(world.stdout.text, '\u001b[2Jboot\r\n');
  world.stdout.text = '';
  world.stdout.isTTY = true;
  await world.run('logs', '--console', 'slurm-a-head-0');
  assert.equal(world.stdout.text, '\\x1b[2Jboot\n');
});

test('--console and --unit exclude each other', async (t) => {
  const world = await createWorld(t);
  giveGuests(world);
  assert.equal(await world.run('logs', '--console', '-u', 'x', 'n'), exitCodes.usage);
});
