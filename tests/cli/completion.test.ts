import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { promisify } from 'node:util';
import { exitCodes } from '../../src/cli/exit-code.ts';
import { record } from './support/builders.ts';
import { createWorld, type FakeWorld } from './support/fake-context.ts';
import { clusterYaml, imageYaml } from './support/manifests.ts';

const run = promisify(execFile);

async function scriptOf(world: FakeWorld, shell: string): Promise<string> {
  world.stdout.text = '';
  assert.equal(await world.run('completion', shell), exitCodes.ok);
  const path = join(world.dir, `completion.${shell}`);
  await writeFile(path, world.stdout.text);
  return path;
}

/** A `benchctl` on PATH that answers `__complete` with what it was asked. */
async function fakeProgram(world: FakeWorld): Promise<NodeJS.ProcessEnv> {
  const bin = join(world.dir, 'bin');
  await mkdir(bin);
  const script = '#!/bin/sh\n[ "$1" = __complete ] || exit 1\necho "$2-one"\necho "$2-two$4"\n';
  await writeFile(join(bin, 'benchctl'), script, { mode: 0o755 });
  return { ...process.env, PATH: `${bin}:${process.env.PATH ?? ''}` };
}

async function hasShell(t: TestContext, shell: string): Promise<boolean> {
  try {
    await run(shell, ['-c', 'true']);
    return true;
  } catch {
    t.skip(`no ${shell} here`);
    return false;
  }
}

const cases: [string, string[], string[]][] = [
  ['commands', ['benchctl', 'de'], ['delete', 'describe']],
  ['subcommands', ['benchctl', 'image', ''], ['build', 'verify', 'list', 'prune']],
  ['commands after a global option', ['benchctl', '--dir', '/tmp', 'ver'], ['version']],
  ['options', ['benchctl', 'get', '--w'], ['--watch']],
  ['option values', ['benchctl', 'get', 'nodes', '-o', ''], ['json', 'yaml', 'wide', 'name']],
  ['kinds', ['benchctl', 'get', ''], ['clusters', 'nodes', 'images', 'hosts']],
  ['names of nodes', ['benchctl', 'ssh', ''], ['nodes-one', 'nodes-two']],
  ['names in another place', ['benchctl', '-n', 'lab', 'logs', 'nodes-t'], ['nodes-twolab']],
  [
    'names after a flag that elsewhere takes a value',
    ['benchctl', 'logs', '-f', 'nodes-o'],
    ['nodes-one'],
  ],
  ['references', ['benchctl', 'wait', 'refs-t'], ['refs-two']],
  ['values that are names', ['benchctl', 'get', '--cluster', ''], ['clusters-one', 'clusters-two']],
];

async function completeInBash(world: FakeWorld, words: string[]): Promise<string[]> {
  const script = await scriptOf(world, 'bash');
  const env = await fakeProgram(world);
  const driver =
    // biome-ignore lint/suspicious/noTemplateCurlyInString: it is bash
    'source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _benchctl; printf "%s\\n" "${COMPREPLY[@]}"';
  const { stdout } = await run('bash', ['--norc', '-c', driver, 'bash', script, ...words], { env });
  return stdout.split('\n').filter((line) => line !== '');
}

for (const [name, words, expected] of cases) {
  test(`bash completes ${name}: ${words.join(' ')}`, async (t) => {
    if (!(await hasShell(t, 'bash'))) return;
    const world = await createWorld(t);
    assert.deepEqual(await completeInBash(world, words), expected);
  });
}

for (const shell of ['bash', 'zsh', 'fish']) {
  test(`the ${shell} script is valid ${shell}`, async (t) => {
    if (!(await hasShell(t, shell))) return;
    const world = await createWorld(t);
    await run(shell, ['-n', await scriptOf(world, shell)]);
  });
}

test('fish completes as bash does', async (t) => {
  if (!(await hasShell(t, 'fish'))) return;
  const world = await createWorld(t);
  const script = await scriptOf(world, 'fish');
  const env = await fakeProgram(world);
  for (const [name, words, expected] of cases) {
    const driver = 'source $argv[1]; complete -C $argv[2]';
    const { stdout } = await run('fish', ['-N', '-c', driver, script, words.join(' ')], { env });
    const found = stdout.split('\n').map((line) => line.split('\t', 1)[0] ?? '');
    assert.deepEqual(found.filter((word) => word !== '').sort(), [...expected].sort(), name);
  }
});

test('an unknown shell is a usage error', async (t) => {
  const world = await createWorld(t);
  assert.equal(await world.run('completion', 'tcsh'), exitCodes.usage);
});

test('__complete lists names of the directory and of the state, and is silent on errors', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', `${clusterYaml('fresh')}---\n${imageYaml()}`);
  world.clusters = [{ record: record() }];
  const list = async (...argv: string[]) => {
    world.stdout.text = '';
    assert.equal(await world.run('__complete', ...argv), exitCodes.ok);
    return world.stdout.text.trimEnd().split('\n');
  };
  assert.deepEqual(await list('clusters'), ['fresh', 'slurm-a']);
  assert.deepEqual(await list('images'), ['debian-slurm']);
  assert.deepEqual(await list('nodes'), [
    'slurm-a-head-0',
    'slurm-a-compute-0',
    'slurm-a-compute-1',
  ]);
  assert.equal((await list('refs')).at(-1), 'image/debian-slurm');
  world.parts.openState = () => Promise.reject(new Error('broken'));
  assert.equal(await world.run('__complete', 'clusters'), exitCodes.failed);
  assert.equal(world.stderr.text, '');
});
