/**
 * Files of the state directory as a crash, a full disk or a hand may leave them. The first byte of
 * the input says which file, the rest is what is in it.
 */
import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ClusterRecord } from '../../../src/controllers/ports.ts';
import { load } from '../../../src/crd/load.ts';
import type { ClusterStatus } from '../../../src/crd/status.ts';
import { memoryText } from '../../../src/drivers/manifest-memory.ts';
import { StateError } from '../../../src/drivers/state-error.ts';
import { readLedger } from '../../../src/drivers/state-ledger.ts';
import { manifestMemory } from '../../../src/drivers/state-manifests.ts';
import { readCluster, readEvents } from '../../../src/drivers/state-records.ts';
import { recordText } from '../../../src/drivers/state-texts.ts';
import { oneLine } from '../../../src/lib/printable.ts';
import { clusterText, hostText, imageText } from '../../crd/manifest-texts.ts';
import { bytesOf, type Surface } from '../surface.ts';

const at = '2026-01-02T03:04:05.678Z';
const text = `${clusterText({ name: 'a' })}---\n${hostText()}---\n${imageText('/i')}`;
const [cluster, host, image] = load('/a.yaml', text).manifests;
assert(cluster?.kind === 'BenchCluster' && host?.kind === 'BenchHost');
assert(image?.kind === 'BenchImage');
const record: ClusterRecord = {
  ...{ cluster: cluster.object, host: host.object, images: [image.object], generation: 3 },
  ...{ formerArtifacts: ['debian-0123456789ab.qcow2'], deletionTimestamp: at },
};
const status: ClusterStatus = {
  ...{ observedGeneration: 1, conditions: [], workers: [], nodes: [] },
  controlPlane: { name: 'head', replicas: 1, ready: 0, upToDate: 1 },
};
const removal = { cluster: 'default/a', deletes: true, pools: [{ name: 'w', from: 3, to: 0 }] };
const change = { at, cluster: 'default/a', pools: [{ name: 'w', replicas: 3 }] };
const ledger = {
  held: [{ ...removal, since: at }],
  nodes: 4,
  confirmed: [removal],
  changes: [change],
};
const remembered = { path: '/a.yaml', known: true, marked: false, kept: [cluster, host, image] };
const event = { time: at, cluster: 'default/a', type: 'Normal', reason: 'R', message: 'm' };

interface Stored {
  file: string;
  good: string;
  check(directory: string, bytes: Uint8Array): Promise<void>;
}

const prettied = (value: unknown) => `${JSON.stringify(value, null, 2)}\n`;

/** Undefined when it is refused as it must be: by the name of the file. */
async function read<T>(file: string, reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading;
  } catch (error) {
    assert(error instanceof StateError && error.fault === 'corrupt', String(error));
    assert(error.file.endsWith(file) && error.message.includes(file), 'names another file');
    assert.equal(error.message, oneLine(error.message), 'not one plain line');
    return undefined;
  }
}

const stored: readonly Stored[] = [
  {
    file: 'clusters/default/a/record.json',
    good: recordText(record, at),
    async check(directory, bytes) {
      const found = await read(this.file, readCluster(directory, 'default', 'a'));
      const json = jsonOf(bytes);
      if (found === undefined) return;
      assert.notEqual(json, undefined, 'a record of what is no JSON');
      assert.equal(found.record.cluster.metadata.name, 'a');
      assert(found.record.generation >= 1 && found.record.images.length >= 0);
      const { status: _, ...kept } = found.record;
      const again = { createdAt: found.createdAt, ...kept };
      for (const key of Object.keys(json as object)) assert(key in again, `${key} is forgotten`);
    },
  },
  {
    file: 'clusters/default/a/status.json',
    good: prettied(status),
    async check(directory) {
      // Forgiving: the next round writes it anew. The record beside it must not suffer.
      const found = await readCluster(directory, 'default', 'a');
      assert.equal(found?.record.generation, record.generation);
      if (found.record.status) assert(Array.isArray(found.record.status.nodes));
    },
  },
  {
    file: 'deletion-ledger.json',
    good: prettied(ledger),
    async check(directory, bytes) {
      const found = await read(this.file, readLedger(directory));
      if (found === undefined) return;
      const json = jsonOf(bytes) as typeof ledger;
      assert.deepEqual(
        Object.keys(found).sort(),
        Object.keys(json).sort(),
        'more or less than is there',
      );
      assert.equal(found.held.length, json.held.length, 'a hold is lost');
    },
  },
  {
    file: 'events.jsonl',
    good: `${JSON.stringify(event)}\n${JSON.stringify({ ...event, node: 'a-w-0' })}\n`,
    async check(directory) {
      for (const { type, message } of await readEvents(directory)) {
        assert(/^(Normal|Warning)$/.test(type) && typeof message === 'string');
      }
    },
  },
  {
    file: 'manifests.json',
    good: memoryText([remembered]),
    async check(directory) {
      // Forgiving: what is not known costs time, and no cluster.
      for (const { path, kept } of await manifestMemory(directory).read()) {
        assert(typeof path === 'string' && kept.every(({ object }) => object.metadata.name !== ''));
      }
    },
  },
];

function jsonOf(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes));
  } catch {
    return undefined;
  }
}

let made: string | undefined;

/** One for the process, with good files in it. */
function place(): string {
  if (made !== undefined) return made;
  const directory = mkdtempSync(join(tmpdir(), 'benchcluster-fuzz-'));
  process.on('exit', () => rmSync(directory, { recursive: true, force: true }));
  mkdirSync(join(directory, 'clusters/default/a'), { recursive: true });
  for (const { file, good } of stored) writeFileSync(join(directory, file), good);
  made = directory;
  return directory;
}

export const stateFiles: Surface = {
  name: 'state-files',
  property: 'what was written, or an error that names the file; never less than was written',
  covers: [
    ...['drivers/state-records.ts', 'drivers/state-ledger.ts', 'drivers/state-files.ts'],
    ...['drivers/state-texts.ts', 'drivers/manifest-memory.ts'],
  ],
  tokens: [
    ...[
      '{',
      '}',
      '[',
      ']',
      ':',
      ',',
      '"',
      '\\u0000',
      '\ufeff',
      'null',
      'true',
      '1e400',
      '-0',
      '\n',
    ],
    ...['"__proto__":{}', '"createdAt":', '"generation":', '"deletionTimestamp":', '"images":[]'],
    ...['"held":[]', '"changes":', '"confirmed":', '"cluster":', '"nodes":', '\u0000'.repeat(64)],
  ],
  maxBytes: 4 * 1024,
  limitMs: 100,
  seeds: () =>
    stored.flatMap(({ good }, index) => [
      Buffer.concat([Buffer.from([index]), bytesOf(good)]),
      Buffer.from([index]),
    ]),
  async check(bytes) {
    const directory = place();
    const kind = stored[(bytes[0] ?? 0) % stored.length];
    assert(kind);
    const file = join(directory, kind.file);
    const content = bytes.subarray(1);
    writeFileSync(file, content);
    try {
      await kind.check(directory, content);
    } finally {
      writeFileSync(file, kind.good);
    }
  },
};
