/** When a directory as a whole may be believed: nothing is deleted while it may not. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, rename, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { diskFiles } from '../../src/drivers/disk-files.ts';
import { clusterText } from '../crd/manifest-texts.ts';
import { WatchedDirectory } from './watched-directory.ts';

const cluster = (name: string, replicas = 2) => clusterText({ name, replicas });
const reason = (dir: WatchedDirectory) => dir.source.snapshot().reason ?? '';

/** Runs as a user for whom modes count; root reads everything. */
async function asUser(work: () => Promise<void>): Promise<void> {
  const root = process.geteuid?.() === 0;
  if (root) process.seteuid?.(65_534);
  try {
    await work();
  } finally {
    if (root) process.seteuid?.(0);
  }
}

test('after a start the directory is trusted when it was read twice with time between', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  assert.match(reason(dir), /was read only once/);
  assert.equal(dir.source.snapshot().settling, true);
  await dir.clock.advance(1999);
  assert.equal(dir.trusted(), false);
  await dir.clock.advance(1);
  await dir.until(() => dir.trusted());
  assert.equal('settling' in dir.source.snapshot(), false);
});

test('a directory that is being filled is not trusted until it stays the same', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  for (const name of ['b', 'c', 'd']) {
    await dir.clock.advance(1500);
    await dir.write(`${name}.yaml`, cluster(name));
    await dir.until(() => dir.names().some((each) => each.startsWith(name)));
    assert.equal(dir.trusted(), false);
  }
  await dir.clock.advance(2000);
  await dir.until(() => dir.trusted());
});

test('an empty directory is never trusted, and one that is emptied is not any more', async (t) => {
  const dir = await WatchedDirectory.make(t);
  await dir.open();
  assert.match(reason(dir), /holds no manifest/);
  await dir.clock.advance(10_000);
  assert.equal(dir.trusted(), false);
  await dir.write('a.yaml', cluster('a'));
  await dir.until(() => dir.names().length === 1);
  assert.equal(dir.trusted(), false);
  await dir.clock.advance(2000);
  await dir.until(() => dir.trusted());
  await dir.remove('a.yaml');
  await dir.until(() => !dir.trusted());
  assert.equal(dir.names().length, 1);
  await dir.clock.advance(60_000);
  assert.equal(dir.trusted(), false);
});

test('a directory that does not exist yet is found when it is made', async (t) => {
  const dir = await WatchedDirectory.make(t);
  const path = join(dir.path, 'later');
  await dir.open(path);
  assert.match(reason(dir), /does not exist/);
  await mkdir(path);
  await dir.write('later/a.yaml', cluster('a'));
  await dir.clock.advance(1000);
  await dir.until(() => dir.names().join() === 'a=2?');
  await dir.write('later/a.yaml', cluster('a', 5));
  await dir.until(() => dir.names().join() === 'a=5?');
});

test('a directory that goes away keeps everything in force, and is watched again when it returns', async (t) => {
  const dir = await WatchedDirectory.make(t);
  const path = join(dir.path, 'in');
  await mkdir(path);
  await dir.write('in/a.yaml', cluster('a'));
  await dir.open(path);
  await dir.clock.advance(2000);
  await dir.until(() => dir.trusted() && dir.names().join() === 'a=2');
  await rename(path, dir.file('away'));
  await dir.until(() => !dir.trusted());
  await dir.clock.advance(60_000);
  assert.deepEqual(dir.names(), ['a=2']);
  await rename(dir.file('away'), path);
  await dir.clock.advance(1000);
  await dir.until(() => reason(dir).includes('only once'));
  await dir.write('in/a.yaml', cluster('a', 4));
  await dir.until(() => dir.names().join() === 'a=4?');
  await rm(path, { recursive: true });
  await dir.until(() => reason(dir).includes('does not exist'));
  assert.deepEqual(dir.names(), ['a=4?']);
});

test('another directory under the same name is not believed at first sight', async (t) => {
  const dir = await WatchedDirectory.make(t);
  await mkdir(dir.file('in'));
  await mkdir(dir.file('other'));
  await dir.write('in/a.yaml', cluster('a'));
  await dir.write('other/b.yaml', cluster('b'));
  await dir.open(dir.file('in'));
  await dir.clock.advance(2000);
  await dir.until(() => dir.trusted());
  // Nothing tells of a mount over the directory; a link that is turned is as silent as one.
  await rename(dir.file('in'), dir.file('gone'));
  await symlink('other', dir.file('in'));
  await dir.untilInTime(() => dir.names().includes('b=2?'));
  assert.equal(dir.trusted(), false);
  assert(dir.names().some((name) => name.startsWith('a=2')));
});

test('a directory that is made anew is not believed at first sight, with whatever inode', async (t) => {
  const dir = await WatchedDirectory.make(t);
  const path = dir.file('in');
  await mkdir(path);
  await dir.write('in/a.yaml', cluster('a'));
  await dir.write('in/b.yaml', cluster('b'));
  await dir.open(path);
  await dir.clock.advance(2000);
  await dir.until(() => dir.trusted());
  // Without a pause, so that no look finds it away.
  rmSync(path, { recursive: true });
  mkdirSync(path);
  writeFileSync(join(path, 'a.yaml'), cluster('a', 3));
  await dir.until(() => dir.names().includes('a=3?'));
  assert.match(reason(dir), /only once/);
  // What it is filled with comes by and by.
  await dir.clock.advance(1500);
  await dir.write('in/c.yaml', cluster('c'));
  await dir.until(() => dir.names().includes('c=2?'));
  await dir.clock.advance(1500);
  await dir.write('in/d.yaml', cluster('d'));
  await dir.until(() => dir.names().includes('d=2?'));
  assert.equal(dir.trusted(), false);
});

test('a bind mount over the directory and its end are noticed without an event', async (t) => {
  const dir = await WatchedDirectory.make(t);
  await mkdir(dir.file('in'));
  await mkdir(dir.file('empty'));
  await dir.write('in/a.yaml', cluster('a'));
  try {
    execFileSync('mount', ['--bind', dir.file('empty'), dir.file('empty')], { stdio: 'ignore' });
    execFileSync('umount', [dir.file('empty')], { stdio: 'ignore' });
  } catch {
    return t.skip('needs the right to mount');
  }
  await dir.open(dir.file('in'));
  await dir.clock.advance(2000);
  await dir.until(() => dir.trusted());
  execFileSync('mount', ['--bind', dir.file('empty'), dir.file('in')]);
  try {
    await dir.untilInTime(() => reason(dir).includes('holds no manifest'));
    assert.equal(dir.names().length, 1);
  } finally {
    execFileSync('umount', [dir.file('in')]);
  }
  await dir.untilInTime(() => reason(dir).includes('only once'));
  await dir.untilInTime(() => dir.trusted());
});

test('a file that may not be read keeps its objects, with a fault that says how to mend it', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await chmod(dir.path, 0o755);
  await asUser(async () => {
    await dir.open();
    await dir.clock.advance(2000);
    await dir.until(() => dir.names().join() === 'a=2');
  });
  await chmod(dir.file('a.yaml'), 0);
  await asUser(async () => {
    await dir.untilInTime(() => dir.faults().length === 1);
  });
  assert.match(dir.faults()[0] ?? '', /cannot be read: permission denied/);
  assert.deepEqual(dir.names(), ['a=2']);
  await chmod(dir.file('a.yaml'), 0o644);
  await dir.until(() => dir.faults().length === 0);
});

test('a directory that may not be read keeps everything', async (t) => {
  const dir = await WatchedDirectory.make(t);
  await mkdir(dir.file('in'));
  await chmod(dir.path, 0o755);
  await dir.write('in/a.yaml', cluster('a'));
  await chmod(dir.file('in'), 0o755);
  await asUser(async () => {
    await dir.open(dir.file('in'));
    await dir.clock.advance(2000);
    await dir.until(() => dir.trusted());
  });
  await chmod(dir.file('in'), 0);
  await asUser(async () => {
    await dir.clock.advance(10_000);
    await dir.until(() => reason(dir).includes('cannot be read (EACCES)'));
  });
  assert.deepEqual(dir.names(), ['a=2']);
  await chmod(dir.file('in'), 0o755);
  await dir.clock.advance(1000);
  await dir.until(() => reason(dir).includes('only once'));
});

test('what is no regular file is a fault and never waited for', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  execFileSync('mkfifo', [dir.file('pipe.yaml')]);
  await mkdir(dir.file('folder.yaml'));
  await symlink('nowhere', dir.file('dangling.yaml'));
  await symlink('loop.yaml', dir.file('loop.yaml'));
  await dir.open();
  assert.deepEqual(dir.names(), ['a=2?']);
  assert.deepEqual(dir.faults().sort(), [
    'cannot be read: its symbolic link leads nowhere',
    'cannot be read: its symbolic link leads nowhere',
    'is not a regular file',
    'is not a regular file',
  ]);
});

test('a link whose file is away, such as with its disk, keeps what it held', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'b.yaml': cluster('b') });
  await mkdir(dir.file('disk'));
  await dir.write('disk/a.yaml', cluster('a'));
  await symlink('disk/a.yaml', dir.file('a.yaml'));
  await dir.open();
  await dir.clock.advance(2000);
  await dir.until(() => dir.trusted() && dir.names().join() === 'a=2,b=2');
  await rename(dir.file('disk'), dir.file('away'));
  await dir.untilInTime(() => dir.faults().length > 0);
  await dir.pass(60_000);
  assert.deepEqual(dir.faults(), ['cannot be read: its symbolic link leads nowhere']);
  assert.deepEqual(dir.names(), ['a=2', 'b=2']);
  await rename(dir.file('away'), dir.file('disk'));
  await dir.untilInTime(() => dir.faults().length === 0);
  await rm(dir.file('a.yaml'));
  await dir.untilInTime(() => dir.names().join() === 'b=2');
});

test('more than a thousand manifests are refused as a whole', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  await dir.clock.advance(2000);
  await dir.until(() => dir.trusted());
  await Promise.all(Array.from({ length: 1000 }, (_, index) => dir.write(`x${index}.yaml`, '')));
  await dir.until(() => reason(dir).includes('more than 1000 manifests'));
  assert(dir.names().some((name) => name.startsWith('a=2')));
});

test('a broken file of which no good version was seen makes the whole directory untrusted', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a'), 'b.yaml': 'kind: [\n' });
  await dir.open();
  await dir.clock.advance(2000);
  await dir.until(() => reason(dir).includes('what it held before is not known'));
  // The look that trusts the directory may come before the one that confirms its files.
  await dir.looked();
  await dir.write('b.yaml', cluster('b'));
  await dir.until(() => dir.trusted());
});

/** Of `a` and `b`, with `a.yaml` gone for almost as long as it takes to be believed. */
async function withoutA(t: TestContext): Promise<WatchedDirectory> {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a'), 'b.yaml': cluster('b') });
  await dir.open();
  await dir.pass(2000);
  await dir.until(() => dir.trusted());
  await dir.remove('a.yaml');
  await dir.looked();
  await dir.pass(1950);
  return dir;
}

test('an absence is not believed while a file is saved that may hold what is gone', async (t) => {
  const dir = await withoutA(t);
  await dir.write('b.yaml', '');
  await dir.looked();
  await dir.pass(60);
  assert.deepEqual(dir.names(), ['a=2', 'b=2']);
  await dir.write('b.yaml', `${cluster('b')}---\n${cluster('a')}`);
  await dir.looked();
  await dir.pass(2000);
  await dir.until(() => dir.names().join() === 'a=2,b=2');
  // One that is gone while it seems to be saved, and that nobody knew, holds nothing up.
  await dir.write('c.yaml', '');
  await dir.looked();
  await dir.remove('c.yaml');
  await dir.write('b.yaml', cluster('b'));
  await dir.looked();
  await dir.pass(2000);
  await dir.until(() => dir.names().join() === 'b=2');
});

test('a file that was there in between, if only empty, was not gone all the time', async (t) => {
  const dir = await withoutA(t);
  await dir.write('a.yaml', '');
  await dir.looked();
  await dir.remove('a.yaml');
  await dir.looked();
  await dir.pass(60);
  assert.deepEqual(dir.names(), ['a=2', 'b=2']);
  await dir.pass(2000);
  assert.deepEqual(dir.names(), ['b=2']);
});

test('a look that began before the time was over confirms no absence, however long it takes', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a'), 'b.yaml': cluster('b') });
  let slow = false;
  let go = () => {};
  const names = async (path: string) => {
    const listed = await diskFiles.names(path);
    if (slow) await new Promise<void>((resolve) => (go = resolve));
    return listed;
  };
  await dir.open(dir.path, { ...diskFiles, names });
  await dir.pass(2000);
  await dir.until(() => dir.trusted());
  await dir.remove('a.yaml');
  await dir.looked();
  const seen = new Set<string>();
  dir.source.onChange(() => seen.add(dir.names().join()));
  slow = true;
  await dir.write('b.yaml', cluster('b', 3));
  await new Promise((resolve) => setTimeout(resolve, 100));
  await dir.write('a.yaml', cluster('a'));
  await dir.clock.advance(2000);
  slow = false;
  go();
  await dir.looked();
  await dir.pass(2000);
  assert.deepEqual(
    [...seen].filter((each) => !each.includes('a=2')),
    [],
  );
});
