import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Places } from '../../src/cli/context.ts';
import { exitCodes, exitCodeTable } from '../../src/cli/exit-code.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { createWorld, type FakeWorld } from './support/fake-context.ts';

test('help lists every command and the exit codes, on stdout', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('--help'), exitCodes.ok);
  for (const name of [
    'run',
    'apply',
    'delete',
    'confirm',
    'plan',
    'get',
    'describe',
    'wait',
    'ssh',
    'logs',
    'events',
    'doctor',
    'image',
    'simulate',
    'completion',
    'version',
  ]) {
    assert.match(world.stdout.text, new RegExp(`^  ${name}\\b`, 'm'));
  }
  for (const { code, meaning } of exitCodeTable) {
    assert.match(world.stdout.text, new RegExp(` ${code}  ${meaning.slice(0, 12)}`));
  }
  assert.doesNotMatch(world.stdout.text, /__complete/);
  assert.equal(world.stderr.text, '');
});

test('every command has help of its own', async (t) => {
  const world = await createWorld(t);
  for (const command of buildProgram(world.context()).root.commands) {
    assert.equal(await world.run(command.name(), '--help'), exitCodes.ok, command.name());
  }
});

for (const words of [
  ['nonsense'],
  ['get'],
  ['get', 'clusters', '-o', 'xml'],
  ['run', '--log-level', 'x'],
  ['version', 'extra'],
  ['get', 'clusters', '--nope'],
  [],
]) {
  test(`benchctl ${words.join(' ')} is a usage error of two lines`, async (t) => {
    const world = await createWorld(t);
    assert.equal(await world.run(...words), exitCodes.usage);
    assert.match(world.stderr.text, /error: .+\nnext: {2}benchctl .*--help\n$/);
    assert.equal(world.stdout.text, '');
  });
}

test('a misspelled command is guessed', async (t) => {
  const world = await createWorld(t);
  await world.run('descibe', 'cluster', 'x');
  assert.match(world.stderr.text, /Did you mean describe/);
});

/** Where a command would look, as `plan` tells it. */
async function placesOf(
  world: FakeWorld,
  ...argv: string[]
): Promise<Places & { namespace: string }> {
  let seen: (Places & { namespace: string }) | undefined;
  world.parts.planOnce = async (options) => {
    seen = options;
    return { faults: [], clusters: [] };
  };
  await world.run(...argv);
  assert.ok(seen !== undefined, world.stderr.text);
  return seen;
}

test('places come from options before or after the command, environment, then defaults', async (t) => {
  const world = await createWorld(t);
  const { dir } = world;
  const state = '/home/user/.local/state/benchcluster';
  assert.deepEqual(await placesOf(world, 'plan'), { dir, state, namespace: 'default' });
  world.env = { XDG_STATE_HOME: '/x' };
  assert.equal((await placesOf(world, 'plan')).state, '/x/benchcluster');
  assert.equal((await placesOf(world, '--dir', '/tmp', 'plan')).dir, '/tmp');
  assert.equal((await placesOf(world, '--dir', '/', 'plan', '--dir', '/tmp')).dir, '/tmp');
  assert.equal((await placesOf(world, 'plan', '--state=/s', '-n', 'lab')).namespace, 'lab');
});

test('colours need a terminal, and --no-color works on either side of the command', async (t) => {
  const world = await createWorld(t);
  world.stdout.isTTY = true;
  const report = {
    faults: [],
    clusters: [
      {
        namespace: 'default',
        name: 'a',
        intent: 'keep' as const,
        changes: [],
        steps: [],
        blockers: [],
      },
    ],
  };
  world.parts.planOnce = async () => report;
  const colored = async (...argv: string[]) => {
    world.stdout.text = '';
    await world.run(...argv);
    return world.stdout.text.includes('\u001b[');
  };
  assert.equal(await colored('plan'), true);
  assert.equal(await colored('--no-color', 'plan'), false);
  assert.equal(await colored('plan', '--no-color'), false);
  world.env = { NO_COLOR: '1' };
  assert.equal(await colored('plan'), false);
});

test('an error of several lines, or with escapes, is one safe line', async (t) => {
  const world = await createWorld(t);
  world.parts.planOnce = async () => {
    throw new Error('first\nsecond \u001b[2J');
  };
  assert.equal(await world.run('plan'), exitCodes.failed);
  assert.equal(world.stderr.text, 'error: first second \\x1b[2J\nnext:  benchctl doctor\n');
});

test('version', async (t) => {
  const world = await createWorld(t);
  await world.run('version');
  assert.match(
    world.stdout.text,
    /^benchctl 1\.2\.3 \(API benchcluster\.io\/v1alpha1, Node 24\.0\.0\)$/m,
  );
});
