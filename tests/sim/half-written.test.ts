/**
 * A manifest cut at every byte, while it is written and left so: what is in force never shrinks by
 * it, and what is left for good counts only after the time that makes it an order.
 */
import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import type { ManifestSource } from '../../src/controllers/ports.ts';
import { openManifestDirectory } from '../../src/drivers/manifest-directory.ts';
import { SimFiles } from '../../src/sim/files.ts';
import { VirtualClock } from '../../src/sim/virtual-clock.ts';
import { clusterText } from '../crd/manifest-texts.ts';

const directory = '/manifests';
const file = `${directory}/a.yaml`;

async function opened(text: string) {
  const clock = new VirtualClock();
  const files = new SimFiles({ clock });
  files.makeDirectory(directory);
  files.write(file, text);
  files.write(`${directory}/other.yaml`, clusterText({ name: 'other' }));
  const source = await openManifestDirectory(directory, { clock, files });
  await clock.advance(5000);
  return { clock, files, source };
}

/** Objects in force by name, with what makes them an order to remove something. */
function inForce(source: ManifestSource) {
  return source.snapshot().manifests.map(({ kind, object, origin }) => ({
    name: object.metadata.name,
    nodes: kind === 'BenchCluster' ? object.spec.workers.map(({ replicas }) => replicas) : [],
    settled: origin.settled,
    missing: origin.missing === true,
  }));
}

const examples = new URL('../../manifests/examples/', import.meta.url);
const samples = new Map(
  readdirSync(examples)
    .filter((name) => name.endsWith('.yaml'))
    .map((name) => [name, readFileSync(new URL(name, examples), 'utf8')]),
);
samples.set('twelve', clusterText({ name: 'twelve', replicas: 12 }));

for (const [name, text] of samples) {
  test(`${name}: nothing is lost while it is written anew, whatever byte the look meets`, async () => {
    const { clock, files, source } = await opened(text);
    assert(source.snapshot().trusted);
    const before = inForce(source);
    const bytes = Buffer.from(text);
    for (let length = 0; length < bytes.length; length += 1) {
      files.write(file, bytes.subarray(0, length));
      await clock.advance(150);
      for (const object of before) {
        const now = inForce(source).find((each) => each.name === object.name);
        assert(now, `${object.name} is gone at byte ${length}`);
        // It may look smaller, or gone from its file: then it is neither settled nor confirmed.
        const same = JSON.stringify(now) === JSON.stringify(object);
        assert(same || !now.settled || now.missing, `${object.name} shrinks at byte ${length}`);
      }
    }
    files.write(file, bytes);
    await clock.advance(5000);
    assert.deepEqual(inForce(source), before);
    await source.close();
  });
}

test('a file that ended with the mark and is left cut short is no order, wherever it was cut', async () => {
  const text = `${clusterText({ name: 'a', replicas: 12 })}...\n`;
  const { clock, files, source } = await opened(text);
  assert(source.snapshot().trusted);
  for (let length = 1; length < text.length; length += 1) {
    files.write(file, text.slice(0, length));
    await clock.advance(60_000);
    assert.deepEqual(
      inForce(source).find(({ name }) => name === 'a'),
      { name: 'a', nodes: [12], settled: true, missing: false },
      `cut at byte ${length}`,
    );
    assert(source.snapshot().faults.length > 0, `cut at byte ${length}`);
  }
  await source.close();
});

test('a file that is written byte by byte tells its faults ten times a second, not at each byte', async () => {
  const text = clusterText({ name: 'a', replicas: 3 });
  const { clock, files, source } = await opened(text);
  const told: string[] = [];
  source.onChange(() =>
    told.push(
      source
        .snapshot()
        .faults.map(({ message }) => message)
        .join(),
    ),
  );
  for (let length = 0; length < text.length; length += 1) {
    files.write(file, text.slice(0, length));
    await clock.advance(2);
  }
  const faults = told.filter((fault) => fault !== '');
  const most = (2 * text.length) / 100;
  assert(faults.length > 1 && faults.length <= most, `${faults.length} of at most ${most}`);
  files.write(file, text);
  await clock.advance(5000);
  assert.equal(told.at(-1), '');
  await source.close();
});

test('a lost event costs time and nothing else', async () => {
  const clock = new VirtualClock();
  const files = new SimFiles({ clock, eventDelayMs: () => undefined });
  files.makeDirectory(directory);
  files.write(file, clusterText({ name: 'a', replicas: 2 }));
  const source = await openManifestDirectory(directory, { clock, files });
  await clock.advance(5000);
  files.write(file, clusterText({ name: 'a', replicas: 3 }));
  const nodes = () => inForce(source).find(({ name }) => name === 'a')?.nodes;
  assert.deepEqual(nodes(), [2]);
  assert(await clock.advanceUntil(() => nodes()?.[0] === 3, 11_000));
  await source.close();
});

test('after a start, a broken file that is away for a moment is not gone', async () => {
  const { clock, files, source } = await opened('kind: [BenchCluster');
  assert.equal(source.snapshot().trusted, false);
  const names = () => inForce(source).map(({ name }) => name);
  files.remove(file);
  await clock.advance(1000);
  assert.equal(source.snapshot().trusted, false);
  files.write(file, clusterText({ name: 'a' }));
  await clock.advance(5000);
  assert.deepEqual([source.snapshot().trusted, names()], [true, ['a', 'other']]);
  await source.close();
});

test('after a start, what a file does not hold yet while it is written is not gone', async () => {
  const { clock, files } = await opened(clusterText({ name: 'a' }));
  const source = await openManifestDirectory(directory, { clock, files });
  const text = (...names: string[]) => names.map((name) => clusterText({ name })).join('---\n');
  await clock.advance(1000);
  files.write(file, text('a', 'b'));
  await clock.advance(1500);
  const { trusted, settling, reason } = source.snapshot();
  assert.deepEqual([trusted, settling], [false, true]);
  assert.match(reason ?? '', /a\.yaml is being written, and what it held before is not known/);
  files.write(file, text('a', 'b', 'c'));
  await clock.advance(2100);
  assert.deepEqual(inForce(source).length, 4);
  assert.equal(source.snapshot().trusted, true);
  files.write(`${directory}/new.yaml`, clusterText({ name: 'new' }));
  await clock.advance(100);
  assert.equal(source.snapshot().trusted, true, 'what comes later takes the place of nothing');
  await source.close();
});
