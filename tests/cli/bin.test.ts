/** The real program, started as users start it. */
import assert from 'node:assert/strict';
import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../bin/benchctl', import.meta.url));

interface Result {
  code: number;
  stdout: string;
  stderr: string;
}

function run(file: string, argv: string[], env: NodeJS.ProcessEnv = process.env): Promise<Result> {
  return new Promise((resolve) => {
    execFile(file, argv, { env, timeout: 30_000 }, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({ code, stdout, stderr });
    });
  });
}

async function temporary(t: TestContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'benchctl-bin-'));
  t.after(() => rm(dir, { recursive: true, force: true }));
  return dir;
}

test('benchctl --help', async () => {
  const { code, stdout, stderr } = await run(program, ['--help']);
  assert.equal(code, 0);
  assert.match(stdout, /^Usage: benchctl /);
  assert.equal(stderr, '');
});

test('benchctl version, through a symbolic link and from elsewhere', async (t) => {
  const dir = await temporary(t);
  await symlink(program, join(dir, 'first'));
  await symlink('first', join(dir, 'second'));
  const { code, stdout } = await run(join(dir, 'second'), ['version']);
  assert.equal(code, 0);
  assert.match(stdout, /^benchctl \d+\.\d+\.\d+ .* Node 2[4-9]/);
});

test('output that cannot be written is an error of two lines', async () => {
  const { code, stderr } = await run('sh', ['-c', `exec ${program} version > /dev/full`]);
  assert.equal(code, 1);
  assert.match(stderr, /^error: the output cannot be written: ENOSPC.*\nnext: .*\n$/);
});

test('what was compiled is kept where a cache belongs, and nothing fails where it cannot be', async (t) => {
  const dir = await temporary(t);
  const { NODE_COMPILE_CACHE: _, HOME: __, ...env } = process.env;
  const kept = join(dir, 'benchcluster/node');
  assert.equal((await run(program, ['version'], { ...env, XDG_CACHE_HOME: dir })).code, 0);
  assert.equal((await readdir(kept)).length, 1);
  const nowhere = join(dir, 'file');
  await writeFile(nowhere, '');
  const empty = await temporary(t);
  for (const XDG_CACHE_HOME of ['/proc/nowhere', 'relative', nowhere, '']) {
    const here = `cd ${empty} && exec ${program} version`;
    const { code, stderr } = await run('sh', ['-c', here], { ...env, XDG_CACHE_HOME });
    assert.deepEqual([code, stderr], [0, ''], XDG_CACHE_HOME);
  }
  assert.deepEqual(await readdir(empty), []);
});

test('a usage error: code 64, two lines on stderr, nothing on stdout', async () => {
  const { code, stdout, stderr } = await run(program, ['get', 'pods']);
  assert.equal(code, 64);
  assert.equal(stdout, '');
  assert.match(stderr, /^error: no such kind: pods\nnext: {2}benchctl get .*\n$/);
});

test('completion comes out whole through a pipe', async () => {
  const { code, stdout } = await run(program, ['completion', 'zsh']);
  assert.equal(code, 0);
  assert.match(stdout, /^#compdef benchctl\n/);
  assert.match(stdout, /fi\n$/);
});

test('what watches stays until it is interrupted, also without a directory of manifests', async (t) => {
  const dir = await temporary(t);
  const places = ['--state', join(dir, 'state'), '--dir', join(dir, 'none')];
  await mkdir(join(dir, 'state', 'clusters'), { recursive: true });
  const argv = ['get', 'clusters', '--watch', ...places];
  const child = spawn(program, argv, { stdio: ['ignore', 'pipe', 'ignore'] });
  t.after(() => child.kill('SIGKILL'));
  const exited = once(child, 'exit');
  await once(child.stdout, 'data');
  await sleep(300);
  child.kill('SIGINT');
  assert.deepEqual(await exited, [130, null]);
});

test('apply writes a manifest, and says where one is broken', async (t) => {
  const dir = await temporary(t);
  await writeFile(join(dir, 'bad.yaml'), 'kind: BenchHost\nspec: {}\n');
  const { code, stderr } = await run(program, ['apply', '-f', join(dir, 'bad.yaml')]);
  assert.equal(code, 5);
  assert.match(stderr, /bad\.yaml:\d+/);
});

test('a reader that goes away ends the output without an error', async () => {
  const { code, stderr } = await run('sh', [
    '-c',
    `"${program}" completion bash | head -n 1 >/dev/null`,
  ]);
  assert.equal(code, 0);
  assert.equal(stderr, '');
});

test('without its own packages it takes a Node on PATH that is new enough, else says so', async (t) => {
  const dir = await temporary(t);
  for (const sub of ['bin', 'src', 'path']) await mkdir(join(dir, sub));
  await copyFile(program, join(dir, 'bin', 'benchctl'));
  await writeFile(join(dir, 'src', 'main.ts'), '');
  const node = (version: string) =>
    `#!/bin/sh\nif [ "$1" = -p ]; then echo ${version}; else echo ran "$1"; fi\n`;
  const env = { PATH: `${join(dir, 'path')}:/usr/bin:/bin` };
  const benchctl = join(dir, 'bin', 'benchctl');
  await writeFile(join(dir, 'path', 'node'), node('24.1.0'), { mode: 0o755 });
  assert.match((await run(benchctl, ['version'], env)).stdout, /^ran --disable-warning/);
  await writeFile(join(dir, 'path', 'node'), node('20.19.4'), { mode: 0o755 });
  const old = await run(benchctl, ['version'], env);
  assert.equal(old.code, 1);
  assert.match(old.stderr, /needs Node 24 or later; on PATH: 20\.19\.4\nnext: .*npm ci/);
});
