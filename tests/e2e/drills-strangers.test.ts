/**
 * Drill B6: on a host with fifty domains and fifty volumes of other people a cluster lives its whole
 * life; all of theirs are equal to the byte before, meanwhile and after.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bareCluster, isRunning, writeBareImage } from './drills/bare.ts';
import { everything, makeStrangers } from './drills/strangers.ts';
import { createBench } from './test-bench.ts';

const name = 'guest';

describe('drill B6', { timeout: 300_000 }, () => {
  it('a cluster lives and dies among strangers, who never notice', async (t) => {
    const began = performance.now();
    await using bench = await createBench();
    bench.startController();
    await bench.untilLog(/controller started/);
    const installation = (await bench.readState('installation')).trim();
    const count = await makeStrangers(bench.lab, name, installation);
    const before = await everything(bench.lab);
    await writeBareImage(bench);
    await bench.write('guest.yaml', bareCluster(name, 2));
    await bench.until(name, 'three nodes', isRunning(3), 60_000);
    const names = (await bench.virsh('list', '--name')).trim().split('\n').sort();
    assert.deepEqual(names, ['guest-compute-0', 'guest-compute-1', 'guest-head-0']);
    const meanwhile = await everything(bench.lab);
    const lines = new Set(meanwhile.split('\n'));
    assert.deepEqual(
      before.split('\n').filter((line) => !lines.has(line)),
      [],
    );
    await bench.virsh('destroy', 'guest-compute-0');
    await bench.lab.restartDaemon({ kill: true });
    await bench.until(name, 'three nodes again', isRunning(3), 60_000);
    await bench.remove('guest.yaml');
    await bench.until(name, 'it is gone', (status) => status === undefined, 60_000);
    assert.equal(await everything(bench.lab), before);
    const seconds = Math.round((performance.now() - began) / 1000);
    t.diagnostic(
      `B6: ${count} domains and ${count} volumes of others, ${before.length} bytes of XML, digests ` +
        `and inodes equal before and after a life of 3 guests; ${seconds} s`,
    );
  });
});
