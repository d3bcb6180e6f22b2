/** Edits, faults and absences of files, as they reach the snapshot. */
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { openManifestDirectory } from '../../src/drivers/manifest-directory.ts';
import { systemClock } from '../../src/lib/clock.ts';
import { clusterText, hostText, imageText } from '../crd/manifest-texts.ts';
import { WatchedDirectory } from './watched-directory.ts';

const cluster = (name: string, replicas = 2) => clusterText({ name, replicas });

test('an edit is in the snapshot at once, and settled after the same was read twice', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  assert.deepEqual(dir.names(), ['a=2?']);
  await dir.pass(2000);
  await dir.until(() => dir.names().join() === 'a=2');
  await dir.write('a.yaml', cluster('a', 1));
  await dir.until(() => dir.names().join() === 'a=1?');
  await dir.pass(1999);
  assert.deepEqual(dir.names(), ['a=1?']);
  await dir.pass(1);
  await dir.until(() => dir.names().join() === 'a=1');
});

test('a file that is renamed to what is no UTF-8 is broken, and not one that is gone', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a'), 'b.yaml': cluster('b') });
  await dir.open();
  await dir.pass(2000);
  await dir.until(() => dir.names().join() === 'a=2,b=2');
  const latin1 = Buffer.from(dir.file('\u00fc.yaml'), 'latin1');
  await rename(dir.file('b.yaml'), latin1);
  await dir.looked();
  await dir.pass(100);
  await dir.until(() => dir.source.snapshot().faults.length === 1);
  await dir.pass(10_000);
  const { trusted, faults } = dir.source.snapshot();
  assert.equal(trusted, false);
  assert.match(faults[0]?.message ?? '', /its name is not UTF-8/);
  await rename(latin1, dir.file('b.yaml'));
  await dir.until(() => dir.source.snapshot().faults.length === 0);
});

test('a file that ends with the mark is known to be whole when it is first read', async (t) => {
  const texts = { 'a.yaml': `${cluster('a')}...\n`, 'b.yaml': cluster('b') };
  const dir = await WatchedDirectory.make(t, texts);
  await dir.open();
  const found = dir.source.snapshot().manifests.map(({ object, origin }) => {
    return [object.metadata.name, origin.whole ?? false, origin.settled];
  });
  assert.deepEqual(found, [
    ['a', true, false],
    ['b', false, false],
  ]);
});

test('a file that changes again before it settled begins anew, also with the same size', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  for (const replicas of [3, 4, 5]) {
    await dir.pass(1500);
    await dir.write('a.yaml', cluster('a', replicas));
    await dir.until(() => dir.names().join() === `a=${replicas}?`);
    // A look in the middle of the write has what was written with the stamp of before.
    await dir.looked();
  }
  await dir.pass(1999);
  assert.deepEqual(dir.names(), ['a=5?']);
  await dir.pass(1);
  await dir.until(() => dir.names().join() === 'a=5');
});

test('listeners hear of an edit and of its settling, and not after they left', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  const heard: string[] = [];
  const leave = dir.source.onChange(() => heard.push(dir.names().join()));
  await dir.write('a.yaml', cluster('a', 7));
  await dir.until(() => heard.includes('a=7?'));
  await dir.clock.advance(2000);
  await dir.until(() => heard.includes('a=7'));
  leave();
  const before = heard.length;
  await dir.write('a.yaml', cluster('a', 8));
  await dir.until(() => dir.names().join() === 'a=8?');
  assert.equal(heard.length, before);
});

test('a broken file keeps its last good objects in force, with the fault, until it is mended', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  await dir.pass(2000);
  for (const broken of [
    cluster('a', 9).replace('image:', 'imag:'),
    'a: [\n',
    '',
    cluster('a', 12).slice(0, -2),
  ]) {
    await dir.write('a.yaml', broken);
    await dir.untilInTime(() => dir.faults().length > 0);
    assert.deepEqual(dir.names(), ['a=2']);
    await dir.pass(5000);
    assert.deepEqual(dir.names(), ['a=2']);
    assert.equal(dir.trusted(), true);
    await dir.write('a.yaml', cluster('a'));
    await dir.untilInTime(() => dir.faults().length === 0 && dir.names().join() === 'a=2');
  }
});

test('a file that is emptied and then written shows no fault in between', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  const faults: string[] = [];
  dir.source.onChange(() => faults.push(...dir.faults()));
  await dir.write('a.yaml', '');
  await dir.looked();
  await dir.write('a.yaml', cluster('a', 3));
  await dir.until(() => dir.names().join() === 'a=3?');
  await dir.pass(2000);
  assert.deepEqual(faults, []);
});

test('a file counts as a whole: a fault in one document holds the others back, and says so', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': `${cluster('a')}---\n${hostText()}` });
  await dir.open();
  await dir.write('a.yaml', `${cluster('a', 9)}---\n${hostText().replace('uri', 'url')}`);
  await dir.untilInTime(() => dir.faults().length > 0);
  assert.deepEqual(dir.names(), ['a=2?', 'local?']);
  const held = dir.source.snapshot().faults.find(({ object }) => object?.name === 'a');
  assert.match(held?.message ?? '', /not taken in, because another object .* \(see line 18\)/);
});

test('one object in two files is a fault of both, and the one in force stays', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  await dir.pass(2000);
  await dir.until(() => dir.trusted());
  await dir.write('b.yaml', cluster('a', 9));
  await dir.until(() => dir.faults().length === 2);
  assert.deepEqual(dir.names(), ['a=2']);
  assert.equal(dir.trusted(), false);
  const files = dir.source.snapshot().faults.map(({ file }) => file);
  assert.deepEqual(files.sort(), [dir.file('a.yaml'), dir.file('b.yaml')]);
  await dir.remove('a.yaml');
  await dir.until(() => dir.faults().length === 0);
  assert.deepEqual(dir.names(), ['a=2']);
  await dir.untilInTime(() => dir.names().join() === 'a=9');
  assert.deepEqual(dir.faults(), []);
  assert.equal(dir.trusted(), true);
});

for (const copy of ['a-old.yaml', 'z.yaml']) {
  test(`a file that is away while it is saved does not put an old copy of it in force: ${copy}`, async (t) => {
    const dir = await WatchedDirectory.make(t, { 'a.yaml': `${cluster('a', 3)}...\n` });
    await dir.open();
    await dir.pass(2000);
    await dir.until(() => dir.names().join() === 'a=3');
    await dir.write(copy, cluster('a', 1));
    await dir.looked();
    await dir.pass(4000);
    assert.equal(dir.faults().length, 2);
    await rename(dir.file('a.yaml'), dir.file('a.yaml~'));
    await dir.looked();
    assert.deepEqual(dir.names(), ['a=3']);
    await rename(dir.file('a.yaml~'), dir.file('a.yaml'));
    await dir.pass(4000);
    assert.deepEqual(dir.names(), ['a=3']);
    // Cut where its documents meet, for a moment, and then without its end mark for good.
    await dir.write('a.yaml', `${cluster('c')}...\n`);
    await dir.looked();
    assert.deepEqual(dir.names(), ['a=3', 'c=2?']);
    await dir.write('a.yaml', cluster('c'));
    await dir.looked();
    await dir.pass(4000);
    assert.deepEqual(dir.names(), ['a=3', 'c=2?']);
  });
}

test('a deleted file counts only when it was missed twice with time between', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a'), 'b.yaml': cluster('b') });
  await dir.open();
  await dir.pass(2000);
  await dir.until(() => dir.names().join() === 'a=2,b=2');
  await dir.remove('a.yaml');
  await dir.looked();
  await dir.pass(1999);
  assert.deepEqual(dir.names(), ['a=2', 'b=2']);
  const missing = dir.source.snapshot().manifests.filter(({ origin }) => origin.missing);
  const names = missing.map(({ object }) => object.metadata.name);
  // The file that shows that a look took place loses objects as well.
  assert.deepEqual(
    names.filter((name) => !name.startsWith('sentinel')),
    ['a'],
  );
  await dir.pass(1);
  await dir.until(() => dir.names().join() === 'b=2');
  assert.equal(dir.trusted(), true);
});

test('a file that comes back in time was never gone', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a'), 'b.yaml': cluster('b') });
  await dir.open();
  await dir.pass(2000);
  await rename(dir.file('a.yaml'), join(dir.path, 'away'));
  await dir.looked();
  await dir.pass(1500);
  await rename(join(dir.path, 'away'), dir.file('a.yaml'));
  await dir.pass(1000);
  await dir.pass(3000);
  assert.deepEqual(dir.names(), ['a=2', 'b=2']);
});

test('a renamed file moves its objects without a gap or a conflict', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  const seen = new Set<string>();
  dir.source.onChange(() => seen.add(`${dir.names().join()} ${dir.faults().join()}`));
  await rename(dir.file('a.yaml'), dir.file('z.yml'));
  await dir.looked();
  await dir.pass(2000);
  await dir.until(() => dir.names().join() === 'a=2');
  assert.deepEqual([...seen].sort(), ['a=2 ', 'a=2? ']);
});

test('an object that vanishes from a file stays until the file has settled', async (t) => {
  const both = `${cluster('a')}---\n${cluster('b')}`;
  const dir = await WatchedDirectory.make(t, { 'ab.yaml': both });
  await dir.open();
  await dir.pass(2000);
  await dir.write('ab.yaml', cluster('a', 5));
  await dir.until(() => dir.names().join() === 'a=5?,b=2');
  await dir.pass(2000);
  await dir.until(() => dir.names().join() === 'a=5');
});

test('a file that had the end mark must keep it', async (t) => {
  const both = `${cluster('a')}---\n${cluster('b')}...\n`;
  const dir = await WatchedDirectory.make(t, { 'ab.yaml': both });
  await dir.open();
  await dir.pass(2000);
  await dir.write('ab.yaml', cluster('a', 5));
  await dir.until(() => dir.faults().length === 1);
  await dir.pass(4000);
  assert.deepEqual(dir.names(), ['a=2', 'b=2']);
  assert.match(dir.faults()[0] ?? '', /lost its last line `\.\.\.`/);
  await dir.write('ab.yaml', `${cluster('a', 5)}...\n`);
  await dir.until(() => dir.faults().length === 0);
});

test('a swap of the `..data` link, as for a ConfigMap, changes all files at once', async (t) => {
  const dir = await WatchedDirectory.make(t);
  const version = async (number: number, replicas: number) => {
    await mkdir(dir.file(`..v${number}`));
    await writeFile(join(dir.file(`..v${number}`), 'a.yaml'), cluster('a', replicas));
    await symlink(`..v${number}`, dir.file('..data_tmp'));
    await rename(dir.file('..data_tmp'), dir.file('..data'));
  };
  await version(1, 2);
  await symlink('..data/a.yaml', dir.file('a.yaml'));
  await dir.open();
  assert.deepEqual(dir.names(), ['a=2?']);
  await dir.pass(2000);
  await version(2, 6);
  await rm(dir.file('..v1'), { recursive: true });
  await dir.until(() => dir.names().join() === 'a=6?');
  assert.deepEqual(dir.faults(), []);
});

test('what editors leave beside a file is no manifest', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a') });
  await dir.open();
  for (const name of [
    '.a.yaml.swp',
    '.b.yaml',
    '#a.yaml#',
    'a.yaml~',
    '4913',
    'a.yaml.bak',
    'README.md',
  ]) {
    await dir.write(name, cluster('other'));
  }
  await dir.write('image.JSON', `${JSON.stringify({ kind: 'x' })}\n`);
  await dir.write('i.yml', imageText());
  await dir.untilInTime(() => /is not a kind/.test(dir.faults().join()));
  assert.deepEqual(dir.names(), ['a=2?', 'debian-slurm?']);
});

test('a flood of saves, in place and by rename, ends in the last one', async (t) => {
  const dir = await WatchedDirectory.make(t, { 'a.yaml': cluster('a'), 'b.yaml': cluster('b') });
  await dir.open();
  for (let replicas = 1; replicas <= 500; replicas += 1) {
    await dir.write('a.yaml', cluster('a', replicas));
    await dir.replace('b.yaml', cluster('b', replicas));
  }
  await dir.untilInTime(() => dir.names().join() === 'a=500,b=500');
  assert.deepEqual(dir.faults(), []);
});

test('a saved edit reaches the listener within milliseconds', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'manifests-'));
  t.after(() => rm(root, { recursive: true }));
  const file = join(root, 'a.yaml');
  await writeFile(file, cluster('a', 0));
  const source = await openManifestDirectory(root, { clock: systemClock });
  t.after(() => source.close());
  const times: number[] = [];
  for (let replicas = 1; replicas <= 15; replicas += 1) {
    const arrived = new Promise<number>((resolve) => {
      const leave = source.onChange(() => {
        const [manifest] = source.snapshot().manifests;
        const pools = manifest?.kind === 'BenchCluster' ? manifest.object.spec.workers : [];
        if (pools[0]?.replicas !== replicas) return;
        leave();
        resolve(performance.now());
      });
    });
    const start = performance.now();
    await writeFile(`${file}.tmp`, cluster('a', replicas));
    await rename(`${file}.tmp`, file);
    times.push((await arrived) - start);
  }
  const median = times.sort((a, b) => a - b)[7] ?? Number.POSITIVE_INFINITY;
  t.diagnostic(`median ${median.toFixed(1)} ms`);
  assert(median < 50, `median ${median} ms`);
});
