/**
 * The canaries of B31 find what they are for: a secret that is planted in the arguments or the
 * environment of a program that lives for a millisecond, in a log, in the state or in a domain's XML
 * is a hit, and each is told by its place. Without one there is none.
 */
import assert from 'node:assert/strict';
import { appendFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Canaries } from './drills/canaries.ts';
import { recordExecs } from './drills/exec-record.ts';
import { define } from './drills/strangers.ts';
import { type Bench, createBench } from './test-bench.ts';

const programs = recordExecs();

interface Leak {
  /** Where it is found. */
  place: RegExp;
  plant(bench: Bench, key: Buffer): Promise<unknown>;
}

/** By a shell that has the key from its stdin, as a careless script of ours would do it. */
function inShell(place: RegExp, script: string): Leak {
  const plant: Leak['plant'] = ({ lab }, key) =>
    lab.exec(['sh', '-c', `read -r key; ${script}`], { input: `${key}\n` });
  return { place, plant };
}

const leaks: Record<string, Leak> = {
  argument: inShell(/^program "\S*true"/, '/bin/true --key="$key"'),
  'argument in base64, after bytes that are not ASCII': inShell(
    /^program "\S*false"/,
    '/bin/false "schlüssel=$(printf "x%s" "$key" | base64 -w 0)" || :',
  ),
  environment: inShell(/^program "\S*uname"/, 'KEY="$key" /bin/uname'),
  log: {
    place: /^the log$/,
    plant: ({ state }, key) => appendFile(join(state, '..', 'controller.log'), key),
  },
  'log of libvirt': {
    place: /\/log\/leak\.log$/,
    plant: ({ lab }, key) => writeFile(join(lab.dir, 'log', 'leak.log'), key.toString('hex')),
  },
  'state file': {
    place: /\/state\/leak\.json$/,
    plant: ({ state }, key) => writeFile(join(state, 'leak.json'), key.toString('base64')),
  },
  'XML of a domain': {
    place: /^XML of leak$/,
    plant: ({ lab }, key) =>
      define(
        lab,
        'define /dev/stdin',
        `<domain type='qemu'><name>leak</name><description>${key}</description>
          <memory unit='MiB'>64</memory><os><type>hvm</type></os></domain>`,
      ),
  },
};

describe('canaries', { timeout: 120_000 }, () => {
  it('find every leak that is planted, and nothing before that', async (t) => {
    await using bench = await createBench();
    bench.startController();
    await bench.untilLog(/controller started/);
    const canaries = new Canaries(programs);
    canaries.plant(bench, 'a');
    canaries.learn(bench);
    const look = async () => {
      await canaries.lookAtBench(bench, 'a');
      canaries.lookAtPrograms();
      return [...canaries.hits];
    };
    assert.deepEqual(await look(), []);
    for (const { plant } of Object.values(leaks)) await plant(bench, canaries.key);
    const hits = await look();
    t.diagnostic(canaries.report());
    for (const [what, { place }] of Object.entries(leaks)) {
      assert.ok(
        hits.some((hit) => place.test(hit)),
        `${what}: ${hits.join(', ')}`,
      );
    }
  });
});
