/** The file system of the simulator and the disk answer the watched directory alike. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { appendFile, mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, type TestContext, test } from 'node:test';
import { diskFiles } from '../../src/drivers/disk-files.ts';
import type { Files } from '../../src/drivers/files.ts';
import { codeOf } from '../../src/lib/error.ts';
import { SimFiles } from '../../src/sim/files.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';

/** What people do to a directory `in`, on either. */
interface Place {
  files: Files;
  path: string;
  write(name: string, text: string): Promise<void>;
  append(name: string, text: string): Promise<void>;
  replace(name: string, text: string): Promise<void>;
  remove(name: string): Promise<void>;
  /** The directory as a whole. */
  takeAway(): Promise<void>;
  bringBack(): Promise<void>;
  mountOver(): Promise<void>;
  unmount(): Promise<void>;
  /** Lets events come; bounded. */
  until(condition: () => boolean): Promise<void>;
}

async function disk(context: TestContext): Promise<Place> {
  const root = await mkdtemp(join(tmpdir(), 'benchcluster-files-'));
  context.after(() => rm(root, { recursive: true, force: true }));
  const path = join(root, 'in');
  await mkdir(path);
  await mkdir(join(root, 'empty'));
  return {
    files: diskFiles,
    path,
    write: (name, text) => writeFile(join(path, name), text),
    append: (name, text) => appendFile(join(path, name), text),
    async replace(name, text) {
      await writeFile(join(root, 'new'), text);
      await rename(join(root, 'new'), join(path, name));
    },
    remove: (name) => rm(join(path, name)),
    takeAway: () => rename(path, join(root, 'away')),
    bringBack: () => rename(join(root, 'away'), path),
    async mountOver() {
      execFileSync('mount', ['--bind', join(root, 'empty'), path]);
    },
    async unmount() {
      execFileSync('umount', [path]);
    },
    async until(condition) {
      const deadline = performance.now() + 10_000;
      while (!condition()) {
        assert(performance.now() < deadline, 'no event came');
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    },
  };
}

async function simulated(): Promise<Place> {
  const clock = new VirtualClock();
  const files = new SimFiles({ clock });
  const path = '/in';
  files.makeDirectory(path);
  return {
    files,
    path,
    write: async (name, text) => files.write(`${path}/${name}`, text),
    append: async (name, text) => files.append(`${path}/${name}`, Buffer.from(text)),
    replace: async (name, text) => files.replace(`${path}/${name}`, text),
    remove: async (name) => files.remove(`${path}/${name}`),
    takeAway: async () => files.moveDirectory(path, '/away'),
    bringBack: async () => files.moveDirectory('/away', path),
    mountOver: async () => files.mountOver(path),
    unmount: async () => files.unmount(path),
    async until(condition) {
      assert(await clock.advanceUntil(condition, 10_000), 'no event came');
    },
  };
}

const fails = async (call: Promise<unknown>) => {
  const thrown = await call.then(
    () => undefined,
    (error: unknown) => error,
  );
  return codeOf(thrown);
};

for (const [name, open] of Object.entries({ disk, simulated })) {
  describe(`the ${name} file system`, () => {
    const text = async ({ files, path }: Place, file: string, limit = 100) =>
      Buffer.from((await files.read(join(path, file), limit)).bytes ?? []).toString();

    test('reads what is there now, and no more than asked for', async (context) => {
      const place = await open(context);
      await place.write('a.yaml', 'kind: ');
      assert.equal(await text(place, 'a.yaml'), 'kind: ');
      await place.append('a.yaml', 'A\n');
      assert.equal(await text(place, 'a.yaml'), 'kind: A\n');
      assert.equal(await text(place, 'a.yaml', 4), 'kind');
      assert.deepEqual(await place.files.names(place.path), ['a.yaml']);
      await place.remove('a.yaml');
      assert.deepEqual(await place.files.names(place.path), []);
      assert.equal(await fails(place.files.read(join(place.path, 'a.yaml'), 10)), 'ENOENT');
      assert.equal(await place.files.stamp(join(place.path, 'a.yaml')), undefined);
    });

    test('gives a file another stamp when it was written or replaced, and only then', async (context) => {
      const place = await open(context);
      const stamp = () => place.files.stamp(join(place.path, 'a.yaml'));
      await place.write('a.yaml', 'one');
      const first = await stamp();
      assert.equal(await stamp(), first);
      assert.equal((await place.files.read(join(place.path, 'a.yaml'), 10)).stamp, first);
      await place.append('a.yaml', 'more');
      const second = await stamp();
      assert.notEqual(second, first);
      await place.replace('a.yaml', 'onemore');
      assert.notEqual(await stamp(), second);
    });

    test('gives each directory that gets a name an identity of its own', async (context) => {
      const place = await open(context);
      await place.write('a.yaml', 'one');
      const identity = () => place.files.identity(place.path);
      const first = await identity();
      await place.mountOver();
      try {
        assert.notEqual(await identity(), first);
        assert.deepEqual(await place.files.names(place.path), []);
      } finally {
        await place.unmount();
      }
      assert.equal(await identity(), first);
      await place.takeAway();
      assert.equal(await fails(identity()), 'ENOENT');
      assert.equal(await fails(place.files.names(place.path)), 'ENOENT');
      await place.bringBack();
      assert.equal(await identity(), first);
      assert.equal(await text(place, 'a.yaml'), 'one');
    });

    test('tells of each change once it is watched, and of nothing after the close', async (context) => {
      const place = await open(context);
      let events = 0;
      const watch = place.files.watch(
        place.path,
        (file) => file.endsWith('.yaml'),
        () => {
          events += 1;
        },
      );
      await watch.ready;
      for (const change of [
        () => place.write('a.yaml', 'one'),
        () => place.append('a.yaml', 'more'),
        () => place.replace('a.yaml', 'two'),
        () => place.remove('a.yaml'),
      ]) {
        const before = events;
        await change();
        await place.until(() => events > before);
      }
      await watch.close();
    });
  });
}
