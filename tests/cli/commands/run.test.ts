import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunOptions } from '../../../src/cli/context.ts';
import { exitCodes } from '../../../src/cli/exit-code.ts';
import type { ControllerUpdate } from '../../../src/cli/running-controller.ts';
import { PortError } from '../../../src/controllers/ports.ts';
import { node, status } from '../support/builders.ts';
import { createWorld, type FakeWorld, until } from '../support/fake-context.ts';

/** A controller that runs until the signal, or until it is told to fail. */
function giveController(world: FakeWorld) {
  const given = {
    options: [] as RunOptions[],
    update: (_: ControllerUpdate) => {},
    fail: (_: Error) => {},
    subscribed: false,
  };
  world.parts.startController = async (options, signal) => {
    given.options.push(options);
    return {
      onUpdate: (listener) => {
        given.update = listener;
        given.subscribed = true;
        return () => {
          given.subscribed = false;
        };
      },
      done: new Promise<void>((resolve, reject) => {
        signal.addEventListener('abort', () => resolve());
        given.fail = reject;
      }),
    };
  };
  return given;
}

test('run shows progress until Ctrl-C, and then ends well', async (t) => {
  const world = await createWorld(t);
  const controller = giveController(world);
  const done = world.run('run');
  await until(() => controller.subscribed);
  controller.update({
    kind: 'status',
    namespace: 'default',
    cluster: 'slurm-a',
    status: status({ nodes: [node('slurm-a-head-0')] }),
  });
  world.abort.abort();
  assert.equal(await done, exitCodes.ok);
  assert.match(
    world.stdout.text,
    /^watching .*\n12:00:00 slurm-a-head-0: Ready: 192\.168\.150\.79\n/,
  );
  assert.equal(controller.subscribed, false);
  assert.equal(world.clock.pending, 0);
  assert.equal(controller.options[0]?.logLevel, 'info');
  assert.equal(controller.options[0]?.logToFile, false);
});

test('with a live view on the terminal the log goes to a file', async (t) => {
  const world = await createWorld(t);
  const controller = giveController(world);
  world.stdout.isTTY = true;
  world.stderr.isTTY = true;
  const done = world.run('run', '--log-level', 'debug', '--state', '/var/tmp/s');
  await until(() => controller.subscribed);
  world.abort.abort();
  await done;
  assert.deepEqual(controller.options, [
    { dir: world.dir, state: '/var/tmp/s', logLevel: 'debug', logToFile: true },
  ]);
  assert.equal(world.clock.pending, 0);
});

test('a controller that cannot go on is a failure', async (t) => {
  const world = await createWorld(t);
  const controller = giveController(world);
  const done = world.run('run');
  await until(() => controller.subscribed);
  controller.fail(new Error('the disk is full'));
  assert.equal(await done, exitCodes.failed);
  assert.match(world.stderr.text, /error: the disk is full/);
  assert.equal(controller.subscribed, false);
});

test('a second controller on one state is refused with the reason', async (t) => {
  const world = await createWorld(t);
  world.parts.startController = async () => {
    throw new PortError('conflict', 'process 42 holds the state');
  };
  assert.equal(await world.run('run'), exitCodes.failed);
  assert.match(world.stderr.text, /error: process 42 holds the state/);
});

test('a missing directory ends before anything is started', async (t) => {
  const world = await createWorld(t);
  const controller = giveController(world);
  assert.equal(await world.run('run', '--dir', '/nowhere'), exitCodes.notFound);
  assert.deepEqual(controller.options, []);
});
