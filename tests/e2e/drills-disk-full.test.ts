/**
 * Drill B7: a pool of 64 MiB in which the thin disks of running guests grow until it is full. The
 * guests have no operating system: their boot sector writes one sector after the other. libvirt
 * pauses them; that is seen and said, nothing is deleted, and with room they go on to the end.
 */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ClusterStatus } from '../../src/crd/status.ts';
import { bareCluster, writeBareImage } from './drills/bare.ts';
import { createBench, eventually } from './test-bench.ts';

const name = 'full';
const nodes = ['full-head-0', 'full-compute-0'];
const pool = '/var/lib/libvirt/images';
/** The guest writes so many times 32 MiB. */
const writtenUnits = 4;

/** Real mode code: writes 64 sectors at a time from sector 2048 on, then halts. */
function writingBootSector(): Buffer<ArrayBuffer> {
  const dap = 0x7c30;
  const low = (value: number) => value & 0xff;
  const high = (value: number) => value >> 8;
  const word = (value: number) => [low(value), high(value)];
  const code = [
    ...[0xfa, 0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, 0xbc, 0x00, 0x7c, 0xfb], // segments, stack
    ...[0xb4, 0x43, 0xb0, 0x00, 0xbe, ...word(dap), 0xcd, 0x13], // loop: extended write
    ...[0x72, 0xf5], // an error: the same again
    ...[0x81, 0x06, ...word(dap + 8), 0x40, 0x00], // 64 sectors on
    ...[0x83, 0x16, ...word(dap + 10), 0x00], // and the carry
    ...[0x81, 0x3e, ...word(dap + 10), ...word(writtenUnits)],
    ...[0x72, 0xe2], // below: loop
    ...[0xf4, 0xeb, 0xfd], // halt for ever
  ];
  const sector = Buffer.alloc(512);
  sector.set(code);
  // Size, count, buffer 1000:0000, first sector.
  sector.set([0x10, 0, 64, 0, 0, 0, 0x00, 0x10, 0x00, 0x08, 0, 0, 0, 0, 0, 0], dap - 0x7c00);
  sector.writeUInt16LE(0xaa55, 510);
  return sector;
}

describe('drill B7', { timeout: 300_000 }, () => {
  it('guests whose pool is full are paused, reported and kept, and go on with room', async (t) => {
    const began = performance.now();
    await using bench = await createBench();
    await bench.inside('mount', '-t', 'tmpfs', '-o', 'size=64m,mode=755', 'tmpfs', pool);
    await bench.virsh('pool-refresh', 'default');
    await writeBareImage(bench, writingBootSector());
    bench.startController();
    await bench.write('full.yaml', bareCluster(name, 1));

    const reasons = (status: ClusterStatus | undefined) =>
      status?.nodes.map(({ reason }) => reason) ?? [];
    const isFull = (status: ClusterStatus | undefined) =>
      reasons(status).length === 2 && reasons(status).every((reason) => reason === 'DiskFull');
    const seen = await bench.until(name, 'both disks are full', isFull, 90_000);
    const states = () =>
      Promise.all(nodes.map((node) => bench.virsh('domstate', '--reason', node)));
    for (const state of await states()) assert.match(state, /paused \(I\/O error\)/);
    assert.match(seen?.nodes[0]?.message ?? '', /pool default .* is full; make room/);
    const identity = async () => {
      const uuids = await Promise.all(nodes.map((node) => bench.virsh('domuuid', node)));
      return [...uuids, await bench.virsh('vol-list', 'default'), await bench.virsh('list')];
    };
    const before = await identity();
    // Long enough for whatever would be wrong to be done: several rounds of looking again.
    const log = (await bench.log()).length;
    await bench.benchctl('get', 'clusters');
    await bench.virsh('pool-refresh', 'default');
    await new Promise((resolve) => setTimeout(resolve, 12_000));
    assert.deepEqual(await identity(), before);
    assert.doesNotMatch((await bench.log()).slice(log), /action started/);

    await bench.inside('mount', '-o', 'remount,size=1g', pool);
    await bench.virsh('pool-refresh', 'default');
    const running = (all: string[]) => all.every((state) => state.startsWith('running'));
    await eventually('both run again', states, running, 90_000);
    const written = async () => {
      const sizes = nodes.map((node) => bench.virsh('domblkinfo', node, 'vda'));
      const all = (await Promise.all(sizes)).map((text) => /Allocation:\s+(\d+)/.exec(text)?.[1]);
      return Math.min(...all.map(Number));
    };
    // The last of it begins at sector 2048.
    const wanted = (32 * writtenUnits - 1) * 2 ** 20;
    const bytes = await eventually('all is written', written, (least) => least >= wanted, 90_000);
    for (const state of await states()) assert.match(state, /running/);
    assert.deepEqual((await identity()).slice(0, 2), before.slice(0, 2));
    const seconds = Math.round((performance.now() - began) / 1000);
    t.diagnostic(
      `B7: ${nodes.length} guests paused by a full pool of 64 MiB, reported, 0 actions, 0 deleted; ` +
        `resumed, at least ${Math.round(bytes / 2 ** 20)} MiB on each disk; ${seconds} s`,
    );
  });
});
