import assert from 'node:assert/strict';
import { chmod, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { CliError } from '../../src/cli/cli-error.ts';
import {
  createFile,
  readDirectory,
  removeFile,
  replaceFile,
} from '../../src/cli/edit/directory.ts';
import { createWorld } from './support/fake-context.ts';

test('a file that somebody changed meanwhile is neither replaced nor removed', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', 'theirs');
  const path = join(world.dir, 'a.yaml');
  await assert.rejects(replaceFile(path, 'read before', 'ours'), CliError);
  await assert.rejects(removeFile(path, 'read before'), CliError);
  assert.equal(await world.read('a.yaml'), 'theirs');
  assert.deepEqual(await world.files(), ['a.yaml']);
});

test('a new file never replaces one that came meanwhile', async (t) => {
  const world = await createWorld(t);
  await world.write('a.yaml', 'theirs');
  await assert.rejects(createFile(join(world.dir, 'a.yaml'), 'ours'), CliError);
  assert.equal(await world.read('a.yaml'), 'theirs');
  assert.deepEqual(await world.files(), ['a.yaml']);
});

test('a reader sees the old text or the new one, never a part', async (t) => {
  const world = await createWorld(t);
  const texts = ['a'.repeat(200_000), 'b'.repeat(200_000)];
  await world.write('a.yaml', texts[0] ?? '');
  const path = join(world.dir, 'a.yaml');
  let writing = true;
  const reader = (async () => {
    let reads = 0;
    while (writing) {
      assert.ok(texts.includes(await readFile(path, 'utf8')));
      reads += 1;
    }
    return reads;
  })();
  for (let turn = 0; turn < 40; turn += 1) {
    await replaceFile(path, texts[turn % 2] ?? '', texts[(turn + 1) % 2] ?? '');
  }
  writing = false;
  assert.ok((await reader) > 0);
});

test('a file that goes while the directory is read is no error, and the others are read', async (t) => {
  const world = await createWorld(t);
  const names = Array.from({ length: 20 }, (_, index) => `b${index}.yaml`);
  await world.write('a.yaml', 'stays');
  let reading = true;
  const coming = (async () => {
    while (reading) {
      for (const name of names) await world.write(name, 'goes');
      for (const name of names) await rm(join(world.dir, name));
    }
  })();
  for (let turn = 0; turn < 300; turn += 1) {
    const [first] = await readDirectory(world.dir);
    assert.equal(first?.text, 'stays');
  }
  reading = false;
  await coming;
});

test('a replaced file keeps its mode', async (t) => {
  const world = await createWorld(t);
  await createFile(join(world.dir, 'a.yaml'), 'x');
  await chmod(join(world.dir, 'a.yaml'), 0o640);
  await replaceFile(join(world.dir, 'a.yaml'), 'x', 'y');
  assert.equal((await stat(join(world.dir, 'a.yaml'))).mode & 0o777, 0o640);
});

test('only manifests are read, and only those directly in the directory', async (t) => {
  const world = await createWorld(t);
  for (const name of ['b.yml', 'a.yaml', '.hidden.yaml', 'a.yaml~', '.a.yaml.1.tmp', 'README.md']) {
    await world.write(name, name);
  }
  const read = await readDirectory(world.dir);
  assert.deepEqual(
    read.map(({ text }) => text),
    ['a.yaml', 'b.yml'],
  );
  assert.deepEqual(await readDirectory(join(world.dir, 'nowhere')), []);
});

test('a huge file is refused before it is read', async (t) => {
  const world = await createWorld(t);
  await world.write('big.yaml', ' '.repeat(5 * 1024 * 1024));
  await assert.rejects(readDirectory(world.dir), /bytes, more than \d+/);
});

test('only manifests are read: neither hidden files nor what editors leave', async (t) => {
  const world = await createWorld(t);
  const manifests = ['A.YAML', 'a b.yaml', 'a.json', 'a.yaml', 'a.yml'];
  const others = ['.a.yaml', '#a.yaml#', '#b.yaml', 'a.yaml~', '.a.yaml.0-1.tmp', 'yaml', '.yaml'];
  for (const name of [...manifests, ...others, 'a.yaml.bak']) await world.write(name, name);
  const files = await readDirectory(world.dir);
  assert.deepEqual(
    files.map(({ text }) => text),
    manifests,
  );
});
